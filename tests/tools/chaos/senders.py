"""Clients that send messages ("letters"), each until it is confirmed, and record the responses."""

import html
import http.client
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlencode

from tests.tools.running_site import RunningSite

FORM = "/ota-yhteytta/"
# The spam rules treat a form sent within two seconds as suspicious.
READING_SECONDS = 2.5
# The pause before a client sends again.
PAUSE_SECONDS = 0.5
CLIENT_TIMEOUT = 60.0
LONGEST_WAIT = 10.0
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_TRACES = ("Traceback (most recent call last)", "OperationalError", "site-packages")


@dataclass(frozen=True)
class Answer:
    """The response to a request. `status` 0: the connection failed or was refused."""

    fault: str
    method: str
    seconds: float
    status: int = 0
    location: str = ""
    page: str = ""

    @property
    def token(self) -> str:
        found = _TOKEN.search(self.page)
        return found[1] if found else ""

    def complaint(self, words: str) -> str:
        """Return what is wrong with the response, "" if nothing. `words`: the posted text, "" for none."""
        if self.status in (0, 303) or (self.method == "GET" and self.status == 200):
            return ""
        if any(trace in self.page for trace in _TRACES):
            return "shows a traceback"
        if '<html lang="fi"' not in self.page:
            return "is no Finnish page"
        if words and words not in html.unescape(self.page):
            return "has lost the words"
        return ""


@dataclass(frozen=True)
class Letter:
    """A unique message."""

    number: int
    fault: str

    @property
    def name(self) -> str:
        return f"Lähettäjä {self.number}"

    @property
    def email(self) -> str:
        return f"lahettaja-{self.number}@esimerkki.fi"

    @property
    def message(self) -> str:
        return f"Hei Kati, tämä on kirje {self.number}. Etsimme työnohjaajaa ensi syksyksi."

    def posted(self, token: str) -> str:
        return urlencode(
            {
                "name": self.name,
                "email": self.email,
                "supervision_form": "group",
                "delivery_modes": "online",
                "preferred_contact": "email",
                "message": self.message,
                "form_token": token,
            }
        )


@dataclass
class Senders:
    """`count` clients, which take messages from a queue. `told`: confirmed message → URL of its thank-you page."""

    sites: list[RunningSite]
    count: int
    seed: int
    fault: str = "none"
    told: dict[Letter, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)
    _waiting: deque[Letter] = field(default_factory=deque)
    _there_is_one: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(self.count)]
        for thread in self._threads:
            thread.start()

    def hand_out(self, letter: Letter) -> None:
        self._waiting.append(letter)
        self._there_is_one.release()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * CLIENT_TIMEOUT)

    def _run(self, number: int) -> None:
        random = Random(self.seed * 1000 + number)
        try:
            while not self._stopping.is_set():
                form = self._open_form(random)
                while not self._stopping.is_set():
                    if self._there_is_one.acquire(timeout=0.5):
                        self._send(self._waiting.popleft(), form, random)
                        break
        except BaseException as problem:
            self.problems.append(problem)

    def _open_form(self, random: Random) -> "_OpenForm":
        while not self._stopping.is_set():
            answer = self._ask(random, "GET")
            if answer.status == 200:
                return _OpenForm(answer.token, time.monotonic())
            time.sleep(PAUSE_SECONDS)
        return _OpenForm("", 0.0)

    def _send(self, letter: Letter, form: "_OpenForm", random: Random) -> None:
        while not self._stopping.is_set():
            form.wait_until_read()
            answer = self._ask(random, "POST", letter.posted(form.token), words=letter.message)
            if answer.status == 303:
                self.told[letter] = answer.location
                return
            time.sleep(PAUSE_SECONDS)
            if answer.token:
                # The form is shown again with the text, and with a new token if the old one has expired.
                form = _OpenForm(answer.token, form.opened_at)
            elif random.random() < 0.5:
                # Half of the clients open a new form, the others send the old one again.
                form = self._open_form(random)

    def _ask(self, random: Random, method: str, body: str | None = None, words: str = "") -> Answer:
        site = random.choice(self.sites)
        fault, began = self.fault, time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=CLIENT_TIMEOUT)
        headers = {"Host": f"127.0.0.1:{self.sites[0].port}", "Accept-Encoding": "identity"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, FORM, body, headers)
            response = connection.getresponse()
            page = response.read().decode()
            location = response.getheader("Location") or ""
            answer = Answer(fault, method, time.monotonic() - began, response.status, location, page)
        except (OSError, http.client.HTTPException):
            answer = Answer(fault, method, time.monotonic() - began)
        finally:
            connection.close()
        if complaint := answer.complaint(words):
            self.complaints.append(f"{fault}: {method} → {answer.status} {complaint}")
        # Without the pages, since there would be thousands of them.
        self.answers.append(Answer(fault, method, answer.seconds, answer.status))
        return answer


@dataclass(frozen=True)
class _OpenForm:
    token: str
    opened_at: float

    def wait_until_read(self) -> None:
        time.sleep(max(0.0, self.opened_at + READING_SECONDS - time.monotonic()))
