"""A command with unusable settings ends with one line that names the setting and shows no secret."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

import manage
from aijuu_site.serving import checks
from aijuu_site.settings.data import database_from_url
from tests.aijuu_site.another_database import another_database
from tests.aijuu_site.environments import HTTPS, NEUTRAL, ROOT, SECRET

pytestmark = pytest.mark.once


def test_development_settings_refuse_https(tmp_path: Path) -> None:
    development = {"DJANGO_SETTINGS_MODULE": "aijuu_site.settings.dev", "DATA_DIR": str(tmp_path)}
    finished = run("manage.py", "check", **development, **HTTPS)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith("SITE_URL: ")
    assert finished.stderr.count("\n") == 1


def test_deployment_check_is_silent_behind_https(tmp_path: Path) -> None:
    finished = run("manage.py", "check", "--deploy", "--fail-level", "DEBUG", DATA_DIR=str(tmp_path), **HTTPS)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert re.match(r"System check identified no issues \(\d silenced\)\.\n$", finished.stdout)


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **NEUTRAL, "DJANGO_SETTINGS_MODULE": "aijuu_site.settings.production", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [("manage.py", "serve"), ("manage.py", "migrate"), ("-m", "aijuu_site.serving.web", "127.0.0.1", "1")],
)
def test_invalid_setting_gives_one_line_error(tmp_path: Path, command: tuple[str, ...]) -> None:
    finished = run(*command, DATA_DIR=str(tmp_path / "data"), SITE_URL="www.example.fi")
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr.startswith("SITE_URL: ")
    assert finished.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


AWAY = [
    f"postgres://kati:{SECRET}@127.0.0.1:1/aijuu",
    f"postgres://kati:{SECRET}@127.0.0.1:1/aijuu?no_such_option=1",
    "sqlite:////nowhere/at/all.sqlite3",
    "sqlite:///broken.sqlite3",
    "sqlite:///folder",
]


@pytest.fixture
def odd_files(tmp_path: Path) -> Path:
    (tmp_path / "broken.sqlite3").write_text("no database at all, but a text")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize("url", AWAY)
def test_unusable_database_gives_one_line_error(
    odd_files: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker, url: str
) -> None:
    databases = {"default": database_from_url(url, odd_files)}
    monkeypatch.setattr(checks, "settings", SimpleNamespace(DATABASES=databases))
    monkeypatch.setattr(checks, "connection", ConnectionHandler(databases)["default"])
    with pytest.raises(CommandError) as refused, django_db_blocker.unblock():
        checks.require_database()
    line = str(refused.value)
    assert line.startswith("DATABASE_URL: ")
    assert "\n" not in line
    assert SECRET[:3] not in line


def test_start_without_database_gives_one_line_error(tmp_path: Path) -> None:
    finished = run("manage.py", "prepare", DATA_DIR=str(tmp_path), DATABASE_URL=AWAY[0])
    assert finished.returncode == 1
    assert finished.stderr.startswith("CommandError: DATABASE_URL: ")
    assert finished.stderr.count("\n") == 1
    assert SECRET[:3] not in finished.stderr


@pytest.fixture
def exit_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker
) -> Callable[[str, str], str]:
    """Return a function that runs a command as manage.py does, with a database URL, and returns its exit message."""

    def run_here(command: str, url: str) -> str:
        monkeypatch.setattr(sys, "argv", ["manage.py", *command.split()])
        with django_db_blocker.unblock(), another_database(tmp_path, url), pytest.raises(SystemExit) as end:
            manage.main()
        return str(end.value)

    return run_here


@pytest.mark.parametrize("command", ["migrate", "remove_due_enquiries", "clearsessions"])
def test_other_commands_report_unusable_database(exit_message: Callable[[str, str], str], command: str) -> None:
    line = exit_message(command, "sqlite:////nowhere/x.sqlite3")
    assert line.startswith("DATABASE_URL: ")
    assert "\n" not in line


@pytest.mark.parametrize("command", ["prove_form", "backup", "reset_second_step kati@example.fi"])
def test_command_with_unprepared_database_reports_it(
    exit_message: Callable[[str, str], str], tmp_path: Path, command: str
) -> None:
    line = exit_message(command, "")
    assert re.match(r"The database has yet to be prepared \(\d+ steps\): run `manage.py prepare`", line)
    assert str(tmp_path) in line
    assert "\n" not in line
