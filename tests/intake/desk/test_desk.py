"""The dashboard counts open enquiries, and each count links to a list of exactly those enquiries."""

import re
from datetime import datetime

import pytest
from django.test import Client
from django.utils import timezone

from intake.choices import MailState, Outcome, Status
from intake.enquiry.services import accept_quarantined
from intake.models import Enquiry, OutgoingMail
from tests.intake.desk.pages import LIST, failed_once, names, suspicious
from tests.intake.enquiries import closed, give_status, received
from tests.intake.waiting.admin import waiters

FRONT = "/admin/"


def move(enquiry: Enquiry, status: Status, outcome: str = "") -> Enquiry:
    return give_status(enquiry, status, outcome)


def counts(client: Client) -> dict[str, tuple[int, str]]:
    """Return the counts of the panel: link text with "#" for the number -> the number and the URL."""
    page = client.get(FRONT).content.decode()
    panel = re.search(r'<section class="enquiry-panel" aria-labelledby="enquiry-panel-title".*?</section>', page, re.S)
    assert panel
    links = re.findall(r'<a href="([^"]+)">([^<]+)</a>', panel[0])
    found = {}
    for url, text in links:
        number = re.search(r"\d+", text)
        if number:
            found[text.replace(number[0], "#")] = (int(number[0]), url.replace("&amp;", "&"))
    return found


@pytest.fixture
def desk(db: None) -> None:
    """Enquiries of every kind, more than one for each part, with names that tell the kind."""
    now = timezone.now()
    for name in ("Uusi A", "Uusi B", "Uusi C"):
        received(name=name)
    for status in (Status.IN_REVIEW, Status.AWAITING_REPLY, Status.MAPPING_SCHEDULED, Status.OFFER_SENT,
                   Status.WAITING_LIST):  # fmt: skip
        move(received(name=f"Kesken {status}"), status)
    suspicious(name="Outo uusi")
    move(suspicious(name="Outo kesken"), Status.IN_REVIEW)
    move(suspicious(name="Outo päättynyt"), Status.CLOSED, Outcome.SPAM)
    cleared = suspicious(name="Outo hyväksytty")
    accept_quarantined(enquiry_id=cleared.pk, version=cleared.version, by=None, now=now)
    for mail in received(name="Posti myöhässä").mails.all():
        failed_once(mail, at=now)
    given_up = closed(at=now, name="Posti luovutettu")
    given_up.mails.update(state=MailState.FAILED)
    late_but_gone = received(name="Posti lähti lopulta")
    for mail in late_but_gone.mails.all():
        failed_once(mail, at=now)
    late_but_gone.mails.update(state=MailState.SENT)
    closed(at=now, name="Päättynyt").mails.update(state=MailState.SENT)


NEW = {"Uusi A", "Uusi B", "Uusi C", "Outo hyväksytty", "Posti myöhässä", "Posti lähti lopulta"}
IN_PROGRESS = {
    *(f"Kesken {word}" for word in ("in_review", "awaiting_reply", "mapping_scheduled", "offer_sent")),
    "Outo kesken",
}
EXPECTED = {
    "# uutta yhteydenottoa": NEW,
    "# kesken": IN_PROGRESS,
    "# odotuslistalla": {"Kesken waiting_list"},
    "# epäilyttävää: vilkaise": {"Outo uusi", "Outo kesken"},
    "Sähköposti on lähettämättä # yhteydenotossa": {"Posti myöhässä", "Posti luovutettu"},
}


@pytest.mark.usefixtures("desk")
def test_dashboard_counts_link_to_matching_lists(kati: Client) -> None:
    shown = counts(kati)
    assert set(shown) == set(EXPECTED)
    for words, (number, url) in shown.items():
        page = kati.get(url)
        listed = waiters.names(page) if url == waiters.WAITING else names(page)
        assert len(listed) == number, words
        assert set(listed) == EXPECTED[words], words
        assert len(set(listed)) == number, words


def test_zero_counts_link_to_empty_lists(kati: Client) -> None:
    received(name="Vanha", now=datetime.fromisoformat("2026-01-01T12:00+02:00"))
    move(Enquiry.objects.get(), Status.CLOSED, Outcome.NO_RESPONSE)
    # An unsent mail this old would be late.
    OutgoingMail.objects.update(state=MailState.SENT)
    shown = counts(kati)
    assert set(shown) == {"# uutta yhteydenottoa", "# kesken"}
    for number, url in shown.values():
        assert number == 0
        assert names(kati.get(url)) == []


@pytest.mark.usefixtures("desk")
def test_menu_links_the_same_lists(kati: Client) -> None:
    page = kati.get(FRONT).content.decode()
    shown = counts(kati)
    for words in ("# uutta yhteydenottoa", "# epäilyttävää: vilkaise"):
        assert page.count(shown[words][1]) >= 2, words


@pytest.mark.usefixtures("desk")
def test_filter_part_is_named_and_combinable(kati: Client) -> None:
    page = kati.get(LIST, {"part": "in_progress"})
    assert "Suodata luetteloa: Kesken</summary>" in page.content.decode()
    assert re.search(r'aria-current="true">\s*Kesken<', page.content.decode())
    both = kati.get(LIST, {"part": "in_progress", "verdict__exact": "quarantined"})
    assert names(both) == ["Outo kesken"]


@pytest.mark.parametrize("value", ["", "x", "NEW", "new ", "__all__"])
def test_unknown_part_filters_nothing(kati: Client, enquiry: Enquiry, value: str) -> None:
    assert names(kati.get(LIST, {"part": value})) == ["Pirkko Salaisuus"]


@pytest.mark.usefixtures("loaded_site")
def test_dashboard_shows_enquiries_before_pause_and_checklist(kati: Client) -> None:
    page = kati.get("/admin/").content.decode()
    places = [page.index(panel) for panel in ("enquiry-panel-title", "pause-card-title", "checklist-title")]
    assert places == sorted(places)
