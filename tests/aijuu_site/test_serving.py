"""The pieces of `manage.py serve`, and the command itself where it refuses to start."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import checks
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError
from django.test import Client, override_settings
from wagtail.models import Site

from aijuu_site.management.commands import serve
from aijuu_site.serving.checks import AlreadyRunningError, exclusive_start, port_is_free, site_answers
from aijuu_site.serving.preparation import (
    SUPERVISORS_GROUP,
    collect_static_files,
    ensure_supervisor_account,
    prepare_data,
    static_files_are_current,
    static_fingerprint,
    sync_site_address,
)
from aijuu_site.serving.processes import Child, Supervisor
from home.models import ContactDetails
from tests.accounts import make_user
from tests.aijuu_site.environments import NEUTRAL, ROOT
from tests.tools.running_site import free_port

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def listener() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_noticed(listener: int) -> None:
    assert port_is_free("127.0.0.1", listener) is False


def test_a_free_port_is_free_again_after_looking() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert port_is_free("127.0.0.1", port) is True
    assert port_is_free("127.0.0.1", port) is True


def test_foreign_address_is_an_error_not_taken() -> None:
    with pytest.raises(OSError, match=r".+"):
        port_is_free("192.0.2.1", 8000)


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
def test_a_second_start_on_the_same_data_folder_is_refused(tmp_path: Path) -> None:
    with exclusive_start(tmp_path):
        with pytest.raises(AlreadyRunningError), exclusive_start(tmp_path):
            pass
        with override_settings(PORT=free_port(), DATA_DIR=tmp_path), pytest.raises(CommandError, match="already runs"):
            call_command("serve")
    with exclusive_start(tmp_path):
        pass


# Static files


@pytest.fixture
def static_source(tmp_path: Path) -> Iterator[Path]:
    source = tmp_path / "source"
    source.mkdir()
    (source / "site.css").write_text("body{color:red}")
    storages = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    with override_settings(
        STATICFILES_DIRS=[source],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        STATIC_ROOT=tmp_path / "static",
        STORAGES=storages,
    ):
        yield source


def test_static_files_are_collected_once_until_something_changes(static_source: Path, tmp_path: Path) -> None:
    stamp = tmp_path / "static.stamp"
    first = static_fingerprint()
    assert not static_files_are_current(stamp, first)
    collect_static_files(stamp, first)
    assert static_files_are_current(stamp, static_fingerprint())
    assert list((tmp_path / "static").glob("site.*.css"))

    (static_source / "site.css").write_text("body{color:tan}")
    assert not static_files_are_current(stamp, static_fingerprint())
    (static_source / "site.css").write_text("body{color:red}")
    assert static_files_are_current(stamp, static_fingerprint())
    (static_source / "site.css").rename(static_source / "page.css")
    assert not static_files_are_current(stamp, static_fingerprint())


@pytest.mark.usefixtures("static_source")
def test_a_collection_that_was_cut_off_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = tmp_path / "static.stamp"
    fingerprint = static_fingerprint()
    collect_static_files(stamp, fingerprint)

    def cut_off(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aijuu_site.serving.preparation.call_command", cut_off)
    with pytest.raises(KeyboardInterrupt):
        collect_static_files(stamp, fingerprint)
    assert not static_files_are_current(stamp, fingerprint)


@pytest.mark.usefixtures("static_source")
def test_static_files_that_somebody_removed_are_collected_again(tmp_path: Path) -> None:
    stamp = tmp_path / "static.stamp"
    collect_static_files(stamp, static_fingerprint())
    (tmp_path / "static" / "staticfiles.json").unlink()
    assert not static_files_are_current(stamp, static_fingerprint())


@pytest.mark.usefixtures("static_source")
def test_a_folder_of_somebody_elses_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not made here"):
        collect_static_files(tmp_path / "static.stamp", static_fingerprint())
    assert (tmp_path / "static" / "mine.txt").read_text() == "mine"


@pytest.mark.usefixtures("static_source")
def test_symlinked_static_root_is_not_emptied(tmp_path: Path) -> None:
    stamp, folder = tmp_path / "static.stamp", tmp_path / "static"
    collect_static_files(stamp, static_fingerprint())
    folder.rename(tmp_path / "www")
    folder.symlink_to(tmp_path / "www")
    # Moved as a whole it is ours still.
    collect_static_files(stamp, static_fingerprint())
    folder.unlink()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").write_text("mine")
    folder.symlink_to(tmp_path / "photos")
    with pytest.raises(CommandError, match="not made here"):
        collect_static_files(stamp, static_fingerprint())
    assert (tmp_path / "photos" / "mine.jpg").exists()


@pytest.mark.parametrize("place", ["source", "source/below", "", "link"])
def test_the_sources_are_never_emptied(static_source: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to(static_source)
    stamp = tmp_path / "static.stamp"
    stamp.write_text("made here, it says")
    with override_settings(STATIC_ROOT=tmp_path / place), pytest.raises(CommandError, match="not made here"):
        collect_static_files(stamp, "fingerprint")
    assert (static_source / "site.css").read_text() == "body{color:red}"


# The checks


@pytest.fixture
def failing_check() -> Iterator[None]:
    """A system check that finds something wrong with the program."""

    def check(**_options: object) -> list[checks.CheckMessage]:
        return [checks.Error("The program is broken.", id="tests.E001")]

    checks.register(check)
    yield
    checks.registry.registry.registered_checks.discard(check)


@pytest.mark.django_db
@pytest.mark.usefixtures("_own_umask", "failing_check")
@pytest.mark.parametrize("command", ["serve", "prepare"])
def test_a_broken_program_writes_nothing(tmp_path: Path, command: str) -> None:
    with override_settings(PORT=free_port(), DATA_DIR=tmp_path), pytest.raises(SystemCheckError, match="is broken"):
        call_command(command)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("_own_umask")
@pytest.mark.parametrize("command", ["serve", "prepare"])
@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "DATA_DIR"),
        (OperationalError("database or disk is full"), "DATABASE_URL"),
        (OperationalError("could not extend file: No space left on device"), "DATABASE_URL"),
    ],
)
def test_a_full_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, error: Exception, named: str
) -> None:
    def full(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr("aijuu_site.serving.preparation._load_content", full)
    with (
        override_settings(PORT=free_port(), DATA_DIR=tmp_path),
        pytest.raises(CommandError, match=f"^{named}: .* full"),
    ):
        call_command(command)


@pytest.mark.usefixtures("_own_umask")
def test_a_new_database_is_made_after_the_checks(tmp_path: Path) -> None:
    script = (
        "import django, os; django.setup();"
        "from aijuu_site.serving import checks;"
        "checks.check_program(); checks.require_database(); print(sorted(os.listdir(os.environ['DATA_DIR'])))"
    )
    environment = {**os.environ, **NEUTRAL, "DATA_DIR": str(tmp_path), "SITE_URL": "https://www.example.fi"}
    environment["DJANGO_SETTINGS_MODULE"] = "aijuu_site.settings.production"
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert (finished.stdout.strip(), finished.stderr) == ("['secret_key']", "")


# The first account


@pytest.mark.django_db
def test_first_start_creates_account_with_generated_password() -> None:
    account = ensure_supervisor_account(email="kati@example.fi", password="")
    assert account is not None
    assert account.generated_password is not None
    assert len(account.generated_password) >= 14
    user = get_user_model().objects.get()
    assert user.check_password(account.generated_password)
    assert (user.email, user.name, user.is_active, user.is_superuser) == (
        "kati@example.fi", "", True, True,
    )  # fmt: skip
    assert user.groups.filter(name=SUPERVISORS_GROUP).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("email", "name"), [("KATI@aijuu.fi", "Kati Levola"), ("muu@example.fi", "")])
def test_first_account_has_its_owners_name(email: str, name: str) -> None:
    ContactDetails.load()
    ContactDetails.objects.update(person_name="Kati Levola", email="kati@aijuu.fi")
    ensure_supervisor_account(email=email, password="")
    user = get_user_model().objects.get()
    assert (user.name, str(user)) == (name, name or email)


@pytest.mark.django_db
def test_a_given_password_is_used_and_not_shown() -> None:
    account = ensure_supervisor_account(email="kati@example.fi", password="kuusen-alla-istuu-7-lasta")
    assert account is not None
    assert account.generated_password is None
    assert account.weaknesses == ()
    assert get_user_model().objects.get().check_password("kuusen-alla-istuu-7-lasta")


@pytest.mark.django_db
def test_a_weak_password_is_taken_with_a_warning() -> None:
    account = ensure_supervisor_account(email="kati@example.fi", password="12345")
    assert account is not None
    assert account.weaknesses


@pytest.mark.django_db
def test_a_second_start_changes_no_account() -> None:
    ensure_supervisor_account(email="kati@example.fi", password="kuusen-alla-istuu-7-lasta")
    before = get_user_model().objects.values().get()
    assert ensure_supervisor_account(email="other@example.fi", password="aivan-muu-salasana") is None
    assert get_user_model().objects.values().get() == before


@pytest.mark.django_db
def test_a_supervisor_who_is_no_superuser_is_enough() -> None:
    user = make_user("kati")
    user.groups.add(Group.objects.get_or_create(name=SUPERVISORS_GROUP)[0])
    assert ensure_supervisor_account(email="kati@example.fi", password="") is None


@pytest.mark.django_db
def test_start_grants_no_rights_to_existing_account() -> None:
    make_user(email="Kati@example.fi")
    with pytest.raises(ValidationError, match="may not supervise"):
        ensure_supervisor_account(email="kati@example.fi", password="")
    assert not get_user_model().objects.get().is_superuser


@pytest.mark.django_db
@pytest.mark.parametrize("rights", ["inactive", "none"])
def test_site_starts_though_nobody_can_sign_in(rights: str) -> None:
    user = make_user(is_superuser=rights == "inactive")
    user.is_active = rights == "none"
    user.save()
    said: list[str] = []
    with override_settings(ADMIN_EMAIL="Kati@Example.fi"):
        prepare_data(said.append)
    (warning,) = [line for line in said if line.startswith("WARNING: nobody can sign in")]
    assert "Set another ADMIN_EMAIL" in warning
    assert get_user_model().objects.count() == 1
    assert Client().get("/").status_code == 200
    assert Client().get("/ota-yhteytta/").status_code == 200
    with override_settings(ADMIN_EMAIL="muu@example.fi", ADMIN_PASSWORD="kuusen-alla-istuu-7-lasta"):
        prepare_data(said.append)
    assert get_user_model().objects.filter(email="muu@example.fi", is_superuser=True).exists()


# The site's own address


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
def test_wagtail_knows_the_sites_address(url: str, expected: tuple[str, int]) -> None:
    assert sync_site_address(url) is True
    site = Site.objects.get(is_default_site=True)
    assert (site.hostname, site.port) == expected
    assert sync_site_address(url) is False


# Processes


def supervised(web: list[str], worker: list[str], said: list[str]) -> Supervisor:
    return Supervisor(web=Child("web server", web), worker=Child("worker", worker), say=said.append)


def assert_gone(child: Child) -> None:
    assert child.process is not None
    assert child.process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(child.process.pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_both_programs_and_is_a_success(number: signal.Signals) -> None:
    supervisor = supervised(SLEEPER, SLEEPER, [])
    code = supervisor.run(is_answering=lambda: True, on_ready=lambda: signal.raise_signal(number))
    assert code == 0
    assert_gone(supervisor.web)
    assert_gone(supervisor.worker)


def test_a_program_that_ignores_the_request_to_stop_is_killed() -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    said: list[str] = []
    supervisor = supervised(SLEEPER, [sys.executable, "-c", deaf], said)
    supervisor.worker.stop_seconds = 0.5
    # Long enough for it to have become deaf.
    stop = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervisor.run(is_answering=lambda: True, on_ready=stop.start) == 0
    assert_gone(supervisor.worker)
    assert any("killing" in line for line in said)


def test_worker_gets_grace_period_on_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes._TELL_AFTER", 0.2)
    slow = (
        "import signal, sys, time;signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit(0)));time.sleep(60)"
    )
    said: list[str] = []
    supervisor = supervised(SLEEPER, [sys.executable, "-c", slow], said)
    supervisor.worker.stop_seconds = 20
    stop = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervisor.run(is_answering=lambda: True, on_ready=stop.start) == 0
    assert supervisor.worker.exit_code() == 0
    assert said == ["The worker is finishing what it does (at most 20 s) …"]


def test_worker_stop_time_exceeds_mail_timeout() -> None:
    assert serve._worker().stop_seconds > settings.EMAIL_TIMEOUT


def test_without_the_web_server_everything_ends_with_a_failure() -> None:
    said: list[str] = []
    supervisor = supervised([sys.executable, "-c", "raise SystemExit(3)"], SLEEPER, said)
    assert supervisor.run(is_answering=lambda: False, on_ready=lambda: None) == 1
    assert any("web server ended" in line and "3" in line for line in said)
    assert_gone(supervisor.worker)


def test_start_fails_without_web_server_answer() -> None:
    said: list[str] = []
    supervisor = supervised(SLEEPER, SLEEPER, said)
    assert supervisor.run(is_answering=lambda: False, on_ready=lambda: None, ready_seconds=0.5) == 1
    assert any("did not answer" in line for line in said)
    assert_gone(supervisor.web)


def test_worker_restarts_with_backoff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes.FIRST_WAIT", 0.1)
    starts = tmp_path / "starts"
    worker = [sys.executable, "-c", f"import os; open({str(starts)!r}, 'a').write('x'); os._exit(9)"]
    said: list[str] = []
    supervisor = supervised(SLEEPER, worker, said)
    supervisor.worker.wait = 0.1

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            signal.raise_signal(signal.SIGTERM)

    supervisor.say = say
    assert supervisor.run(is_answering=lambda: True, on_ready=lambda: None) == 0
    assert starts.read_text() == "xxx"
    assert supervisor.worker.wait == pytest.approx(0.8)
    assert all("worker ended (code 9)" in line for line in said)


def test_nothing_answers_where_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert site_answers("127.0.0.1", port) is False
