"""Whoever is told ”perillä” is in the database once and gets their mail, however often the site's programs are killed.

`python -m tests.tools.kill_and_count` starts the site as `make run` does, in a folder of its own on SQLite, and sends
it two hundred letters from twenty senders at once, while the worker and the web server are killed outright (SIGKILL, as
a lack of memory does) and the site is started again. It takes a minute or two, ends with what it counted, and fails
with what it found wrong.
"""

import http.client
import itertools
import os
import re
import signal
import sqlite3
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from tests.tools.running_site import RunningSite
from tests.tools.smtp_server import SmtpServer

SENDERS, LETTERS_EACH = 20, 10
LETTERS = SENDERS * LETTERS_EACH
FORM = "/ota-yhteytta/"
# The rules hold a form suspicious that is sent within two seconds.
READING_SECONDS = 3.0
PATIENCE_SECONDS = 120.0


def asked(site: RunningSite, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
    """Return (status, Location, page). Raises OSError or HTTPException where the answer does not come."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location") or "", answer.read().decode()
    finally:
        connection.close()


def insisting(ask: Callable[[], tuple[int, str, str]], wanted: int) -> tuple[int, str, str]:
    """Ask until the wanted status comes, as a person presses the button again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = ask()
            if answer[0] == wanted:
                return answer
        except (OSError, http.client.HTTPException):
            pass
        assert time.monotonic() < deadline, "the site does not come back"
        time.sleep(0.2)


@dataclass
class Senders:
    """Twenty people, each with ten letters; `told` maps the address that was told to each letter's writer."""

    site: RunningSite
    told: dict[str, str] = field(default_factory=dict)
    problems: list[BaseException] = field(default_factory=list)
    # How many answers the killing cost, so that the test knows it was one.
    repeats: int = 0

    def start(self) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._send_all, args=(number,)) for number in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def _send_all(self, sender: int) -> None:
        try:
            names = [f"Lähettäjä {sender}-{letter}" for letter in range(LETTERS_EACH)]
            tokens = {name: self._opened_form() for name in names}
            time.sleep(READING_SECONDS)
            for number, name in enumerate(names):
                # Half of them get a new form when they try again, half press the button of the old one.
                self.told[self._sent(name, tokens[name], new_form=number % 2 == 1)] = name
        except BaseException as error:
            self.problems.append(error)

    def _opened_form(self) -> str:
        _status, _location, page = insisting(lambda: asked(self.site, "GET", FORM), 200)
        token = re.search(r'name="form_token" value="([^"]+)"', page)
        assert token
        return token[1]

    def _sent(self, name: str, token: str, *, new_form: bool) -> str:
        tries = itertools.count()

        def post() -> tuple[int, str, str]:
            again = next(tries) > 0
            self.repeats += again
            sent = token
            if again and new_form:
                sent = self._opened_form()
                time.sleep(READING_SECONDS)
            return asked(self.site, "POST", FORM, letter(name, sent))

        return insisting(post, 303)[1]


def letter(name: str, token: str) -> str:
    return urlencode(
        {
            "name": name,
            "email": f"{name.rpartition(' ')[2]}@esimerkki.fi",
            "supervision_form": "group",
            "delivery_modes": "online",
            "preferred_contact": "email",
            "message": f"Hei Kati, tässä on viesti, jonka kirjoitti {name}.",
            "form_token": token,
        }
    )


def kill_child(site: RunningSite, name: str) -> bool:
    """Kill the site's own process of this name; tell whether it was there."""
    assert site.process
    children = Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children").read_text().split()
    for child in children:
        if Path(f"/proc/{child}/comm").read_text().strip() == name:
            os.kill(int(child), signal.SIGKILL)
            return True
    return False


def kill_web_and_start_again(site: RunningSite) -> None:
    assert site.process
    assert kill_child(site, "web server")
    assert site.process.wait(60) == 1
    site.output.clear()
    site.start()


def rows(site: RunningSite, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(site.data_dir / "db.sqlite3", timeout=20)) as database:
        found = database.execute(query).fetchall()
        database.commit()
    return found


def kill_while_they_send(site: RunningSite, senders: Senders) -> int:
    """Kill worker, web server and both again, each while letters are on their way; return how many workers went."""
    killed = 0
    for told, kill in ((20, False), (50, True), (90, False), (130, True)):
        wait_until(lambda told=told: len(senders.told) >= told, f"{told} letters")  # type: ignore[misc]
        assert len(senders.told) < LETTERS, "the letters were quicker than the killing"
        if kill:
            kill_web_and_start_again(site)
            # The worker goes with its supervisor.
            killed += 1
        else:
            killed += kill_child(site, "worker")
    return killed


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Return once it is so; AssertionError where it does not become so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"No {what}"
        time.sleep(0.1)


def check_letters(site: RunningSite, senders: Senders) -> None:
    """Every one was told, each in an address of their own; and what they were told is so."""
    assert senders.problems == [], senders.problems
    assert len(senders.told) == LETTERS
    stored = rows(site, "SELECT name, receipt, repeat_receipt FROM intake_enquiry")
    assert sorted(name for name, *_receipts in stored) == sorted(senders.told.values())
    # Whoever was stored but not told, and sent the words again by a new form, was told the other address.
    addresses = {
        f"{FORM}kiitos/{uuid.UUID(receipt)}/": name for name, *receipts in stored for receipt in receipts if receipt
    }
    wrong = {address: name for address, name in senders.told.items() if addresses.get(address) != name}
    assert not wrong, wrong
    assert asked(site, "GET", next(iter(senders.told)))[0] == 200
    assert not rows(site, "SELECT name FROM intake_enquiry WHERE verdict != 'accepted'")


def check_mails(site: RunningSite, smtp: SmtpServer, killed: int) -> int:
    """Every letter has two mails, and all went out. Returns how many went twice."""
    # What a killed worker had in its hands is tried again after ten minutes; here they pass at once.
    rows(site, "UPDATE intake_outgoingmail SET claimed_at = '2000-01-01 00:00:00' WHERE state = 'sending'")
    wait_until(
        lambda: not rows(site, "SELECT id FROM intake_outgoingmail WHERE state != 'sent' LIMIT 1"), "end of mails"
    )
    queued = rows(site, "SELECT message_id, recipient FROM intake_outgoingmail")
    assert len(queued) == 2 * LETTERS
    sent = [(str(message["Message-ID"]), str(message["To"])) for message in smtp.messages]
    assert set(sent) == set(queued)
    # Only what the server had taken when its worker was killed, before it could say so.
    twice = len(sent) - len(queued)
    assert twice <= killed
    return twice


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, SmtpServer() as smtp:
        site = RunningSite(Path(folder), smtp=smtp)
        print("Starting the site …", flush=True)
        site.start()
        try:
            began = time.monotonic()
            senders = Senders(site)
            threads = senders.start()
            killed = kill_while_they_send(site, senders)
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
            check_letters(site, senders)
            twice = check_mails(site, smtp, killed)
        finally:
            site.stop()
    print(
        f"{LETTERS} letters told and stored once each, with {senders.repeats} repeats; {killed} workers and 2 web "
        f"servers killed; {2 * LETTERS} mails sent, {twice} of them twice; {time.monotonic() - began:.0f} s."
    )


if __name__ == "__main__":
    main()
