"""Putting mail into the queue, and the registry of how the mails of each purpose are handled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import make_msgid, parseaddr

from django.conf import settings
from django.db.models import QuerySet
from django.template.loader import render_to_string

from home.contact_details import ContactDetails
from intake.choices import MailPurpose, MailState
from intake.jobs.schedule import CLOCK_TOLERANCE
from intake.mail.models import AutomaticReplyTrace, OutgoingMail
from intake.mailbox import mailbox_key
from intake.settings import IntakeSettings


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


_handlings: dict[MailPurpose, Handling] = {}


def register(*purposes: MailPurpose, handling: Handling) -> None:
    """Say how the mails of these purposes are handled."""
    _handlings.update(dict.fromkeys(purposes, handling))


def handling_of(mail: OutgoingMail) -> Handling:
    """Return how this mail is handled. Raises KeyError for a purpose that nobody has registered."""
    return _handlings[MailPurpose(mail.purpose)]


def unsent_of_no_enquiry() -> QuerySet[OutgoingMail]:
    """Return the mails about no enquiry that no mail server has taken yet: no enquiry's page tells of them."""
    return OutgoingMail.objects.filter(enquiry=None).exclude(state=MailState.SENT)


@dataclass(frozen=True, kw_only=True)
class NewMail:
    """A mail to queue, about an enquiry or about none.

    Its words are `emails/<template>.txt` and `.html` with `context`; the template is called after the purpose where no
    other is given. `deduplication_key` tells mails of one purpose apart where one enquiry may get several.
    """

    purpose: MailPurpose
    recipient: str
    subject: str
    context: Mapping[str, object]
    template: str = ""
    reply_to: str = ""
    enquiry_id: int | None = None
    deduplication_key: str = ""
    goes_at: datetime | None = None

    @property
    def text(self) -> str:
        return self._rendered("txt")

    @property
    def html(self) -> str:
        return self._rendered("html")

    def _rendered(self, kind: str) -> str:
        context = {**self.context, "subject": self.subject}
        return render_to_string(f"emails/{self.template or self.purpose}.{kind}", context)


def queue_mail(mail: NewMail, *, now: datetime) -> OutgoingMail:
    """Queue a mail in the caller's transaction; it goes at once, or at `goes_at`."""
    return OutgoingMail.objects.create(
        enquiry_id=mail.enquiry_id,
        purpose=mail.purpose,
        deduplication_key=mail.deduplication_key,
        recipient=mail.recipient,
        reply_to=mail.reply_to,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        message_id=make_msgid(domain=parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or None),
        state=MailState.QUEUED,
        created_at=now,
        next_attempt_at=mail.goes_at or now,
    )


REPLY_WINDOW = timedelta(days=1)
# What one mailbox gets in REPLY_WINDOW. Each joining has its own mail, for it is the way off the list; who joins twice,
# or from a +tag, is within this, and who is joined fifty times by somebody else is not.
MAILS_A_DAY = {MailPurpose.CONFIRMATION: 1, MailPurpose.WAITING_CONFIRMATION: 3}


def supervisor_address(details: ContactDetails) -> str:
    return IntakeSettings.load().notification_email or details.email or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def to_supervisor(_mail: OutgoingMail) -> Addresses:
    """Return the addresses of a mail to the supervisor, as she has set them now."""
    return Addresses(recipient=supervisor_address(ContactDetails.load()))


def claim_automatic_mail(address: str, purpose: MailPurpose, now: datetime) -> bool:
    """Return whether this mailbox may get an automatic mail of this purpose now, and if so remember that it does.

    Those from the future are a wrong clock's: they must not lock an address for years.
    """
    AutomaticReplyTrace.objects.exclude(
        replied_at__gt=now - REPLY_WINDOW, replied_at__lte=now + CLOCK_TOLERANCE
    ).delete()
    key = mailbox_key(address)
    if AutomaticReplyTrace.objects.filter(recipient_key=key, purpose=purpose).count() >= MAILS_A_DAY[purpose]:
        return False
    AutomaticReplyTrace.objects.create(recipient_key=key, purpose=purpose, replied_at=now)
    return True
