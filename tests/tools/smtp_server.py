"""A real SMTP server on loopback that keeps the messages, and can fail in the ways of real mail servers."""

import asyncio
import email
import email.policy
import socket
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from enum import Enum
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Behaviour(Enum):
    """The server's behaviour with the next messages."""

    ACCEPT = "takes them"
    REFUSE = "says 451 to every sender: come back later"
    REJECT = "says 550 to every recipient: never"
    REFUSE_DATA = "says 451 to every message: come back later"
    HANG = "says nothing after the message until told to go on"
    DROP = "closes the connection in the middle of the message"
    VANISH = "takes the message and closes the connection before it says so"


class _Handler:
    def __init__(self) -> None:
        self.behaviour = Behaviour.ACCEPT
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.attempts = 0
        # Messages accepted although the client had disconnected or was disconnected, so it does not know.
        self.unconfirmed = 0
        self.peers: list[object] = []
        self.released = threading.Event()

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.attempts += 1
        if self.behaviour is Behaviour.REFUSE:
            return "451 4.3.0 Come back later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.behaviour is Behaviour.REJECT:
            return "550 5.1.1 No such person"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert server.transport is not None
        if self.behaviour is Behaviour.DROP:
            cast(asyncio.Transport, server.transport).abort()
            return "421 4.3.0 Gone"
        if self.behaviour is Behaviour.REFUSE_DATA:
            return "451 4.3.0 Come back later"
        while self.behaviour is Behaviour.HANG and not self.released.is_set():
            await asyncio.sleep(0.05)
        if self.behaviour is Behaviour.VANISH:
            cast(asyncio.Transport, server.transport).abort()
        self.unconfirmed += server.transport.is_closing()
        content = cast(bytes, envelope.content)
        self.peers.append(session.peer)
        self.messages.append(email.message_from_bytes(content, policy=email.policy.default))
        self.recipients.extend(envelope.rcpt_tos)
        return "250 OK"


class SmtpServer:
    """Use as a context manager; `behaviour` can be changed at any time."""

    def __init__(self) -> None:
        self._handler = _Handler()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._controller: Controller | None = None

    def __enter__(self) -> "SmtpServer":
        self.listen()
        return self

    def __exit__(self, *_error: object) -> None:
        self._handler.released.set()
        self.stop_listening()

    def listen(self) -> None:
        self._controller = Controller(self._handler, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop_listening(self) -> None:
        """Refuse connections until listen()."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    @property
    def url(self) -> str:
        """The value for EMAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def behaviour(self) -> Behaviour:
        return self._handler.behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        # Release the requests that hang now; later ones wait for the next release.
        self._handler.released.set()
        self._handler.behaviour = behaviour
        self._handler.released = threading.Event()

    @property
    def messages(self) -> list[EmailMessage]:
        """The accepted messages, oldest first."""
        return list(self._handler.messages)

    @property
    def recipients(self) -> list[str]:
        """The envelope recipients of the accepted messages, oldest first."""
        return list(self._handler.recipients)

    @property
    def peers(self) -> list[object]:
        """The client's address and port for each accepted message, oldest first; each connection has another port."""
        return list(self._handler.peers)

    @property
    def attempts(self) -> int:
        """How many messages were begun, accepted or not."""
        return self._handler.attempts

    @property
    def unconfirmed(self) -> int:
        """How many messages were accepted without a confirmation to the client."""
        return self._handler.unconfirmed

    def clear(self) -> None:
        self._handler.messages.clear()
        self._handler.recipients.clear()
        self._handler.attempts = 0

    def wait_for(self, count: int, seconds: float = 30.0) -> list[EmailMessage]:
        """Wait for `count` accepted messages and return them. Raises AssertionError after `seconds`."""
        self._wait(lambda: len(self._handler.messages) >= count, f"{count} messages", seconds)
        return self.messages

    def about(self, words: str) -> list[EmailMessage]:
        """Return the accepted messages with `words` in the subject."""
        return [message for message in self.messages if words in str(message["Subject"])]

    def wait_for_about(self, words: str, count: int, seconds: float = 30.0) -> list[EmailMessage]:
        """Wait for `count` messages with `words` in the subject and return them. AssertionError after `seconds`."""
        self._wait(lambda: len(self.about(words)) >= count, f"{count} messages about {words}", seconds)
        return self.about(words)

    def wait_for_attempts(self, count: int, seconds: float = 30.0) -> None:
        """Wait until `count` messages were begun. Raises AssertionError after `seconds`."""
        self._wait(lambda: self.attempts >= count, f"{count} attempts", seconds)

    def _wait(self, is_there: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_there():
            if time.monotonic() > deadline:
                begun, taken = self.attempts, len(self.messages)
                raise AssertionError(f"No {what} in {seconds:.0f} s: {begun} begun, {taken} accepted.")
            time.sleep(0.05)
