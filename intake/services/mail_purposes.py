"""What the subjects of mails know of them, registered by purpose: the delivery itself knows no subject."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from intake.choices import MailPurpose
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where a mail goes, and where an answer to it goes ("": to the sender)."""

    recipient: str
    reply_to: str = ""


def _always(_mail: OutgoingMail, _now: datetime) -> bool:
    return True


def _nothing(_mail: OutgoingMail, _now: datetime) -> None:
    pass


def _delete(mail: OutgoingMail, _now: datetime) -> None:
    mail.delete()


@dataclass(frozen=True, kw_only=True)
class Handling:
    """How the mails of one purpose are handled.

    `addresses` are looked up before each attempt, so that a corrected address is used. `is_true` says, before each
    attempt, whether what the mail says is still so; a mail that is not is given to `withdraw`, which deletes it and
    whatever counts on it. Both are called in a transaction that holds lock_receiving(). `delivered` is called with a
    mail that a server has taken, in the transaction that records it.
    """

    addresses: Callable[[OutgoingMail], Addresses]
    is_true: Callable[[OutgoingMail, datetime], bool] = _always
    withdraw: Callable[[OutgoingMail, datetime], None] = _delete
    delivered: Callable[[OutgoingMail, datetime], None] = _nothing


def enquiry_of(mail: OutgoingMail) -> Enquiry:
    """Return the enquiry that a mail is about. Raises ValueError for a mail about none."""
    if mail.enquiry is None:
        raise ValueError(f"mail {mail.pk} is about no enquiry")
    return mail.enquiry


_handlings: dict[MailPurpose, Handling] = {}
_secrets: dict[str, Callable[[OutgoingMail, datetime], str]] = {}


def register(*purposes: MailPurpose, handling: Handling) -> None:
    """Say how the mails of these purposes are handled."""
    _handlings.update(dict.fromkeys(purposes, handling))


def register_secret(placeholder: str, make: Callable[[OutgoingMail, datetime], str]) -> None:
    """Let `make` return a new secret for each attempt, in place of `placeholder` in whatever mail has it."""
    _secrets[placeholder] = make


def handling_of(mail: OutgoingMail) -> Handling:
    """Return how this mail is handled. Raises KeyError for a purpose that nobody has registered."""
    return _handlings[MailPurpose(mail.purpose)]


def fill_in_secrets(mail: OutgoingMail, now: datetime) -> None:
    """Put new secrets into this copy, which goes out; the stored mail keeps its placeholders."""
    for placeholder, make in _secrets.items():
        if placeholder in mail.text:
            secret = make(mail, now)
            mail.text, mail.html = (part.replace(placeholder, secret) for part in (mail.text, mail.html))
