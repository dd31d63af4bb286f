"""People on the waiting list, for the tests of its admin pages."""

import html
import re
from datetime import datetime
from typing import Any

from django.utils import timezone

from aijuu_site.accounts.models import User
from intake.choices import Status
from intake.enquiry.services import change_status
from intake.models import Enquiry
from intake.waiting.models import WaitingPlace
from tests.intake.desk.pages import HasContent
from tests.intake.enquiries import received

WAITING = "/admin/odotuslista/"
RETURN = f"{WAITING}paluu/"
STOP = f"{RETURN}pysayta/"


def ahead(enquiry: Enquiry) -> str:
    return f"{WAITING}karkeen/{enquiry.pk}/"


def back(enquiry: Enquiry) -> str:
    return f"{WAITING}takaisin/{enquiry.pk}/"


def waiting(name: str, *, wants_mail: bool = True, now: datetime | None = None, **changes: Any) -> Enquiry:
    """Create an enquiry, the last one on the list."""
    moment = now or timezone.now()
    enquiry = received(name=name, now=moment, **changes)
    enquiry = put_on_list(enquiry, now=moment)
    WaitingPlace.objects.filter(enquiry=enquiry).update(wants_mail=wants_mail, reached_at=moment)
    return enquiry


def put_on_list(enquiry: Enquiry, *, by: User | None = None, now: datetime | None = None) -> Enquiry:
    """Set the status as the supervisor does."""
    return change_status(
        enquiry_id=enquiry.pk,
        version=enquiry.version,
        status=Status.WAITING_LIST,
        outcome="",
        by=by,
        now=now or timezone.now(),
    )


def listed() -> list[str]:
    """The names on the list in its order."""
    places = WaitingPlace.objects.filter(enquiry__status=Status.WAITING_LIST).order_by("rank")
    return [place.enquiry.name for place in places.select_related("enquiry")]


def rows(response: HasContent) -> list[dict[str, str]]:
    """Return the rows of the list's page: heading -> text of the cell; the cell of the buttons has the heading ""."""
    found = []
    for row in re.findall(r"<tr data-enquiry.*?</tr>", response.content.decode(), re.S):
        cells = re.findall(r'<td(?: data-label="([^"]*)")?[^>]*>(.*?)</td>', row, re.S)
        found.append({html.unescape(label): _text(cell) for label, cell in cells})
    return found


def names(response: HasContent) -> list[str]:
    """The names that the page shows, in its order."""
    return [
        _text(name)
        for name in re.findall(r"<tr data-enquiry.*?<strong>(.*?)</strong>", response.content.decode(), re.S)
    ]


def _text(markup: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", markup))).strip()
