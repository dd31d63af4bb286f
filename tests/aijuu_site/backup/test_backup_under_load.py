"""Letters come in, a backup is made, the machine is lost: every letter confirmed before the backup is there again."""

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from tests.tools.kill_and_count import FORM, READING_SECONDS, asked, insisting, letter, rows, wait_until
from tests.tools.running_site import ROOT, RunningSite

pytestmark = pytest.mark.once

SENDERS, LETTERS_EACH = 4, 6
BEFORE = 8


class Letters:
    """Some people who each send letters; `told` has the address that each writer was told."""

    def __init__(self, site: RunningSite) -> None:
        self.site = site
        self.told: dict[str, str] = {}
        self.errors: list[BaseException] = []
        self.threads = [threading.Thread(target=self._send, args=(number,)) for number in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def _send(self, sender: int) -> None:
        try:
            tokens = [self._token() for _each in range(LETTERS_EACH)]
            time.sleep(READING_SECONDS)
            for number, token in enumerate(tokens):
                name = f"Lähettäjä {sender}-{number}"
                body = letter(name, token)
                self.told[insisting(lambda body=body: asked(self.site, "POST", FORM, body), 303)[1]] = name  # type: ignore[misc]
        except BaseException as error:
            self.errors.append(error)

    def _token(self) -> str:
        page = insisting(lambda: asked(self.site, "GET", FORM), 200)[2]
        token = re.search(r'name="form_token" value="([^"]+)"', page)
        assert token
        return token[1]

    def end(self) -> None:
        for thread in self.threads:
            thread.join()
        assert self.errors == []


@pytest.fixture
def identity() -> Any:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def site(tmp_path: Path, identity: Any) -> Iterator[RunningSite]:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    settings = {"BACKUP_KEY": str(identity.to_public()), "BACKUP_TO": str(tmp_path / "backups")}
    site = RunningSite(data_dir, overrides=settings)
    site.start()
    yield site
    site.stop()


def manage(site: RunningSite, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments], env=site.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_confirmed_letters_survive_the_loss_of_the_machine(site: RunningSite, identity: Any, tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    key.write_text(f"{identity}\n")
    # The worker makes the first backup by itself.
    wait_until(lambda: bool(rows(site, "SELECT 1 FROM backup_backup WHERE checked_at IS NOT NULL")), "nightly backup")
    assert len(list((tmp_path / "backups").glob("aijuu-*.age"))) == 1

    letters = Letters(site)
    wait_until(lambda: len(letters.told) >= BEFORE or bool(letters.errors), "letters")
    assert letters.errors == []
    confirmed = dict(letters.told)
    path = manage(site, "backup").strip()
    letters.end()
    assert len(letters.told) == SENDERS * LETTERS_EACH

    site.stop()
    shutil.rmtree(site.data_dir)
    site.data_dir.mkdir()
    said = manage(site, "restore", path, "--key", str(key))
    assert "The front page is served" in said
    assert "Restored and proven" in said
    stored = [name for (name,) in rows(site, "SELECT name FROM intake_enquiry")]
    assert len(stored) == len(set(stored))
    assert set(confirmed.values()) <= set(stored) <= set(letters.told.values())
    site.output.clear()
    site.start()
    assert [asked(site, "GET", address)[0] for address in confirmed] == [200] * len(confirmed)
