"""Sending a private link on the supervisor's request."""

from collections.abc import Callable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from intake.choices import Kind, MailPurpose, MailState, Status, StepKind
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.services import ChangedMeanwhile
from intake.mail.models import OutgoingMail
from intake.mapping.mails import queue_mapping_link
from intake.mapping.page import mapping_is_offered
from intake.mapping.services import LIFETIME, mapping_to_link
from intake.waiting.mails import queue_waiting_link


def can_be_invited(enquiry: Enquiry, *, now: datetime) -> bool:
    """Return whether a link would lead somewhere: an open, ordinary message, no mapping sent, none whose time is over.

    One that was begun keeps its thirty days; when they are over it is removed within the hour, and another can begin.
    """
    if enquiry.kind != Kind.CONTACT or enquiry.is_closed or enquiry.is_quarantined or not mapping_is_offered():
        return False
    mapping = getattr(enquiry, "mapping", None)
    if mapping is None:
        return True
    return not mapping.is_sent and (mapping.started_at is None or mapping.expires_at > now)


def send_mapping_link(*, enquiry_id: int, version: int, by: User | None, now: datetime) -> bool:
    """Queue the mail in place of an earlier one of its purpose. Returns False where one is on its way already.

    The secret is made when the mail goes out. Raises ChangedMeanwhile for an old `version`, so that a button pressed
    twice sends once.
    """

    def queue(enquiry: Enquiry) -> None:
        queue_mapping_link(enquiry=enquiry, works_until=_works_until(enquiry, now), now=now)

    return _send(enquiry_id, version, MailPurpose.MAPPING_LINK, StepKind.LINK_SENT, queue, by, now)


def can_get_waiting_link(enquiry: Enquiry) -> bool:
    """Return whether there is a place on the waiting list to send a link to; not of a suspicious one."""
    on_list = enquiry.status == Status.WAITING_LIST and hasattr(enquiry, "waiting")
    return on_list and not enquiry.is_quarantined


def send_waiting_link(*, enquiry_id: int, version: int, by: User | None, now: datetime) -> bool:
    """Queue the mail with the link to a place on the waiting list; otherwise as send_mapping_link."""

    def queue(enquiry: Enquiry) -> None:
        queue_waiting_link(place=enquiry.waiting, now=now)

    return _send(enquiry_id, version, MailPurpose.WAITING_LINK, StepKind.WAITING_LINK_SENT, queue, by, now)


def _send(
    enquiry_id: int,
    version: int,
    purpose: MailPurpose,
    step: StepKind,
    queue: Callable[[Enquiry], None],
    by: User | None,
    now: datetime,
) -> bool:
    with transaction.atomic():
        enquiry = Enquiry.objects.select_for_update().filter(pk=enquiry_id, version=version).first()
        if enquiry is None:
            raise ChangedMeanwhile
        earlier = OutgoingMail.objects.filter(enquiry=enquiry, purpose=purpose)
        if earlier.filter(state__in=(MailState.QUEUED, MailState.SENDING)).exists():
            return False
        # A new mail with a Message-ID of its own: mail programs hide what looks like the same one again.
        earlier.delete()
        queue(enquiry)
        Enquiry.objects.filter(pk=enquiry.pk).update(version=F("version") + 1)
        EnquiryStep.objects.create(enquiry=enquiry, kind=step, changed_at=now, changed_by=by)
    return True


def _works_until(enquiry: Enquiry, now: datetime) -> datetime:
    """Return the moment until which the link works for certain, however late the mail goes out."""
    mapping = mapping_to_link(enquiry, by_mail=True)
    return mapping.expires_at if mapping and mapping.started_at else now + LIFETIME
