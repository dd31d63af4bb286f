"""Sending private links at the supervisor's request."""

from collections.abc import Callable
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from intake.choices import Kind, MailPurpose, MailState, Status, StepKind
from intake.enquiry.models import Enquiry
from intake.enquiry.services import lock_enquiry, require_version, save_change
from intake.mail.models import OutgoingMail
from intake.mapping.links import LIFETIME, mapping_to_link
from intake.mapping.mails import queue_mapping_link
from intake.mapping.page import mapping_is_offered
from intake.waiting.mails import queue_waiting_link


def can_be_invited(enquiry: Enquiry, *, now: datetime) -> bool:
    """Return whether a link to the mapping may be sent: to an open, ordinary message without a sent or expired mapping.

    An expired mapping is removed within the hour; after that another one can be started.
    """
    if enquiry.kind != Kind.CONTACT or enquiry.is_closed or enquiry.is_quarantined or not mapping_is_offered():
        return False
    mapping = getattr(enquiry, "mapping", None)
    if mapping is None:
        return True
    return not mapping.is_sent and (mapping.started_at is None or mapping.expires_at > now)


def send_mapping_link(*, enquiry_id: int, version: int, by: AbstractBaseUser | None, now: datetime) -> bool:
    """Queue a mail with a private link to the mapping, replacing an earlier one. Returns False if one is unsent.

    The secret is generated on delivery. Raises ChangedMeanwhile for an old `version`; a double click sends one mail.
    """

    def queue(enquiry: Enquiry) -> None:
        queue_mapping_link(enquiry=enquiry, works_until=_works_until(enquiry, now), now=now)

    return _send(enquiry_id, version, MailPurpose.MAPPING_LINK, StepKind.LINK_SENT, queue, by, now)


def can_get_waiting_link(enquiry: Enquiry) -> bool:
    """Return whether a link to the place on the waiting list may be sent; not for a suspicious enquiry."""
    on_list = enquiry.status == Status.WAITING_LIST and hasattr(enquiry, "waiting")
    return on_list and not enquiry.is_quarantined


def send_waiting_link(*, enquiry_id: int, version: int, by: AbstractBaseUser | None, now: datetime) -> bool:
    """Queue a mail with a private link to the place on the waiting list; otherwise like send_mapping_link()."""

    def queue(enquiry: Enquiry) -> None:
        queue_waiting_link(place=enquiry.waiting, now=now)

    return _send(enquiry_id, version, MailPurpose.WAITING_LINK, StepKind.WAITING_LINK_SENT, queue, by, now)


def _send(
    enquiry_id: int,
    version: int,
    purpose: MailPurpose,
    step: StepKind,
    queue: Callable[[Enquiry], None],
    by: AbstractBaseUser | None,
    now: datetime,
) -> bool:
    with transaction.atomic():
        enquiry = lock_enquiry(enquiry_id)
        require_version(enquiry, version)
        earlier = OutgoingMail.objects.filter(enquiry=enquiry, purpose=purpose)
        if earlier.filter(state__in=(MailState.QUEUED, MailState.SENDING)).exists():
            return False
        # The new mail needs its own Message-ID: mail programs hide duplicates.
        earlier.delete()
        queue(enquiry)
        save_change(enquiry, step, by=by, now=now)
    return True


def _works_until(enquiry: Enquiry, now: datetime) -> datetime:
    """Return until when the link is valid at least, however late the mail is sent."""
    mapping = mapping_to_link(enquiry, by_mail=True)
    return mapping.expires_at if mapping and mapping.started_at else now + LIFETIME
