"""The mapping in a pause: its start page leads to the waiting list first, and a begun mapping can go on."""

import pytest

from home.pause.rules import FormMode
from intake.models import Enquiry, OutgoingMail
from tests.intake.mapping.answering import BEGIN, START, Answerer
from tests.intake.visiting import ADDRESS, ShownForm, Visitor, page_text
from tests.intake.waiting.visitors import set_pause


def buttons(answerer: Answerer) -> list[tuple[str, str]]:
    """Return (address, text) of each button of the start page."""
    soup = ShownForm.of(answerer.client.get(START)).soup
    return [(str(link["href"]), link.get_text(strip=True)) for link in soup.select("main .mapping-begin a.button")]


def begin_links(answerer: Answerer) -> int:
    return len(ShownForm.of(answerer.client.get(START)).soup.select(f'main a[href="{BEGIN}"]'))


@pytest.mark.parametrize(
    ("mode", "active", "button", "links"),
    [
        (FormMode.AS_USUAL, True, (BEGIN, "Aloita alkukartoitus"), 1),
        (FormMode.WAITING_LIST, True, (ADDRESS, "Ilmoittaudu odotuslistalle"), 1),
        (FormMode.CONTACT_DETAILS, True, (ADDRESS, "Yhteystiedot"), 0),
        (FormMode.WAITING_LIST, False, (BEGIN, "Aloita alkukartoitus"), 1),
    ],
)
def test_start_page_button_follows_the_pause(
    answerer: Answerer, mode: FormMode, active: bool, button: tuple[str, str], links: int
) -> None:
    set_pause(mode, active=active)
    assert buttons(answerer) == [button]
    assert begin_links(answerer) == links
    text = page_text(answerer.client.get(START))
    assert ("Uusia työnohjauksia ei aloiteta juuri nyt" in text) == (active and mode != FormMode.AS_USUAL)


def test_start_page_leads_to_list_when_full(answerer: Answerer, visitor: Visitor) -> None:
    set_pause(FormMode.AS_USUAL, active=False, full=True)
    assert buttons(answerer) == [(ADDRESS, "Ilmoittaudu odotuslistalle")]
    assert begin_links(answerer) == 1
    text = page_text(answerer.client.get(START))
    assert "Uusia työnohjauksia ei aloiteta juuri nyt" in text
    assert "tauolla" not in text
    assert answerer.begins().status_code == 303
    thanks = str(visitor.sends()["Location"])
    assert not ShownForm.of(visitor.client.get(thanks)).soup.select("main form")


@pytest.mark.parametrize("mode", [FormMode.WAITING_LIST, FormMode.CONTACT_DETAILS])
def test_started_mapping_can_be_sent_during_pause(begun: Answerer, mode: FormMode) -> None:
    set_pause(mode)
    begun.answers_all()
    assert begun.sends().status_code == 303
    enquiry = Enquiry.objects.get()
    assert (enquiry.kind, enquiry.status) == ("mapping", "new")


@pytest.mark.parametrize("mode", [FormMode.WAITING_LIST, FormMode.CONTACT_DETAILS])
def test_first_step_is_accepted_during_pause(answerer: Answerer, mode: FormMode) -> None:
    set_pause(mode)
    assert answerer.begins().status_code == 303


@pytest.mark.parametrize("mode", [FormMode.WAITING_LIST, FormMode.CONTACT_DETAILS])
def test_confirmation_in_a_pause_has_no_mapping_link(answerer: Answerer, visitor: Visitor, mode: FormMode) -> None:
    set_pause(mode)
    thanks = str(visitor.sends()["Location"])
    assert not ShownForm.of(visitor.client.get(thanks)).soup.select("main form")
    assert "/jatka/" not in OutgoingMail.objects.get(purpose="confirmation").text
    # The button of a page that was opened before the pause.
    pressed = visitor.client.post(thanks)
    assert (pressed.status_code, pressed["Location"]) == (303, thanks)
    set_pause(active=False)
    assert ShownForm.of(visitor.client.get(thanks)).soup.select("main form")
