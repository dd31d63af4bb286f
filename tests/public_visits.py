"""All public pages for the test client, in each state of the pause and after sending each form."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from home.pause.rules import FormMode, calendar_day
from intake.models import Enquiry
from tests.intake.mapping.answering import BEGIN, START, Answerer
from tests.intake.visiting import ADDRESS, Visitor, letter, token
from tests.intake.waiting.visitors import MESSAGE, joins, private_address, set_pause

ELSEWHERE = "/alkukartoitus/muualle/"
FRONT = "/"


@dataclass(frozen=True)
class Visit:
    """A page to open in the current state of the site. Names are unique; for plain pages the name is the path."""

    name: str
    path: str
    status: int = 200


def page_paths() -> list[str]:
    """Return the paths of all pages in the sitemap, so that new pages are included."""
    return re.findall(r"<loc>https?://[^/<]+(/[^<]*)</loc>", Client().get("/sitemap.xml").content.decode())


def visits() -> Iterator[Visit]:
    """Put the site (with its initial content) into one state after another, and yield the pages to open in each."""
    set_pause(FormMode.AS_USUAL, active=False)
    yield from (Visit(path, path) for path in page_paths())
    yield Visit("mapping begins", BEGIN)
    yield Visit("mapping elsewhere", ELSEWHERE)
    yield from _sent()
    yield Visit("not found", "/tata-ei-ole/", 404)
    yield Visit("no such mapping", "/jatka/tama-linkki-ei-avaa/", 404)
    for name, changes in _pauses().items():
        set_pause(FormMode.AS_USUAL, **changes)
        yield from (Visit(f"{name} {path}", path) for path in (FRONT, ADDRESS, START))
    set_pause(FormMode.WAITING_LIST)
    yield from (Visit(f"waiting list {path}", path) for path in (FRONT, ADDRESS, MESSAGE, START))
    visitor = Visitor()
    answer = joins(visitor)
    assert answer.status_code == 303, answer.content.decode()
    yield Visit("joined", answer["Location"])
    yield Visit("private page", private_address(Enquiry.objects.get(kind="waiting")))
    yield Visit("no such place", "/jatka/tama-linkki-ei-avaa/odotuslista/", 404)
    set_pause(FormMode.CONTACT_DETAILS)
    yield from (Visit(f"contact details {path}", path) for path in (FRONT, ADDRESS, START))


def _sent() -> Iterator[Visit]:
    answer = Visitor().sends({**letter(), "form_token": token()})
    assert answer.status_code == 303, answer.content.decode()
    yield Visit("thanks", answer["Location"])
    yield Visit("own copy", f"/jatka/{Enquiry.objects.get().receipt}/kopio/")
    yield Visit("own copy that is gone", "/jatka/tama-linkki-ei-avaa/kopio/", 410)
    answerer = Answerer()
    assert answerer.begins().status_code == 303
    yield Visit("mapping contact facts", answerer.address("yhteystiedot"))
    yield Visit("mapping step", answerer.address("vaihe/1"))
    yield Visit("mapping later", answerer.address("myohemmin"))
    yield Visit("mapping check", answerer.address("tarkista"))


def _pauses() -> dict[str, dict[str, Any]]:
    today = calendar_day(timezone.now())
    ahead, later = today.replace(year=today.year + 1), today.replace(year=today.year + 2)
    return {
        "paused": {},
        "dated": {"returns_on": ahead},
        "overdue": {"returns_on": today},
        "upcoming": {"begins_on": ahead, "returns_on": later},
        "resumed": {"active": False, "ended_on": today},
        "own words": {"message": "<p>Palaan, kun palaan. Soita {puhelin}.</p>"},
    }
