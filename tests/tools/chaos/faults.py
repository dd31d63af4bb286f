"""The faults. Each lasts some seconds and has ended when its function returns."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import psycopg

from tests.tools.chaos.machines import Machines, PostgresServer, SqliteFile, wait_until
from tests.tools.running_site import ROOT
from tests.tools.smtp_server import Behaviour

SECONDS = 8.0
HOUR, DAY = 3600.0, 86400.0
# Time limit for the mails after the clocks are right again; here their retries are not hastened.
CLOCK_SECONDS = 90.0


@dataclass(frozen=True)
class Fault:
    """`database`: the only database for this fault, or "". `needs_disk`: SQLite needs its own file system."""

    name: str
    run: Callable[[Machines], None]
    database: str = ""
    needs_disk: bool = False


def _nothing(_machines: Machines) -> None:
    time.sleep(SECONDS)


def _killing(kill: Callable[[Machines], None]) -> Callable[[Machines], None]:
    def run(machines: Machines) -> None:
        for _time in range(3):
            time.sleep(SECONDS / 4)
            kill(machines)

    return run


def _mail(behaviour: Behaviour) -> Callable[[Machines], None]:
    def run(machines: Machines) -> None:
        machines.smtp.behaviour = behaviour
        try:
            # The worker retries a failed mail after a minute, which is longer than the fault lasts.
            for _time in range(4):
                time.sleep(SECONDS / 4)
                hasten(machines)
        finally:
            machines.smtp.behaviour = Behaviour.ACCEPT

    return run


def hasten(machines: Machines) -> None:
    """Make all mails that wait for a retry due now."""
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    if isinstance(machines.database, PostgresServer):
        now += "+00"
    machines.database.rows(
        f"UPDATE intake_outgoingmail SET next_attempt_at = '{now}' WHERE state = 'queued'"  # noqa: S608
    )


def resend_given_up(machines: Machines) -> None:
    """Queue abandoned mails again, as the admin's button does: with hasten() mails are abandoned within seconds."""
    machines.database.rows("UPDATE intake_outgoingmail SET state = 'queued', failures = 0 WHERE state = 'failed'")
    hasten(machines)


def _wrong_clocks(seconds: float, *, only_first: bool = False) -> Callable[[Machines], None]:
    """Return a fault: the clocks jump while messages are sent and mailed, and jump back."""

    def run(machines: Machines) -> None:
        # Mails that an earlier fault delayed or that were abandoned.
        resend_given_up(machines)
        wrong = machines.sites[:1] if only_first else machines.sites
        time.sleep(SECONDS / 4)
        machines.set_clocks(seconds, *wrong)
        try:
            time.sleep(SECONDS / 2)
        finally:
            machines.set_clocks(0, *wrong)
        time.sleep(SECONDS / 4)
        try:
            wait_until(lambda: not _waiting(machines), "sent mail after a wrong clock", CLOCK_SECONDS)
        except AssertionError:
            machines.problems.append(AssertionError(f"a clock was wrong by {seconds:.0f} s: {_waiting(machines)} wait"))

    return run


def _waiting(machines: Machines) -> list[tuple[object, ...]]:
    return machines.database.rows(
        "SELECT state, failures, count(*), min(next_attempt_at), max(created_at), max(claimed_at)"
        " FROM intake_outgoingmail WHERE state <> 'sent' GROUP BY state, failures"
    )


def _second_worker(machines: Machines) -> None:
    (site,) = machines.sites
    worker = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "work"],
        cwd=site.data_dir,
        env=site.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(2 * SECONDS)
    finally:
        worker.terminate()
        worker.wait(90)


def _mail_server_away(machines: Machines) -> None:
    # A mail that was just being accepted may be sent twice.
    machines.interruptions += len(machines.sites)
    machines.smtp.stop_listening()
    try:
        time.sleep(SECONDS / 2)
        hasten(machines)
        time.sleep(SECONDS / 2)
    finally:
        machines.smtp.listen()


def _database_fails(machines: Machines, times: int = 1) -> None:
    # Each worker may have sent a mail without being able to record it.
    machines.interruptions += times * len(machines.sites)


def _sqlite(machines: Machines) -> SqliteFile:
    assert isinstance(machines.database, SqliteFile)
    return machines.database


def _locked_by_a_program(machines: Machines) -> None:
    _database_fails(machines)
    with closing(sqlite3.connect(_sqlite(machines).path, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(SECONDS)
        connection.execute("ROLLBACK")


def _read_only_disk(machines: Machines) -> None:
    """Make the disk read-only for some seconds, as after a disk error.

    A file system can be made read-only only while no file is open for writing, so all processes with open files are
    killed. Afterwards the site continues by itself (aijuu_site.queued_sqlite).
    """
    folder = _sqlite(machines).path.parent
    (site,) = machines.sites
    assert site.process
    parents = [site.process.pid, *(server.pid for server in machines.processes(site, "web server"))]
    for parent in parents:
        os.kill(parent, signal.SIGSTOP)
    try:
        machines.kill("web processes", "worker")
        deadline = time.monotonic() + 10
        while subprocess.run(["mount", "-o", "remount,ro", folder], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, "the disk can't be made read-only"
            time.sleep(0.1)
    finally:
        for parent in parents:
            os.kill(parent, signal.SIGCONT)
    try:
        time.sleep(SECONDS)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


def _full_disk(machines: Machines) -> None:
    # The disk may be full several times, as the site's own files grow and shrink.
    _database_fails(machines, times=20)
    ballast = _sqlite(machines).path.parent / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            began, size = time.monotonic(), 1024 * 1024
            while time.monotonic() - began < SECONDS:
                try:
                    file.write(b"\0" * size)
                except OSError:
                    # Also fill the space that the site frees.
                    size = 4096
                    time.sleep(0.05)
    finally:
        ballast.unlink()


def _server(machines: Machines) -> PostgresServer:
    assert isinstance(machines.database, PostgresServer)
    return machines.database


def _connections_cut(machines: Machines) -> None:
    for _time in range(4):
        _database_fails(machines)
        time.sleep(SECONDS / 4)
        _server(machines).rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def _server_crashes(machines: Machines) -> None:
    _database_fails(machines)
    _server(machines).server.crash()
    time.sleep(SECONDS)
    _server(machines).server.start()


def _server_read_only(machines: Machines) -> None:
    server = _server(machines)
    _database_fails(machines)
    (name,) = server.rows("SELECT current_database()")[0]
    server.rows(f"ALTER SYSTEM SET default_transaction_read_only = on; -- {name}")
    server.rows("SELECT pg_reload_conf()")
    try:
        time.sleep(SECONDS)
    finally:
        with psycopg.connect(server.server.url, autocommit=True, options="-c default_transaction_read_only=off") as own:
            own.execute("ALTER SYSTEM RESET default_transaction_read_only")
            own.execute("SELECT pg_reload_conf()")


def _table_locked(machines: Machines) -> None:
    """Somebody changes the tables manually and commits late."""
    _database_fails(machines)
    with psycopg.connect(_server(machines).server.url) as own:
        own.execute("LOCK TABLE intake_enquiry, intake_outgoingmail IN ACCESS EXCLUSIVE MODE")
        time.sleep(SECONDS)


FAULTS = (
    Fault("none", _nothing),
    Fault("worker killed", _killing(lambda machines: machines.kill("worker"))),
    Fault("web processes killed", _killing(lambda machines: machines.kill("web processes"))),
    Fault("web server killed", _killing(lambda machines: machines.kill("web server"))),
    Fault("site killed", _killing(lambda machines: machines.kill_all())),
    Fault("mail server away", _mail_server_away),
    Fault("mail refused: sender", _mail(Behaviour.REFUSE)),
    Fault("mail refused: recipient", _mail(Behaviour.REJECT)),
    Fault("mail refused: message", _mail(Behaviour.REFUSE_DATA)),
    Fault("mail server hangs", _mail(Behaviour.HANG)),
    Fault("mail dropped in DATA", _mail(Behaviour.DROP)),
    Fault("mail taken, no answer", _mail(Behaviour.VANISH)),
    Fault("clock a day ahead", _wrong_clocks(DAY)),
    Fault("clock a day behind", _wrong_clocks(-DAY)),
    Fault("clock an hour ahead", _wrong_clocks(HOUR)),
    Fault("clock an hour behind", _wrong_clocks(-HOUR)),
    Fault("one of two an hour ahead", _wrong_clocks(HOUR, only_first=True), database="postgres"),
    Fault("two workers", _second_worker, database="sqlite"),
    Fault("database locked", _locked_by_a_program, database="sqlite"),
    Fault("disk read-only", _read_only_disk, database="sqlite", needs_disk=True),
    Fault("disk full", _full_disk, database="sqlite", needs_disk=True),
    Fault("connections cut", _connections_cut, database="postgres"),
    Fault("server crashed", _server_crashes, database="postgres"),
    Fault("server read-only", _server_read_only, database="postgres"),
    Fault("tables locked", _table_locked, database="postgres"),
)
