"""Queueing mail, how the mails of each purpose are handled, and the private links in mails.

The secret of a link is generated when its mail is sent; only its digest is stored.
"""

import hashlib
import re
import secrets
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.core.mail.utils import DNS_NAME
from django.db import models
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.crypto import salted_hmac

from home.compiled_rows import changed_rows
from home.contact_details import ContactDetails
from home.dates import finnish_day
from home.typography import WORD_JOINER
from intake.choices import MailPurpose, MailState
from intake.jobs.schedule import CLOCK_TOLERANCE
from intake.mail.models import HELD, AutomaticReplyTrace, OutgoingMail
from intake.settings import IntakeSettings

REPLY_WINDOW = timedelta(days=1)
# The most automatic mails to one mailbox in REPLY_WINDOW. Each entry on the waiting list needs its own mail, with the
# link to leave the list. Three allow joining twice or with a +tag, but not flooding somebody's mailbox. The link to a
# mapping is mailed automatically, and may be requested once more.
MAILS_A_DAY = {
    MailPurpose.CONFIRMATION: 1,
    MailPurpose.WAITING_CONFIRMATION: 3,
    MailPurpose.MAPPING_RESUME: 2,
}
# The traces that counted() selects, at most as many as the limit. Written as SQL: Django takes ten times as long to
# build such a query as to run it, while other posts wait for a lock.
_MAILS_OF_TODAY = """
    SELECT id FROM intake_automaticreplytrace
    WHERE recipient_key = %s AND purpose = %s AND replied_at > %s AND replied_at <= %s LIMIT %s
"""
_CLAIM_MAIL = f"""
    INSERT INTO intake_automaticreplytrace (recipient_key, purpose, replied_at)
    SELECT %s, %s, %s WHERE (SELECT count(*) FROM ({_MAILS_OF_TODAY}) AS of_today) < %s
"""  # noqa: S608 (a constant)
_BLANK_LINES = re.compile(r"\n{3,}")
_SECRET_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The recipient of a mail, and its Reply-To ("" for none)."""

    recipient: str
    reply_to: str = ""


def _always(_mail: OutgoingMail, _now: datetime) -> bool:
    return True


def _as_queued(mail: OutgoingMail, _now: datetime) -> tuple[str, str]:
    return mail.text, mail.html


def do_nothing(_mail: OutgoingMail, _now: datetime) -> None:
    pass


def _delete(mail: OutgoingMail, _now: datetime) -> None:
    mail.delete()


@dataclass(frozen=True, kw_only=True)
class Handling:
    """How the mails of one purpose are handled.

    Before each attempt, `is_still_valid` returns whether the content is still true. If not, `withdraw` deletes the mail
    and undoes what queueing it recorded. Otherwise `addresses` returns the current addresses, which may have been
    corrected, and `texts` returns the plain text and the HTML to send. `texts` gets the mail with the queued texts; the
    ones that it returns are stored after the mail was sent. These four are called in a transaction that holds
    lock_receiving(). `delivered` is called after a server has accepted the mail, in the transaction that records this.
    """

    addresses: Callable[[OutgoingMail], Addresses]
    texts: Callable[[OutgoingMail, datetime], tuple[str, str]] = _as_queued
    is_still_valid: Callable[[OutgoingMail, datetime], bool] = _always
    withdraw: Callable[[OutgoingMail, datetime], None] = _delete
    delivered: Callable[[OutgoingMail, datetime], None] = do_nothing


_handling_by_purpose: dict[MailPurpose, Handling] = {}


def register(*purposes: MailPurpose, handling: Handling) -> None:
    """Register how the mails of these purposes are handled."""
    _handling_by_purpose.update(dict.fromkeys(purposes, handling))


def handling_of(mail: OutgoingMail) -> Handling:
    """Return how this mail is handled. Raises KeyError for an unregistered purpose."""
    return _handling_by_purpose[MailPurpose(mail.purpose)]


def unsent_without_enquiry() -> QuerySet[OutgoingMail]:
    """Return the unsent mails without an enquiry that the supervisor may send again. No enquiry's page shows them.

    Mails with the link to a mapping in progress are left out: only its sender may use that link.
    """
    mails = OutgoingMail.objects.filter(enquiry=None).exclude(purpose=MailPurpose.MAPPING_RESUME)
    return mails.exclude(state=MailState.SENT)


def plain_text(rendered: str) -> str:
    """Return a rendered text without word joiners and trailing spaces, and with at most one blank line in a row.

    Template tags leave empty lines behind. Typography for HTML adds word joiners, which some mail programs show.
    """
    rendered = rendered.replace(WORD_JOINER, "")
    lines = (line.rstrip() for line in rendered.strip().split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)) + "\n"


@dataclass(frozen=True, kw_only=True)
class NewMail:
    """A mail to queue, with or without an enquiry.

    Rendered from `emails/<template>.txt` and `.html` with `context`; `template` defaults to the purpose.
    `deduplication_key` is unique among the mails of one enquiry and purpose.
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
        return plain_text(self._rendered("txt"))

    @property
    def html(self) -> str:
        return self._rendered("html").strip()

    def _rendered(self, kind: str) -> str:
        context = {**self.context, "subject": self.subject}
        return render_to_string(f"emails/{self.template or self.purpose}.{kind}", context)


def queue_mail(mail: NewMail, *, now: datetime) -> OutgoingMail:
    """Queue a mail in the caller's transaction. It is sent at once, or at `goes_at`."""
    row = mail_row(mail, text=mail.text, html=mail.html, now=now)
    row.save(force_insert=True)
    return row


def _new_message_id() -> str:
    """Return a unique Message-ID that is short enough not to be folded.

    email.utils.make_msgid() uses the clock and `random`, so a seeded `random` can repeat an id.
    """
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or DNS_NAME.get_fqdn()
    return f"<{secrets.token_hex(16)}@{domain}>"


def mail_row(mail: NewMail, *, text: str, html: str, now: datetime) -> OutgoingMail:
    """Return the unsaved row of a mail with its rendered texts."""
    if mail.goes_at is not None and mail.purpose not in HELD:
        raise ValueError(f"due() takes the later time of a {mail.purpose} for that of a wrong clock")
    return OutgoingMail(
        enquiry_id=mail.enquiry_id,
        purpose=mail.purpose,
        deduplication_key=mail.deduplication_key,
        recipient=mail.recipient,
        reply_to=mail.reply_to,
        subject=mail.subject,
        text=text,
        html=html,
        message_id=_new_message_id(),
        state=MailState.QUEUED,
        created_at=now,
        next_attempt_at=mail.goes_at or now,
    )


def supervisor_address(details: ContactDetails, chosen: IntakeSettings) -> str:
    return chosen.notification_email or details.email or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def to_supervisor(_mail: OutgoingMail) -> Addresses:
    """Return the supervisor's address as it is set now."""
    return Addresses(recipient=supervisor_address(ContactDetails.load(), IntakeSettings.load()))


def counted(now: datetime) -> Q:
    """Return the condition that a trace counts now. The job "traces" deletes the others.

    A trace from the future comes from a wrong clock: it must not block a mailbox for years.
    """
    return Q(replied_at__gt=now - REPLY_WINDOW, replied_at__lte=now + CLOCK_TOLERANCE)


def is_daily_limit_reached(recipient_key: str, purpose: MailPurpose, now: datetime) -> bool:
    """Return whether this mailbox has got the most automatic mails of this purpose that REPLY_WINDOW allows."""
    of_today = _of_today(recipient_key, purpose, now)
    return len(list(AutomaticReplyTrace.objects.raw(_MAILS_OF_TODAY, of_today))) >= MAILS_A_DAY[purpose]


def _of_today(recipient_key: str, purpose: MailPurpose, now: datetime) -> list[object]:
    return [recipient_key, str(purpose), now - REPLY_WINDOW, now + CLOCK_TOLERANCE, MAILS_A_DAY[purpose]]


def claim_automatic_mail(recipient_key: str, purpose: MailPurpose, now: datetime) -> bool:
    """Record an automatic mail to this mailbox and return True; return False if its daily limit is reached."""
    of_today = _of_today(recipient_key, purpose, now)
    return bool(changed_rows(_CLAIM_MAIL, [recipient_key, str(purpose), now, *of_today, MAILS_A_DAY[purpose]]))


@dataclass(frozen=True, kw_only=True)
class PrivateLink:
    """A kind of private link. `placeholder` stands in for the secret in a queued mail.

    `last_day`: the placeholder for the last day on which the link works, for mails that state it. A mail with a
    placeholder never contains text that a visitor wrote, because that text could contain the placeholder.
    """

    name: str
    placeholder: str
    view_name: str
    last_day: str = ""

    def url(self, *args: str) -> str:
        """Return the URL for a queued mail, with the placeholder in place of the secret."""
        return settings.SITE_URL + reverse(self.view_name, args=[*args, self.placeholder])


@dataclass(frozen=True, kw_only=True)
class MadeLink:
    """The values that replace the placeholders of a link."""

    secret: str
    last_day: date | None = None


MakeLink = Callable[[OutgoingMail, datetime], MadeLink]
_registered: dict[PrivateLink, MakeLink] = {}


def register_link(link: PrivateLink, make_link: MakeLink) -> None:
    """Register a kind of link. `make_link` is called for each delivery attempt and makes a new one."""
    _registered[link] = make_link


def links_in(text: str) -> frozenset[str]:
    """Return the names of the private links in the text of a queued mail."""
    return frozenset(link.name for link in _registered if link.placeholder in text)


def fill_in_links(mail: OutgoingMail, now: datetime) -> None:
    """Replace the placeholders in this instance, which is sent but not saved, with new links and their last days."""
    for link, make_link in _registered.items():
        if link.placeholder not in mail.text:
            continue
        made = make_link(mail, now)
        filled = {link.placeholder: made.secret}
        if link.last_day:
            filled[link.last_day] = finnish_day(made.last_day)
        for placeholder, words in filled.items():
            mail.text, mail.html = (part.replace(placeholder, words) for part in (mail.text, mail.html))


class StoredLink(models.Model):
    """Base of the stored private links. Only the digest of the secret is stored."""

    secret_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


def new_secret() -> str:
    """Return a URL-safe secret of 256 random bits."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def derived_secret(purpose: str, identifier: uuid.UUID) -> str:
    """Return a secret of 256 bits that only this site can compute, the same each time, so it need not be stored."""
    digest = salted_hmac(purpose, identifier.hex, algorithm="sha256").digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def secret_digest(secret: str) -> str:
    """Return the digest to store. The secret is long and random, so an unsalted hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
