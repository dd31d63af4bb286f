"""Visitors during a pause: set the pause, send the form of the waiting list, and use the private page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from home.models import PauseNotice
from home.pause.rules import FormMode
from intake.models import Enquiry
from intake.waiting.places import link_for_place
from tests.intake.visiting import OWN_PAGE, Letter, Visitor, letter, token

JOIN = "/ota-yhteytta/odotuslista/"
MESSAGE = "/ota-yhteytta/viesti/"


def set_pause(mode: FormMode | str = FormMode.WAITING_LIST, **changes: Any) -> None:
    """Store a pause, without days unless `changes` has them; active=False ends it."""
    notice = PauseNotice.load()
    values = {"active": True, "begins_on": None, "returns_on": None, "form_mode": mode, **changes}
    for name, value in values.items():
        setattr(notice, name, value)
    notice.save()


def wish(**changes: str | list[str]) -> Letter:
    """Return the fields of somebody who joins without consent to mail."""
    words = letter(message="Porin seudulla, jos sopii.")
    for name in ("preferred_contact", "organisation", "delivery_modes"):
        del words[name]
    return {**words, **changes}


def joins(
    visitor: Visitor,
    words: Mapping[str, str | Sequence[str]] | None = None,
    *,
    headers: Mapping[str, str] = OWN_PAGE,
    **extra: Any,
) -> Any:
    """Send the waiting list's form, opened five minutes ago unless `words` have a token."""
    fields = {"form_token": token(), **(wish() if words is None else words)}
    return visitor.client.post(JOIN, fields, REMOTE_ADDR=visitor.network_address, headers=dict(headers), **extra)


def private_address(enquiry: Enquiry, now: datetime | None = None) -> str:
    """A new private address of the enquiry's place."""
    return f"/jatka/{link_for_place(enquiry=enquiry, now=now or timezone.now())}/odotuslista/"


def presses(address: str, answer: str) -> HttpResponse:
    """Post an answer from the private page with a new browser session."""
    return Client().post(address, {"answer": answer})  # type: ignore[return-value]
