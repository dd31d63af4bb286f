"""Helpers: enquiries that are stored by the service, for tests that need no form."""

import itertools
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from home.models import PauseNotice
from intake.choices import Kind, Outcome, Status
from intake.enquiry.services import change_status, receive_enquiry
from intake.models import Enquiry
from intake.submission import ContactFacts, FormOpening, ShownTexts, SpamSigns, Submission

_numbers = itertools.count(1)


def facts(**changes: Any) -> ContactFacts:
    """Return the facts of a valid enquiry, with a new e-mail address for each call."""
    return ContactFacts(
        **{
            "name": "Maija Meikäläinen",
            "email": f"maija{next(_numbers)}@esimerkki.fi",
            "phone": "+358501234567",
            "organisation": "Porin perhekeskus",
            "supervision_form": "group",
            "delivery_modes": ("online",),
            "preferred_contact": "email",
            "message": "Hei Kati, työryhmämme kaipaa tilaa ajatella.",
            **changes,
        }
    )


def received(
    *, now: datetime | None = None, kind: Kind = Kind.CONTACT, wants_mail: bool = False, **changes: Any
) -> Enquiry:
    """Store an enquiry from a new network address, with its mails queued. The kind WAITING joins the waiting list."""
    moment = now or timezone.now()
    return receive_enquiry(
        submission=Submission(
            kind=kind,
            wants_mail=wants_mail,
            facts=facts(**changes),
            opening=FormOpening(submission_id=uuid.uuid4(), opened_at=moment - timedelta(minutes=5)),
            signs=SpamSigns(seconds_open=300),
            shown=ShownTexts(),
            address_key=uuid.uuid4().hex,
        ),
        pause=PauseNotice.load().status(now=moment),
        now=moment,
    )


def give_status(enquiry: Enquiry, status: Status, outcome: str = "", *, at: datetime | None = None) -> Enquiry:
    """Change the status of an enquiry, with the version of the object given, now or `at` a moment."""
    return change_status(
        enquiry_id=enquiry.pk,
        version=enquiry.version,
        status=status,
        outcome=outcome,
        by=None,
        now=at or timezone.now(),
    )


def closed(*, at: datetime, outcome: Outcome = Outcome.AGREEMENT, **changes: Any) -> Enquiry:
    """Store an enquiry that was closed at a moment."""
    enquiry = received(now=at - timedelta(days=3), **changes)
    return give_status(enquiry, Status.CLOSED, outcome, at=at)
