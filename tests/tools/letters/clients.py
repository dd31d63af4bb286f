"""Clients that post messages ("letters") to a site concurrently, and their measurements."""

import http.client
import itertools
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

CLIENTS = 8
_TICKS = os.sysconf("SC_CLK_TCK")
# The spam rules treat a form sent within two seconds as suspicious.
READING_SECONDS = 2.5


@dataclass(frozen=True, kw_only=True)
class Form:
    """The form to which messages are posted. `token`: the name of its hidden token field."""

    port: int
    path: str
    token: str
    stored_status: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The measurements of the clients. Times in seconds; `cpu`: processor time of the site per message."""

    letters: int
    seconds: float
    waits: list[float]
    cpu: float

    @property
    def rate(self) -> float:
        return self.letters / self.seconds

    def percentile(self, share: float) -> float:
        return sorted(self.waits)[min(len(self.waits) - 1, int(share * len(self.waits)))]


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children, including this site's worker."""
    process = Path(f"/proc/{pid}")
    try:
        user, system = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
        children = [child for task in (process / "task").iterdir() for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(user) + int(system)) / _TICKS + sum(cpu_seconds(int(child)) for child in children)


def letter(number: int) -> dict[str, str]:
    """Return a unique message from a unique e-mail address."""
    return {
        "name": f"Lähettäjä {number}",
        "email": f"lahettaja-{number}@esimerkki.fi",
        "phone": "050 123 4567",
        "organisation": "Esimerkki Oy",
        "supervision_form": "group",
        "delivery_modes": "online",
        "preferred_contact": "email",
        "message": f"Hei Kati, tämä on viesti numero {number}. "
        + "Olemme kuuden hengen tiimi ja etsimme työnohjaajaa ensi syksyksi. " * 6,
    }


class Client:
    """A client with a persistent connection and its own network address, sent in the proxy's header."""

    def __init__(self, form: Form, place: int = 0) -> None:
        self.form = form
        self.waits: list[float] = []
        self._connection = http.client.HTTPConnection("127.0.0.1", form.port, timeout=60)
        page, cookie = self._get()
        found = re.search(rf'name="{form.token}" value="([^"]+)"', page)
        assert found, "the page has no form"
        self._token = found[1]
        self._headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": cookie.split(";")[0],
            "X-Forwarded-For": f"192.0.2.{place + 1}",
        }

    def _get(self) -> tuple[str, str]:
        self._connection.request("GET", self.form.path)
        answer = self._connection.getresponse()
        return answer.read().decode(), answer.getheader("Set-Cookie") or ""

    def post(self, number: int) -> None:
        """Post one message. Raises AssertionError unless it was stored."""
        body = urlencode({**letter(number), self.form.token: self._token})
        began = time.monotonic()
        self._connection.request("POST", self.form.path, body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        self.waits.append(time.monotonic() - began)
        assert answer.status == self.form.stored_status, f"answered {answer.status}"


def post_at_once(form: Form, *, seconds: float, cpu: Callable[[], float], count: int = CLIENTS) -> Measured:
    """Post distinct messages with `count` clients for `seconds`. Raises the exception of a client that failed."""
    clients = [Client(form, place) for place in range(count)]
    time.sleep(READING_SECONDS)
    numbers = itertools.count(int(time.time() * 1000))
    problems: list[BaseException] = []
    cpu_before, began = cpu(), time.monotonic()

    def run(client: Client) -> None:
        try:
            while time.monotonic() - began < seconds and not problems:
                client.post(next(numbers))
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    if problems:
        raise problems[0]
    waits = [wait for client in clients for wait in client.waits]
    return Measured(letters=len(waits), seconds=took, waits=waits, cpu=(cpu() - cpu_before) / len(waits))
