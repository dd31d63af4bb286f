"""Every environment variable is read somewhere, listed in .env.example, and has a row in the README's table."""

import re
from pathlib import Path

import pytest

from aijuu_site.settings.environment import NAMES

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_variable_is_read_in_production_settings() -> None:
    code = (ROOT / "aijuu_site" / "settings" / "production.py").read_text(encoding="utf-8")
    assert sorted(re.findall(r"""\benv\.\w+\(\s*"([A-Z_]+)\"""", code)) == sorted(NAMES)


def test_no_other_module_reads_the_environment() -> None:
    # These files set DJANGO_SETTINGS_MODULE, read a switch of the tests or systemd's variables, or mean WSGI's environ.
    allowed = {"environment.py", "shell.py", "sockets.py", "start.py", "test.py", "wsgi.py", "wsgi_call.py"}
    readers = {
        path.name
        for app in ("aijuu_site", "home", "intake")
        for path in (ROOT / app).rglob("*.py")
        if re.search(r"environ\b|getenv", path.read_text(encoding="utf-8"))
    }
    assert readers <= allowed


def test_env_example_lists_every_variable() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = {match[1] for line in lines if (match := re.match(r"#?([A-Z_]+)=", line))}
    assert named == set(NAMES)


def test_example_env_file_sets_no_variables() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_readme_table_lists_every_variable() -> None:
    table = re.findall(r"^\|\s*`([A-Z_]+)`", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(table) == len(set(table))
    assert set(table) == set(NAMES)


def test_readme_names_existing_make_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"run", "test"} <= named <= targets
