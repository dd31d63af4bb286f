"""A mail server that is unreachable, silent or endlessly slow delays neither other mails nor other jobs."""

import itertools
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from intake.choices import MailState
from intake.mail.delivery import attempt_seconds, deliver_due, deliver_next
from intake.mail.models import CLAIM_LIFETIME, SERVER_UNAVAILABLE_WAIT, WAITS
from intake.models import OutgoingMail
from tests.intake.enquiries import received
from tests.intake.mail.delivering import START, use_server
from tests.intake.mail.delivering import deliver_due as try_all
from tests.tools.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
Talk = Callable[[socket.socket, threading.Event], None]


@contextmanager
def server_that(talks: Talk, settings: Any, *, timeout: float = 0.4) -> Iterator[list[socket.socket]]:
    """Run a server on this machine that handles each connection with `talks`, and yield its list of connections."""
    over, seen = threading.Event(), []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve(connected: socket.socket) -> None:
            try:
                talks(connected, over)
            except OSError:
                # The client has disconnected, as the test expects.
                over.wait(0)
            finally:
                connected.close()

        def accept() -> None:
            while not over.is_set():
                try:
                    connected, _address = listening.accept()
                except TimeoutError:
                    continue
                seen.append(connected)
                threading.Thread(target=serve, args=(connected,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        use_server(settings, listening.getsockname()[1], timeout=timeout)
        try:
            yield seen
        finally:
            over.set()
            thread.join(5)


def _says_nothing(_connected: socket.socket, over: threading.Event) -> None:
    over.wait(30)


def _greets_without_end(connected: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.1):
        connected.sendall(b"220-wait\r\n")


def _drips(connected: socket.socket, over: threading.Event) -> None:
    for letter in itertools.cycle(b"220 wait"):
        if over.wait(0.1):
            return
        connected.sendall(bytes([letter]))


def _greets_and_drips(connected: socket.socket, over: threading.Event) -> None:
    connected.sendall(b"220 here\r\n")
    connected.recv(1000)
    while not over.wait(0.1):
        connected.sendall(b"250-MORE\r\n")


def answer_by(connected: socket.socket, answers: dict[bytes, bytes]) -> None:
    connected.sendall(b"220 here\r\n")
    for line in connected.makefile("rb"):
        connected.sendall(answers.get(line[:4].upper(), b"250 fine\r\n"))


def _drips_after_the_mail(connected: socket.socket, over: threading.Event) -> None:
    connected.sendall(b"220 here\r\n")
    lines = connected.makefile("rb")
    for line in lines:
        if line == b".\r\n":
            break
        if line[:4].upper() in (b"EHLO", b"MAIL", b"RCPT"):
            connected.sendall(b"250 fine\r\n")
        elif line[:4].upper() == b"DATA":
            connected.sendall(b"354 go on\r\n")
    while not over.wait(0.1):
        connected.sendall(b"250-still looking\r\n")


ENDLESS = [_says_nothing, _greets_without_end, _drips, _greets_and_drips, _drips_after_the_mail]


@pytest.mark.parametrize("talks", ENDLESS)
def test_attempt_ends_at_its_time_limit(settings: Any, talks: Talk) -> None:
    enquiry = received(now=START)
    with server_that(talks, settings) as connections:
        began = time.monotonic()
        assert try_all(START) == 1
        assert time.monotonic() - began < attempt_seconds()
        assert len(connections) == 1
    tried, spared = enquiry.mails.all()
    assert (tried.failures, spared.failures) == (1, 0)
    assert tried.attempts.get().explanation.startswith("Sähköpostipalvelimeen ei saatu yhteyttä (")
    assert {mail.state for mail in (tried, spared)} == {MailState.QUEUED}


def test_tls_from_the_start_has_the_same_limit(settings: Any) -> None:
    received(now=START)
    settings.EMAIL_USE_SSL = True
    with server_that(_drips, settings):
        began = time.monotonic()
        assert try_all(START) == 1
        assert time.monotonic() - began < attempt_seconds()


def test_connecting_to_many_addresses_has_one_limit(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def swallows(_address: object, timeout: float) -> socket.socket:
        waits.append(timeout)
        time.sleep(timeout)
        raise TimeoutError

    use_server(settings, 2525, timeout=0.3)
    six = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 2525)) for number in range(6)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: six)
    monkeypatch.setattr(socket, "create_connection", swallows)
    received(now=START)
    assert try_all(START) == 1
    assert sum(waits) < 0.5


@pytest.mark.parametrize(
    "answers",
    [
        {b"EHLO": b"421 not now\r\n", b"HELO": b"421 not now\r\n"},
        {b"MAIL": b"421 closing\r\n"},
        {b"RCPT": b"421 too many connections\r\n"},
        {b"DATA": b"421 going down\r\n"},
    ],
)
def test_421_counts_as_unavailable_server(settings: Any, answers: dict[bytes, bytes]) -> None:
    enquiry = received(now=START)
    with server_that(lambda connected, _over: answer_by(connected, answers), settings, timeout=5):
        assert try_all(START) == 1
    tried, spared = enquiry.mails.all()
    assert (tried.failures, spared.failures) == (1, 0)
    assert tried.attempts.get().smtp_code == 421


@pytest.mark.parametrize("code", [450, 451, 452, 550, 552, 553])
def test_refused_recipient_does_not_stop_other_mails(settings: Any, code: int) -> None:
    enquiry = received(now=START)
    refusal = {b"RCPT": f"{code} not this one\r\n".encode()}
    with server_that(lambda connected, _over: answer_by(connected, refusal), settings, timeout=5) as connections:
        with time_machine.travel(START, tick=False):
            assert deliver_due() == 2
        assert len(connections) == 1
    assert [mail.failures for mail in enquiry.mails.all()] == [1, 1]


@pytest.mark.parametrize("answered", [b"MAIL", b"RCPT", b"DATA"])
def test_reply_without_code_is_recorded(settings: Any, answered: bytes) -> None:
    enquiry = received(now=START)
    answers = {answered: b"\xff what\r\n"}
    with server_that(lambda connected, _over: answer_by(connected, answers), settings, timeout=5):
        assert try_all(START) == 1
    tried, spared = enquiry.mails.all()
    assert (tried.state, tried.failures, spared.failures) == (MailState.QUEUED, 1, 0)
    assert tried.attempts.get().smtp_code is None


def test_silent_server_costs_one_attempt(settings: Any) -> None:
    """With an attempt for each mail, a server that accepts connections and stays silent would cost ten minutes."""
    for _ in range(15):
        received(now=START)
    with server_that(_says_nothing, settings) as connections, time_machine.travel(START, tick=False):
        assert deliver_due() == 1
        assert len(connections) == 1
    assert OutgoingMail.objects.filter(failures=0, next_attempt_at=START + SERVER_UNAVAILABLE_WAIT).count() == 29


def test_outage_does_not_exhaust_mail_retries(smtp: SmtpServer, settings: Any) -> None:
    for _ in range(5):
        received(now=START)
    with server_that(_says_nothing, settings, timeout=0.1), time_machine.travel(START, tick=False) as clock:
        for _ in range(20):
            deliver_due()
            clock.shift(timedelta(minutes=1))
    assert sum(OutgoingMail.objects.values_list("failures", flat=True)) <= 20
    assert max(OutgoingMail.objects.values_list("failures", flat=True)) <= 3
    use_server(settings, smtp.port, timeout=10)
    try_all(START + timedelta(minutes=21) + WAITS[3])
    assert not OutgoingMail.objects.exclude(state=MailState.SENT).exists()


def test_batch_greets_the_server_once(smtp: SmtpServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMAIL_TIMEOUT = 10
    greetings: list[object] = []
    ehlo = smtplib.SMTP.ehlo

    def counted(self: smtplib.SMTP, name: str = "") -> object:
        greetings.append(self)
        return ehlo(self, name)

    monkeypatch.setattr(smtplib.SMTP, "ehlo", counted)
    for _ in range(4):
        received(now=START)
    with time_machine.travel(START, tick=False):
        assert deliver_due() == 8
    assert len(smtp.messages) == 8
    assert len(greetings) == 1


def test_connection_closed_by_server_is_replaced(settings: Any) -> None:
    """A server may close a connection after a number of mails, which does not mean that it is unreachable."""
    for _ in range(3):
        received(now=START)
    taken: list[int] = []

    def takes_two(connected: socket.socket, _over: threading.Event) -> None:
        connected.sendall(b"220 here\r\n")
        mine, in_mail = 0, False
        for line in connected.makefile("rb"):
            if in_mail:
                if line == b".\r\n":
                    mine, in_mail = mine + 1, False
                    taken.append(mine)
                    connected.sendall(b"250 taken\r\n")
                continue
            verb = line[:4].upper()
            if verb == b"MAIL" and mine == 2:
                connected.sendall(b"421 enough\r\n")
                return
            in_mail = verb == b"DATA"
            connected.sendall(b"354 go on\r\n" if in_mail else b"250 fine\r\n")

    with server_that(takes_two, settings, timeout=10) as connections, time_machine.travel(START, tick=False):
        deliver_due()
        assert len(connections) == 3
    assert taken == [1, 2, 1, 2, 1, 2]
    assert set(OutgoingMail.objects.values_list("state", "failures")) == {(MailState.SENT, 0)}


def test_batch_stops_when_must_stop_is_true(smtp: SmtpServer) -> None:
    for _ in range(3):
        received(now=START)
    with time_machine.travel(START, tick=False):
        assert deliver_due(must_stop=lambda: len(smtp.messages) >= 2) == 2
    assert OutgoingMail.objects.filter(state=MailState.QUEUED).count() == 4


def test_a_claim_outlives_the_longest_attempt(settings: Any) -> None:
    assert attempt_seconds() < CLAIM_LIFETIME.total_seconds() / 2
    assert attempt_seconds() > settings.EMAIL_TIMEOUT


def test_full_disk_fails_one_mail_and_pauses(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the backend that writes mails to files."""
    settings.EMAIL_BACKEND = "aijuu_site.mail_files.MailFilesBackend"

    def full(_backend: object, _messages: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aijuu_site.mail_files.MailFilesBackend.send_messages", full)
    received(now=START)
    with time_machine.travel(START, tick=False):
        assert deliver_next(now=START)
        assert not deliver_next(now=START)
    assert sorted(OutgoingMail.objects.values_list("failures", flat=True)) == [0, 1]
