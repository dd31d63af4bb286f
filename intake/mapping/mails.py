"""The mails about a mapping, and the private link in them.

For a mapping without a message, the link is mailed automatically once the address is stored, and again on request.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from home.text_input import readable_address
from intake.choices import MailPurpose
from intake.enquiry.mails import facts_of_practice, mail_to_sender, mail_to_supervisor
from intake.enquiry.models import Enquiry
from intake.jobs.schedule import is_from_future
from intake.locks import lock_receiving
from intake.mail.models import OutgoingMail
from intake.mail.queue import (
    Addresses,
    Handling,
    NewMail,
    PrivateLink,
    claim_automatic_mail,
    is_daily_limit_reached,
    queue_mail,
    register,
)
from intake.mailbox import mailbox_key
from intake.mapping.models import InitialMapping
from intake.submission import MIN_SECONDS, SpamSigns, reasons_to_suspect

MAPPING_LINK = PrivateLink(
    name="mapping_link",
    placeholder="alkukartoituksen-salainen-osoite",
    view_name="mapping_resume",
    last_day="alkukartoituksen-viimeinen-paiva",
)
# The shortest time between two mails with the link. A mailbox also has a daily limit (intake.mail.queue.MAILS_A_DAY).
MAIL_INTERVAL = timedelta(hours=1)
# The most mails for one mapping, to all its addresses together, so that nobody can mail a list of strangers.
MOST_MAILS = 3
# A mail with the link that could not be delivered within this time is withdrawn.
MAIL_LIFETIME = timedelta(hours=12)


def resume_mails(mapping_id: int) -> QuerySet[OutgoingMail]:
    """Return the unsent mail with the link of a mapping without a message, if there is one."""
    key = str(mapping_id)
    return OutgoingMail.objects.filter(enquiry=None, purpose=MailPurpose.MAPPING_RESUME, deduplication_key=key)


def draft_of(mail: OutgoingMail) -> InitialMapping | None:
    """Return the unsent mapping of a mail of resume_mails(); None if it was sent or removed."""
    drafts = InitialMapping.objects.filter(pk=int(mail.deduplication_key), enquiry=None, parallel_to=None, sent_at=None)
    return drafts.first()


def queue_resume_link(*, mapping: InitialMapping, now: datetime) -> None:
    """Queue a mail with a private link to a mapping without a message. Contains no text that the sender wrote."""
    details = ContactDetails.load()
    mail = NewMail(
        purpose=MailPurpose.MAPPING_RESUME,
        recipient=mapping.facts["email"],
        reply_to=details.email,
        subject=_("Go on with the initial mapping by this link"),
        context={
            "mapping_url": MAPPING_LINK.url(),
            "last_day": MAPPING_LINK.last_day,
            **facts_of_practice(details),
        },
        deduplication_key=str(mapping.pk),
    )
    queue_mail(mail, now=now)


def queue_mapping_notification(*, enquiry: Enquiry, now: datetime) -> None:
    """Queue the notification that a mapping was added to an existing enquiry. Only once for each enquiry."""
    mail = mail_to_supervisor(
        enquiry,
        MailPurpose.MAPPING_NOTIFICATION,
        subject=_("A mapping for the enquiry %(reference)s"),
        context={"sent_at": now},
    )
    queue_mail(mail, now=now)


def queue_mapping_link(*, enquiry: Enquiry, now: datetime) -> None:
    """Queue a mail to the sender with a private link to the mapping. Contains no text that the sender wrote."""
    mail = mail_to_sender(
        enquiry,
        MailPurpose.MAPPING_LINK,
        subject=_("Link to the initial mapping (reference %(reference)s)"),
        context={"mapping_url": MAPPING_LINK.url(), "last_day": MAPPING_LINK.last_day},
    )
    queue_mail(mail, now=now)


@dataclass(frozen=True, kw_only=True)
class LinkMail:
    """The state of the mail with the private link, as the sender sees it.

    `mailed_at`: when it was queued last. `is_waiting`: it is queued and not sent yet. `can_be_sent`: it may be queued.
    """

    address: str
    mailed_at: datetime | None
    is_waiting: bool
    can_be_sent: bool


def link_mail_of(mapping: InitialMapping, *, now: datetime) -> LinkMail | None:
    """Return the state of the mail with the link. None for a mapping that began from a message, or was sent."""
    if not mapping.facts:
        return None
    address = mapping.facts["email"]
    is_waiting = resume_mails(mapping.pk).exists()
    return LinkMail(
        address=readable_address(address),
        mailed_at=mapping.link_mailed_at,
        is_waiting=is_waiting,
        can_be_sent=(
            not is_waiting
            and not _was_mailed_lately(mapping, now)
            and _is_allowed(mapping, mapping.signs_at(now))
            and not is_daily_limit_reached(mailbox_key(address), MailPurpose.MAPPING_RESUME, now)
        ),
    )


def mail_first_link(
    mapping: InitialMapping, *, before: str, signs: SpamSigns, by_mail: bool = False, now: datetime
) -> None:
    """Queue the link to a newly stored address, unless it was queued to the same mailbox last.

    `before`: the previous address, "" for a new mapping. If the address was corrected, all links that were mailed to
    another mailbox are deleted, because a stranger may have received them. They are kept if the correction was made by
    a mailed link (`by_mail`). Runs in the caller's transaction, which holds lock_receiving() and has locked the row.
    """
    key = mailbox_key(mapping.facts["email"])
    if before and mailbox_key(before) != key and not by_mail:
        mapping.links.filter(by_mail=True).exclude(mailbox_key=key).delete()
    if key == mapping.link_mailed_key:
        return
    resume_mails(mapping.pk).delete()
    mapping.link_mailed_key, mapping.link_mailed_at = "", None
    if _is_allowed(mapping, signs):
        _queue(mapping, key, now)
    _save(mapping)


def mail_link_again(*, mapping_id: int, now: datetime) -> None:
    """Queue the link at its sender's request, if it can be sent now (LinkMail.can_be_sent)."""
    with transaction.atomic():
        lock_receiving()
        mapping = InitialMapping.objects.select_for_update().get(pk=mapping_id)
        state = link_mail_of(mapping, now=now)
        if state is not None and state.can_be_sent:
            _queue(mapping, mailbox_key(mapping.facts["email"]), now)
            _save(mapping)


def _is_allowed(mapping: InitialMapping, signs: SpamSigns) -> bool:
    """Return whether the limit of the mapping allows another mail. A suspicious mapping gets none."""
    return mapping.link_mails < MOST_MAILS and not _is_suspicious(mapping, signs)


def _is_suspicious(mapping: InitialMapping, signs: SpamSigns) -> bool:
    """Return whether the spam rules would quarantine the mapping if it was sent now."""
    return bool(reasons_to_suspect(replace(mapping.contact_facts, message=mapping.free_text), signs))


def _was_mailed_lately(mapping: InitialMapping, now: datetime) -> bool:
    at = mapping.link_mailed_at
    return at is not None and now - at < MAIL_INTERVAL and not is_from_future(at, now)


def _queue(mapping: InitialMapping, key: str, now: datetime) -> None:
    if not claim_automatic_mail(key, MailPurpose.MAPPING_RESUME, now):
        return
    queue_resume_link(mapping=mapping, now=now)
    mapping.link_mailed_key, mapping.link_mailed_at = key, now
    mapping.link_mails += 1


def _save(mapping: InitialMapping) -> None:
    mapping.save(update_fields=["link_mailed_key", "link_mailed_at", "link_mails"])


def _to_draft(mail: OutgoingMail) -> Addresses:
    """Return the address that the contact facts have now."""
    draft = draft_of(mail)
    return Addresses(recipient=draft.facts["email"] if draft else mail.recipient, reply_to=mail.reply_to)


def _is_still_valid(mail: OutgoingMail, now: datetime) -> bool:
    draft = draft_of(mail)
    return (
        draft is not None
        and draft.expires_at > now
        and now - mail.created_at < MAIL_LIFETIME
        and mailbox_key(mail.recipient) == mailbox_key(draft.facts["email"])
        # The time taken for the first step was already checked when the mail was queued.
        and not _is_suspicious(draft, replace(draft.signs_at(now), seconds_open=MIN_SECONDS))
    )


def _withdraw(mail: OutgoingMail, _now: datetime) -> None:
    """Delete the mail; the page then says that none was sent."""
    draft = draft_of(mail)
    if draft is not None and draft.link_mailed_key == mailbox_key(mail.recipient):
        draft.link_mailed_key, draft.link_mailed_at = "", None
        _save(draft)
    mail.delete()


def _forget(mail: OutgoingMail, _now: datetime) -> None:
    """Delete the delivered mail: it contains the address of somebody who has not sent a mapping."""
    mail.delete()


register(
    MailPurpose.MAPPING_RESUME,
    handling=Handling(addresses=_to_draft, is_still_valid=_is_still_valid, withdraw=_withdraw, delivered=_forget),
)
