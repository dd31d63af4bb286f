"""When `manage.py serve` refuses to start, and the site address that a start stores in Wagtail."""

import errno
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings
from pytest_django import DjangoDbBlocker
from wagtail.models import Site

from aijuu_site.accounts.models import User
from aijuu_site.management.commands import serve
from aijuu_site.serving.checks import (
    AlreadyRunningError,
    check_program,
    exclusive_start,
    require_database,
)
from aijuu_site.serving.preparation import newer_migrations, sync_site_address
from aijuu_site.serving.sockets import is_reached_at, port_is_free
from tests.aijuu_site.another_database import another_database
from tests.aijuu_site.environments import ROOT
from tests.tools.running_site import free_port


@pytest.fixture
def listener() -> Iterator[int]:
    """Listen on a port as another program would, and return the port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_taken_port_is_detected(listener: int) -> None:
    assert port_is_free("127.0.0.1", listener) is False


def test_port_check_leaves_port_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert port_is_free("127.0.0.1", port) is True
    assert port_is_free("127.0.0.1", port) is True


def test_port_check_of_foreign_address_raises() -> None:
    with pytest.raises(OSError, match=r".+"):
        port_is_free("192.0.2.1", 8000)


@pytest.mark.parametrize(("pid", "is_taken"), [("$$", True), ("1", False)])
def test_systemd_socket_needs_matching_listen_pid(listener: int, pid: str, is_taken: bool) -> None:
    """systemd passes descriptor 3, and in LISTEN_PID the process that it is meant for (sd_listen_fds(3))."""
    script = "from aijuu_site.serving.sockets import passed_socket as s; print((p := s()) and p.getsockname()[1])"
    with socket.socket() as passed:
        passed.bind(("127.0.0.1", 0))
        passed.listen()
        command = f'exec 3<&{passed.fileno()}; LISTEN_PID={pid} LISTEN_FDS=1 exec "$0" -c "$1"'
        done = subprocess.run(
            ["bash", "-c", command, sys.executable, script],
            cwd=ROOT,
            pass_fds=[passed.fileno()],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == (str(passed.getsockname()[1]) if is_taken else "None")


@pytest.mark.parametrize(
    ("bound", "host", "other_port", "is_reached"),
    [
        ("127.0.0.1", "127.0.0.1", 0, True),
        ("127.0.0.1", "localhost", 0, True),
        ("0.0.0.0", "127.0.0.1", 0, True),  # noqa: S104
        ("127.0.0.1", "127.0.0.1", 1, False),
        ("127.0.0.2", "127.0.0.1", 0, False),
    ],
)
def test_systemd_socket_must_match_port_and_host(
    monkeypatch: pytest.MonkeyPatch, bound: str, host: str, other_port: int, is_reached: bool
) -> None:
    """The start and the form's proof send requests to PORT. If nothing listens there, systemd restarts every minute."""
    with socket.socket() as passed:
        passed.bind((bound, 0))
        passed.listen()
        port = passed.getsockname()[1] + other_port
        monkeypatch.setattr(serve, "passed_socket", lambda: passed)
        monkeypatch.setattr(serve, "check_program", raising(CommandError("Everything before was taken.")))
        message = (
            "Everything before"
            if is_reached
            else rf"PORT, HOST: they say {host}:{port}, but .*{passed.getsockname()[1]}"
        )
        with (
            override_settings(HOST=host, PORT=port, LOCAL_ADDRESS=(host, port)),
            pytest.raises(CommandError, match=message),
        ):
            call_command("serve")


def test_unix_socket_of_systemd_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as passed:
        passed.bind(str(tmp_path / "site.sock"))
        assert not is_reached_at(passed, "127.0.0.1", 8000)


@pytest.fixture
def _own_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_own_umask")
def test_start_on_taken_port_fails_with_advice(listener: int) -> None:
    with override_settings(PORT=listener), pytest.raises(CommandError, match=rf"Port {listener} .* is taken.*PORT="):
        call_command("serve")


@pytest.mark.usefixtures("_own_umask")
def test_second_serve_on_same_data_folder_refused(tmp_path: Path) -> None:
    with exclusive_start(tmp_path):
        with pytest.raises(AlreadyRunningError), exclusive_start(tmp_path):
            pass
        with override_settings(PORT=free_port(), DATA_DIR=tmp_path), pytest.raises(CommandError, match="already runs"):
            call_command("serve")
    with exclusive_start(tmp_path):
        pass


@pytest.fixture
def failing_check() -> Iterator[None]:
    """Register a system check that reports an error."""

    def check(**_options: object) -> list[checks.CheckMessage]:
        return [checks.Error("The program is broken.", id="tests.E001")]

    checks.register(check)
    yield
    checks.registry.registry.registered_checks.discard(check)


@pytest.mark.django_db
@pytest.mark.usefixtures("_own_umask", "failing_check")
@pytest.mark.parametrize("command", ["serve", "prepare"])
def test_failed_system_check_writes_nothing(tmp_path: Path, command: str) -> None:
    with override_settings(PORT=free_port(), DATA_DIR=tmp_path), pytest.raises(SystemCheckError, match="is broken"):
        call_command(command)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("_own_umask")
def test_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    MigrationRecorder(connection).record_applied("intake", "9999_later")
    for dry_run in (False, True):
        with (
            override_settings(DATA_DIR=tmp_path),
            pytest.raises(CommandError, match=r"newer release.*intake.9999"),
        ):
            call_command("prepare", dry_run=dry_run)


@pytest.mark.parametrize(
    ("applied", "expected"),
    [
        ([("intake", "0002_b")], []),
        ([("intake", "0003_c")], ["intake.0003_c"]),
        # The database is from a release of another branch.
        ([("intake", "0002_other")], ["intake.0002_other"]),
        # A squashed migration, a removed app, and a migration without a number.
        ([("intake", "0001_old"), ("gone", "0001_initial"), ("intake", "initial")], []),
    ],
)
def test_newer_migrations_are_detected(applied: list[tuple[str, str]], expected: list[str]) -> None:
    assert newer_migrations(applied=applied, known=[("intake", "0001_a"), ("intake", "0002_b")]) == expected


@pytest.mark.django_db
@pytest.mark.usefixtures("_own_umask")
def test_dry_run_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with override_settings(DATA_DIR=tmp_path, ADMIN_EMAIL="uusi@example.fi"):
        call_command("prepare", dry_run=True)
    assert "Ready to start" in capsys.readouterr().out
    assert not User.objects.exists()
    assert list(tmp_path.iterdir()) == []


FULL = pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "DATA_DIR"),
        (OperationalError("database or disk is full"), "DATABASE_URL"),
        (OperationalError("could not extend file: No space left on device"), "DATABASE_URL"),
    ],
)


@pytest.mark.django_db
@pytest.mark.usefixtures("_own_umask")
@FULL
def test_full_disk_gives_one_line_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, named: str
) -> None:
    monkeypatch.setattr("aijuu_site.serving.preparation._load_content", raising(error))
    with override_settings(DATA_DIR=tmp_path), pytest.raises(CommandError, match=f"^{named}: .* full"):
        call_command("prepare")


@pytest.mark.usefixtures("_own_umask")
@FULL
@pytest.mark.parametrize(
    ("failing", "other"), [("prepare_data", "prepare_static_files"), ("prepare_static_files", "prepare_data")]
)
def test_serve_exits_when_preparation_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    failing: str,
    other: str,
    error: Exception,
    named: str,
) -> None:
    for name in ("check_program", "check_resources", "close_connections"):
        monkeypatch.setattr(serve, name, lambda: None)
    monkeypatch.setattr(serve, failing, raising(error))
    # The other preparation is stopped, so the test does not take 600 seconds.
    monkeypatch.setattr(serve, other, lambda _say: time.sleep(600))
    monkeypatch.setattr(serve, "_run", raising(AssertionError("The site was started.")))
    with override_settings(PORT=free_port(), DATA_DIR=tmp_path), pytest.raises(SystemExit) as ended:
        call_command("serve")
    assert ended.value.code == 1
    assert re.fullmatch(rf"CommandError: {named}: .* full\.\n", capfd.readouterr().err)


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_arguments: object) -> None:
        raise error

    return fail


@pytest.mark.usefixtures("_own_umask")
def test_checks_create_no_database(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), another_database(tmp_path), override_settings(HTTPS=True):
        check_program()
        require_database()
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is always in UTF-8")
@pytest.mark.django_db(transaction=True)
def test_database_in_another_encoding_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian creates databases in SQL_ASCII if no locale is set."""
    require_database()
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE plain_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    try:
        with monkeypatch.context() as patch:
            patch.setitem(connection.settings_dict, "NAME", "plain_ascii")
            with pytest.raises(CommandError, match=r"is in SQL_ASCII.*createdb --template template0 --encoding UTF8"):
                require_database()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE plain_ascii")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8123", ("127.0.0.1", 8123)),
        ("https://www.example.fi", ("www.example.fi", 443)),
        ("http://www.example.fi", ("www.example.fi", 80)),
        ("http://[::1]:8000", ("[::1]", 8000)),
    ],
)
def test_sync_site_address_updates_wagtail_site(url: str, expected: tuple[str, int]) -> None:
    assert sync_site_address(url) is True
    site = Site.objects.get(is_default_site=True)
    assert (site.hostname, site.port) == expected
    assert sync_site_address(url) is False
