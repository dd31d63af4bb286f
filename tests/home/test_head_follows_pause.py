"""The title and description of the contact page follow the pause, and no title names the site twice."""

import re
from typing import Any

import pytest
import time_machine
from django.test import Client

from home.models import PauseNotice
from home.pause.rules import FormMode
from tests.home.test_discovery import ADDRESSES, metas

pytestmark = pytest.mark.django_db

OWN_TITLE, LIST_TITLE = "Ota yhteyttä – Aijuu työnohjaus", "Odotuslista – Aijuu työnohjaus"
OWN = "Kirjoita Katille muutamalla sanalla, mitä mietit. Sopivin työnohjauksen muoto löytyy yhdessä pohtien."
JOIN = "Uusia työnohjauksia ei aloiteta juuri nyt, mutta voit ilmoittautua odotuslistalle."
WRITE = "Aijuu on tauolla. Voit kirjoittaa Katille, mutta vastaus voi viipyä."
CALL = "Uusia työnohjauksia ei aloiteta juuri nyt. Muissa asioissa voit ottaa yhteyttä suoraan."
PAUSED = "Aijuun palvelut ovat tauolla."
FULL = "Aijuussa ei ole juuri nyt vapaita aikoja, mutta voit ilmoittautua odotuslistalle."


def title(html: str) -> str:
    (found,) = re.findall("<title>(.*?)</title>", html)
    return found.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"active": False}, (OWN_TITLE, OWN)),
        ({"active": False, "ended_on": "2027-01-09"}, (OWN_TITLE, OWN)),
        ({"active": False, "full": True}, (LIST_TITLE, FULL)),
        ({"begins_on": "2027-01-17", "form_mode": FormMode.WAITING_LIST}, (OWN_TITLE, OWN)),
        ({"begins_on": "2027-01-17", "full": True}, (LIST_TITLE, FULL)),
        ({"form_mode": FormMode.AS_USUAL}, (OWN_TITLE, WRITE)),
        ({"form_mode": FormMode.WAITING_LIST}, (LIST_TITLE, f"{PAUSED} {JOIN}")),
        ({"form_mode": FormMode.CONTACT_DETAILS}, (OWN_TITLE, f"{PAUSED} {CALL}")),
        ({"form_mode": FormMode.WAITING_LIST, "full": True}, (LIST_TITLE, f"{PAUSED} {JOIN}")),
        ({"form_mode": FormMode.WAITING_LIST, "returns_on": "2027-01-09"}, (LIST_TITLE, f"{PAUSED} {JOIN}")),
    ],
    ids=[
        *("open", "resumed", "full", "upcoming", "full and upcoming"),
        *("messages", "waiting list", "contact details", "full and paused", "overdue"),
    ],
)
@time_machine.travel("2027-01-10 12:00:00+00:00")
def test_contact_page_head_follows_pause(visitor: Client, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    PauseNotice.objects.update(**{"active": True, **fields})
    html = visitor.get("/ota-yhteytta/").text
    meta = metas(html)
    assert (title(html), meta["description"]) == expected
    assert title(html) == f"{meta['og:title']} – Aijuu työnohjaus"
    assert meta["og:description"] == meta["description"]
    assert len(meta["description"]) <= 155


@time_machine.travel("2027-01-10 23:59:59+02:00", tick=False)
def test_contact_page_title_changes_when_pause_begins(visitor: Client) -> None:
    PauseNotice.objects.update(active=True, begins_on="2027-01-11", form_mode=FormMode.WAITING_LIST)
    assert title(visitor.get("/ota-yhteytta/").text) == OWN_TITLE
    with time_machine.travel("2027-01-11 00:00:00+02:00", tick=False):
        assert title(visitor.get("/ota-yhteytta/").text) == LIST_TITLE


def test_other_titles_do_not_follow_pause(visitor: Client) -> None:
    titles = [title(visitor.get(address).text) for address in ADDRESSES if address != "/ota-yhteytta/"]
    PauseNotice.objects.update(active=False, full=True)
    assert titles == [title(visitor.get(address).text) for address in ADDRESSES if address != "/ota-yhteytta/"]


def test_titles_name_the_site_once(visitor: Client) -> None:
    titles = {address: title(visitor.get(address).text) for address in ADDRESSES}
    assert titles["/"] == "Työnohjaus Porissa ja verkossa – Aijuu työnohjaus"
    for address, written in titles.items():
        assert written.endswith(" – Aijuu työnohjaus"), address
        assert written.count("Aijuu työnohjaus") == 1, address
