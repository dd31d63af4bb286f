"""The contact page in each state of the pause, to the second; a message can be sent in every state."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from home.models import PauseNotice
from home.pause.rules import FormMode
from home.pause.services import end_pause
from intake.models import Enquiry, OutgoingMail
from tests.intake.visiting import ADDRESS, ShownForm, Visitor, letter, page_text
from tests.intake.waiting.visitors import JOIN, MESSAGE, joins, set_pause, wish

WAITING_BUTTON, MESSAGE_BUTTON = "Ilmoittaudu odotuslistalle", "Lähetä viesti"
LEAD = (
    "Uusia työnohjauksia ei aloiteta juuri nyt. Voit silti jättää yhteystietosi odotuslistalle. "
    "Se ei sido sinua eikä takaa aikaa."
)


def button(response: Any) -> str:
    """Return the text of the form's button; "" if the page has no form."""
    found = ShownForm.of(response).soup.select("form[data-enquiry-form] button[type=submit]")
    return found[0].get_text(strip=True) if found else ""


@pytest.mark.parametrize(
    ("mode", "active", "expected"),
    [
        (FormMode.AS_USUAL, True, MESSAGE_BUTTON),
        (FormMode.WAITING_LIST, True, WAITING_BUTTON),
        (FormMode.CONTACT_DETAILS, True, ""),
        (FormMode.AS_USUAL, False, MESSAGE_BUTTON),
        (FormMode.WAITING_LIST, False, MESSAGE_BUTTON),
        (FormMode.CONTACT_DETAILS, False, MESSAGE_BUTTON),
    ],
)
def test_contact_page_form_follows_pause_mode(visitor: Visitor, mode: FormMode, active: bool, expected: str) -> None:
    set_pause(mode, active=active)
    assert button(visitor.client.get(ADDRESS)) == expected
    # The message form is available in every state.
    page = visitor.client.get(MESSAGE)
    assert (page.status_code, button(page)) == (200, MESSAGE_BUTTON)


@pytest.mark.parametrize("mode", FormMode)
def test_contact_page_offers_list_when_full(visitor: Visitor, mode: FormMode) -> None:
    set_pause(mode, active=False, full=True)
    page = visitor.client.get(ADDRESS)
    assert button(page) == WAITING_BUTTON
    assert LEAD in page_text(page)
    message = visitor.client.get(MESSAGE)
    assert button(message) == MESSAGE_BUTTON
    assert ShownForm.of(message).soup.select_one(f'main a[href="{JOIN}"]')
    for shown in (page, message):
        assert "Aijuussa ei ole juuri nyt vapaita aikoja." in page_text(shown)
        assert "tauolla" not in page_text(shown)
        assert "viipyä" not in page_text(shown)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2027-03-01 23:59:59+02:00", MESSAGE_BUTTON),
        ("2027-03-02 00:00:00+02:00", WAITING_BUTTON),
        # Summer time has begun on 28.3.
        ("2027-04-14 23:59:59+03:00", WAITING_BUTTON),
        ("2027-04-15 00:00:00+03:00", MESSAGE_BUTTON),
    ],
)
def test_contact_form_changes_at_finnish_midnight(visitor: Visitor, moment: str, expected: str) -> None:
    with time_machine.travel("2027-02-01 12:00+02:00", tick=False):
        set_pause(begins_on=date(2027, 3, 2), returns_on=date(2027, 4, 15), opens_by_itself=True)
    with time_machine.travel(moment, tick=False):
        assert button(visitor.client.get(ADDRESS)) == expected


def test_unconfirmed_return_day_keeps_waiting_list(visitor: Visitor) -> None:
    with time_machine.travel("2027-02-01 12:00+02:00", tick=False):
        set_pause(returns_on=date(2027, 4, 15))
    with time_machine.travel("2027-06-01 12:00+03:00", tick=False):
        assert button(visitor.client.get(ADDRESS)) == WAITING_BUTTON


def test_waiting_list_terms_precede_form_fields(visitor: Visitor) -> None:
    set_pause()
    page = visitor.client.get(ADDRESS)
    html = page.content.decode()
    assert html.index(LEAD) < html.index('id="id_name"')
    assert html.index("ilmoittautumisjärjestyksessä") < html.index('id="id_name"')
    shown = ShownForm.of(page)
    assert shown.title == "Odotuslista – Aijuu työnohjaus"
    assert "Tietosi poistetaan odotuslistalta noin 12 kuukauden kuluttua" in page_text(page)
    assert {"wants_mail", "preferred_contact"}.isdisjoint(shown.values)
    assert shown.element("id_wants_mail").get("checked") is None
    assert "Haluan sähköpostia, kun Aijuussa vapautuu aikoja." in page_text(page)
    assert not visitor.client.cookies


@pytest.mark.parametrize("mode", [FormMode.WAITING_LIST, FormMode.CONTACT_DETAILS])
def test_pause_pages_link_to_message_form(visitor: Visitor, mode: FormMode) -> None:
    set_pause(mode)
    soup = ShownForm.of(visitor.client.get(ADDRESS)).soup
    assert [link.get_text(strip=True) for link in soup.select(f'main a[href="{MESSAGE}"]')] == ["Kirjoita viesti"]
    assert soup.select_one('main a[href="tel:+358505348567"]')


def test_message_page_links_list_only_when_offered(visitor: Visitor) -> None:
    set_pause(FormMode.WAITING_LIST)
    soup = ShownForm.of(visitor.client.get(MESSAGE)).soup
    assert soup.select_one(f'main a[href="{JOIN}"]')
    assert soup.select_one('meta[name="robots"][content="noindex"]')
    for mode, active in ((FormMode.WAITING_LIST, False), (FormMode.AS_USUAL, True), (FormMode.CONTACT_DETAILS, True)):
        set_pause(mode, active=active)
        assert not ShownForm.of(visitor.client.get(MESSAGE)).soup.select(f'main a[href="{JOIN}"]')


def test_waiting_list_url_redirects_after_the_pause(visitor: Visitor) -> None:
    set_pause()
    assert button(visitor.client.get(JOIN)) == WAITING_BUTTON
    set_pause(active=False)
    answer = visitor.client.get(JOIN)
    assert (answer.status_code, answer["Location"]) == (302, ADDRESS)


@pytest.mark.parametrize("mode", [FormMode.WAITING_LIST, FormMode.CONTACT_DETAILS])
@pytest.mark.parametrize("address", [ADDRESS, MESSAGE])
def test_message_form_opened_before_pause_is_accepted(visitor: Visitor, mode: FormMode, address: str) -> None:
    set_pause(active=False)
    opened = visitor.opens().values["form_token"]
    set_pause(mode)
    words = {**letter(), "form_token": str(opened)}
    answer = visitor.client.post(address, words, headers=visitor.headers)
    assert answer.status_code == 303
    enquiry = Enquiry.objects.get()
    assert (enquiry.kind, enquiry.status) == ("contact", "new")


@pytest.mark.parametrize("mode", [FormMode.WAITING_LIST, FormMode.CONTACT_DETAILS])
def test_invalid_message_in_a_pause_stays_a_message(visitor: Visitor, mode: FormMode) -> None:
    set_pause(mode)
    answer = visitor.sends(letter(email="maija(at)esimerkki.fi"))
    assert (answer.status_code, button(answer)) == (422, MESSAGE_BUTTON)
    assert ShownForm.of(answer).words == letter(email="maija(at)esimerkki.fi")


def test_joining_as_the_pause_ends_is_accepted(visitor: Visitor) -> None:
    set_pause()
    opened = str(ShownForm.of(visitor.client.get(ADDRESS)).values["form_token"])
    end_pause(version=PauseNotice.load().version, by=None, now=timezone.now())
    mistaken = joins(visitor, wish(email="maija", form_token=opened, wants_mail="1"))
    assert (mistaken.status_code, button(mistaken)) == (422, WAITING_BUTTON)
    assert LEAD not in page_text(mistaken)
    assert "Tilanne muuttui, kun kirjoitit" in page_text(mistaken)
    kept = ShownForm.of(mistaken)
    assert kept.words == {**wish(email="maija"), "wants_mail": ["1"]}
    assert joins(visitor, {**kept.values, "email": "maija@esimerkki.fi"}).status_code == 303
    assert Enquiry.objects.get().status == "waiting_list"


@pytest.mark.parametrize(
    ("mode", "active"),
    [
        (FormMode.AS_USUAL, False),
        (FormMode.AS_USUAL, True),
        (FormMode.CONTACT_DETAILS, True),
        (FormMode.WAITING_LIST, False),
    ],
)
def test_joining_is_409_when_list_is_not_offered(visitor: Visitor, mode: FormMode, active: bool) -> None:
    set_pause(mode, active=active)
    answer = joins(visitor, wish(wants_mail="1"))
    assert answer.status_code == 409
    shown = ShownForm.of(answer)
    assert shown.words == {**wish(), "wants_mail": ["1"]}
    assert "Odotuslista ei ole nyt auki, joten lomaketta ei otettu vastaan." in shown.notice
    assert shown.soup.select_one(f'#summary-notice a[href="{MESSAGE}"]')
    assert LEAD not in page_text(answer)
    assert not Enquiry.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_waiting_form_accepted_two_days_after_pause(visitor: Visitor) -> None:
    with time_machine.travel("2027-03-01 12:00+02:00", tick=False) as clock:
        set_pause()
        opened = str(ShownForm.of(visitor.client.get(ADDRESS)).values["form_token"])
        end_pause(version=PauseNotice.load().version, by=None, now=timezone.now())
        clock.shift(timedelta(hours=47))
        assert joins(visitor, wish(form_token=opened)).status_code == 303
        clock.shift(timedelta(hours=2))
        late = joins(visitor, wish(form_token=opened, message="Vielä yksi."))
        assert late.status_code == 409
        # The returned text can be sent as a message instead.
        words = {**ShownForm.of(late).values, "preferred_contact": "email"}
        assert visitor.client.post(MESSAGE, words, headers=visitor.headers).status_code == 303


def test_waiting_texts_are_stored_only_if_shown(visitor: Visitor) -> None:
    set_pause()
    joins(visitor, wish(wants_mail="1"))
    joins(visitor, wish(email="toinen@esimerkki.fi"))
    visitor.sends()
    asked, quiet, message = Enquiry.objects.order_by("pk")
    assert asked.shown_texts["waiting"].startswith(LEAD)
    assert asked.shown_texts["consent"].startswith("Haluan sähköpostia, kun Aijuussa vapautuu aikoja. Silloin sinulta")
    assert "noin 12 kuukauden kuluttua" in asked.shown_texts["privacy"]
    assert "tauolla" in asked.shown_texts["pause"]
    assert (quiet.shown_texts["waiting"], quiet.shown_texts["consent"]) == (asked.shown_texts["waiting"], "")
    assert (message.shown_texts["waiting"], message.shown_texts["consent"]) == ("", "")
    assert "odotuslista" not in message.shown_texts["privacy"]
