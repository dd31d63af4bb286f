"""Private links to places in the waiting list."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction

from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.models.waiting import WaitingLink, WaitingPlace
from intake.services.mail_purposes import enquiry_of, register_secret
from intake.waiting.private_link import PLACEHOLDER

_SECRET_BYTES = 32


def link_for_place(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret (256 random bits) of a new private link; the earlier ones go on working.

    Raises WaitingPlace.DoesNotExist where the enquiry has no place, or was removed meanwhile.
    """
    with transaction.atomic():
        place = WaitingPlace.objects.select_for_update().get(enquiry=enquiry)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        WaitingLink.objects.create(place=place, secret_digest=_digest(secret), created_at=now)
    return secret


def _secret_for(mail: OutgoingMail, now: datetime) -> str:
    return link_for_place(enquiry=enquiry_of(mail), now=now)


register_secret(PLACEHOLDER, _secret_for)


def find_place(secret: str) -> WaitingPlace | None:
    """Return the place that a private link leads to, with its enquiry; None where it is gone."""
    link = WaitingLink.objects.select_related("place__enquiry").filter(secret_digest=_digest(secret)).first()
    return link.place if link else None


def _digest(secret: str) -> str:
    """Return what is kept of a secret. It is random and long, so a plain hash tells nothing of it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
