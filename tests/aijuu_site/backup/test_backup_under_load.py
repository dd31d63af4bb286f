"""After a loss of the machine, a backup made under load restores every letter confirmed before it began."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pyrage
import pytest

from tests.prepared_database import copy_database
from tests.tools.chaos.machines import SqliteFile, wait_until
from tests.tools.chaos.senders import Letter, Senders
from tests.tools.kept_static import static_files_kept
from tests.tools.running_site import ROOT, RunningSite

pytestmark = pytest.mark.once

SENDERS, LETTERS, BEFORE = 3, 12, 4


@pytest.fixture
def identity() -> Any:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def site(request: pytest.FixtureRequest, _prepared: Path, tmp_path: Path, identity: Any) -> Iterator[RunningSite]:
    """Start a site on a database that lacks one migration, with the static files of an earlier run.

    Running all migrations and collecting the static files would each take half a minute.
    """
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    copy_database(_prepared, data_dir / "db.sqlite3")
    undo_a_migration(data_dir / "db.sqlite3")
    settings = {"BACKUP_KEY": str(identity.to_public()), "BACKUP_TO": str(tmp_path / "backups")}
    site = RunningSite(data_dir, overrides=settings)
    with static_files_kept(request.config.cache.mkdir("static"), data_dir):
        site.start()
    assert "Bringing the database up to date (1 steps) …" in site.output
    yield site
    site.stop()


def undo_a_migration(path: Path) -> None:
    """Undo the migration of the app usersessions, as before an upgrade that adds an app."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TABLE usersessions_usersession")
        database.execute("DELETE FROM django_migrations WHERE app = 'usersessions'")


def manage(site: RunningSite, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments], env=site.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def lose_the_data(folder: Path) -> None:
    """Delete the site's data but for the static files: collecting them again would take half a minute."""
    for entry in set(folder.iterdir()) - {folder / "static", folder / "static.stamp"}:
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def test_confirmed_letters_survive_the_loss_of_the_machine(site: RunningSite, identity: Any, tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    key.write_text(f"{identity}\n")
    # The worker makes the first backup without a command.
    database = SqliteFile(site.data_dir / "db.sqlite3")
    wait_until(
        lambda: bool(database.rows("SELECT 1 FROM aijuu_site_backup WHERE checked_at IS NOT NULL")), "nightly backup"
    )
    assert len(list((tmp_path / "backups").glob("aijuu-*.age"))) == 1

    senders = Senders([site], SENDERS, seed=1)
    senders.start()
    for number in range(LETTERS):
        senders.hand_out(Letter(number, "load"))
    wait_until(lambda: len(senders.told) >= BEFORE or bool(senders.problems), "letters")
    confirmed = dict(senders.told)
    path = manage(site, "backup").strip()
    wait_until(lambda: len(senders.told) == LETTERS or bool(senders.problems), "answer to each letter")
    senders.stop()
    assert senders.problems == []

    site.stop()
    lose_the_data(site.data_dir)
    output = manage(site, "restore", path, "--key", str(key))
    assert "The front page is served" in output
    assert "Restored and proven" in output
    stored = [name for (name,) in database.rows("SELECT name FROM intake_enquiry")]
    assert len(stored) == len(set(stored))
    assert {letter.name for letter in confirmed} <= set(stored) <= {letter.name for letter in senders.told}
    site.output.clear()
    site.start()
    for address in confirmed.values():
        with closing(HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
            connection.request("GET", address)
            assert connection.getresponse().status == 200
