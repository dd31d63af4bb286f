"""A step that is open in two tabs: a post from one does not overwrite what was answered in the other."""

from typing import Any

import pytest

from intake.models import Enquiry, InitialMapping
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.visiting import Letter, ShownForm, page_text

WISHES, PRACTICALITIES = 2, 3


def stored() -> dict[str, Any]:
    answers: dict[str, Any] = InitialMapping.objects.get().answers
    return answers


def open_early(begun: Answerer, number: int) -> Letter:
    """Return the fields of a step's page that was opened before the step was answered."""
    begun.sends_step(1, ANSWERS[0])
    return begun.reads(f"vaihe/{number}").values


@pytest.mark.parametrize(("number", "button"), [(WISHES, {}), (PRACTICALITIES, {"back": "1"})])
def test_stale_empty_page_overwrites_no_answer(begun: Answerer, number: int, button: dict[str, str]) -> None:
    empty = open_early(begun, number)
    begun.sends_step(number, ANSWERS[number - 1])
    answered = stored()
    assert begun.posts(begun.address(f"vaihe/{number}"), {**empty, **button}).status_code == 303
    assert stored() == answered


# Another answer to each type of question; some are empty, and some rule out a question of the page.
CHANGED: tuple[dict[str, str | list[str]], ...] = (
    {"q_kuka": "kuka-1", "q_koko": "3"},
    {"q_muutos": "Toinen\r\nrivi  ”näin”", "q_teemat": ["teemat-2"], "q_nyt": "7"},
    {"q_tuttu": "no", "q_paiva": "29.2.2028", "q_aika_from": "", "q_aika_to": "1.5.2027", "q_maksaja": "maksaja-1"},
)


@pytest.mark.parametrize(("before", "after"), [(ANSWERS, CHANGED), (CHANGED, ANSWERS)], ids=["there", "and back"])
def test_untouched_stale_page_changes_no_answer(
    begun: Answerer, before: tuple[Letter, ...], after: tuple[Letter, ...]
) -> None:
    for step, words in enumerate(before, 1):
        assert begun.sends_step(step, words).status_code == 303
    for number in (1, WISHES, PRACTICALITIES):
        untouched = begun.reads(f"vaihe/{number}").values
        assert begun.sends_step(number, after[number - 1]).status_code == 303
        changed = stored()
        assert begun.posts(begun.address(f"vaihe/{number}"), untouched).status_code == 303
        assert stored() == changed


def test_typed_text_is_merged_with_answers_from_elsewhere(begun: Answerer) -> None:
    empty = open_early(begun, WISHES)
    begun.sends_step(WISHES, ANSWERS[1])
    elsewhere = stored()
    begun.posts(begun.address("vaihe/2"), {**empty, "q_muu": "Palaverit"})
    assert stored() == {**elsewhere, "muu": "Palaverit"}


def test_shown_answer_can_be_cleared(begun: Answerer) -> None:
    begun.answers_all()
    page = begun.reads("vaihe/3").values
    assert begun.posts(begun.address("vaihe/3"), {**page, "q_paiva": "", "q_aika_to": ""}).status_code == 303
    assert "paiva" not in stored()
    assert stored()["aika"] == {"from": "2027-03-01", "to": ""}


def test_validation_error_shows_answers_from_elsewhere(begun: Answerer) -> None:
    empty = open_early(begun, PRACTICALITIES)
    begun.sends_step(PRACTICALITIES, ANSWERS[2])
    answer = begun.posts(begun.address("vaihe/3"), {**empty, "q_paiva": "joskus"})
    assert answer.status_code == 422
    page = ShownForm.of(answer).values
    assert (page["q_paiva"], page["q_mista"], page["q_aika_to"]) == ("joskus", "Kurssilta.", "30.4.2027")
    assert begun.posts(begun.address("vaihe/3"), {**page, "q_paiva": "2.2.2027", "q_aika_to": ""}).status_code == 303
    assert stored()["paiva"] == "2027-02-02"
    assert stored()["aika"] == {"from": "2027-03-01", "to": ""}


def test_step_accepts_any_hidden_seen_value(begun: Answerer) -> None:
    begun.answers_all()
    for seen in ("", "x", "=", "muutos=", "[[[", "muutos=0 muutos=1", "\u00e4=\u00f6 = =="):
        typed = f"Palaverit {seen}".strip()
        answer = begun.posts(begun.address("vaihe/2"), {**ANSWERS[1], "q_muu": typed, "seen": seen})
        assert answer.status_code == 303, seen
        assert stored()["muu"] == typed


FACTS = "yhteystiedot"


def facts() -> dict[str, Any]:
    found: dict[str, Any] = InitialMapping.objects.get().facts
    return found


def change_facts(begun: Answerer, **changes: str | list[str]) -> dict[str, Any]:
    """Change contact facts on a page opened just now."""
    words = {**begun.reads(FACTS).values, **changes}
    assert begun.posts(begun.address(FACTS), words).status_code == 303
    return facts()


CHANGED_FACTS: dict[str, str | list[str]] = {
    "name": "Maija Virtanen",
    "email": "maija.virtanen@öljy.fi",
    "phone": "050 765 4321",
    "organisation": "Toinen työ",
    "supervision_form": "group",
    "delivery_modes": ["online", "pori_premises"],
    "preferred_contact": "email",
}


def test_untouched_contact_facts_change_nothing(begun: Answerer) -> None:
    change_facts(begun, supervision_form="individual")
    older = begun.reads(FACTS).values
    before = facts()
    changed = change_facts(begun, **CHANGED_FACTS)
    assert {name for name in changed if changed[name] != before[name]} == {*CHANGED_FACTS}
    assert begun.posts(begun.address(FACTS), older).status_code == 303
    assert facts() == changed


def test_outdated_facts_page_keeps_corrected_address(begun: Answerer) -> None:
    older = begun.reads(FACTS).values
    changed = change_facts(begun, email="oikea@esimerkki.fi")
    begun.posts(begun.address(FACTS), {**older, "phone": "050 765 4321"})
    assert facts() == {**changed, "phone": "+358507654321"}
    # An address that was changed on the older page is stored.
    begun.posts(begun.address(FACTS), {**older, "email": "kolmas@esimerkki.fi"})
    assert facts()["email"] == "kolmas@esimerkki.fi"


def test_error_on_outdated_facts_page_shows_corrected_address(begun: Answerer) -> None:
    older = begun.reads(FACTS).values
    change_facts(begun, email="oikea@esimerkki.fi")
    answer = begun.posts(begun.address(FACTS), {**older, "phone": "soita"})
    assert answer.status_code == 422
    page = ShownForm.of(answer).values
    assert (page["email"], page["phone"]) == ("oikea@esimerkki.fi", "soita")
    begun.posts(begun.address(FACTS), {**page, "phone": ""})
    assert facts()["email"] == "oikea@esimerkki.fi"


def test_contact_fact_can_be_cleared(begun: Answerer) -> None:
    assert change_facts(begun, organisation="")["organisation"] == ""


def test_contact_facts_accept_any_hidden_seen_value(begun: Answerer) -> None:
    shown = begun.reads(FACTS).values
    for number, seen in enumerate(("", "x", "email=", "muutos=0 name=1", "\u00e4=\u00f6 = =")):
        words = {**shown, "name": f"Maija {number}", "seen": seen}
        assert begun.posts(begun.address(FACTS), words).status_code == 303, seen
        assert facts()["name"] == f"Maija {number}"


def test_first_step_sent_again_keeps_corrected_address(answerer: Answerer) -> None:
    first = {**ShownForm.of(answerer.client.get(BEGIN)).values, **contact_facts(email="maja@esimerkki.fi")}
    answerer.follows(answerer.posts(BEGIN, first))
    changed = change_facts(answerer, email="oikea@esimerkki.fi")
    for phone in ("050 765 4321", "050 765 4321", "050 111 2222"):
        assert answerer.posts(BEGIN, {**first, "phone": phone})["Location"] == answerer.address()
        assert facts()["email"] == "oikea@esimerkki.fi"
    assert facts() == {**changed, "phone": "+358501112222"}
    answerer.posts(BEGIN, {**first, "email": "kolmas@esimerkki.fi"})
    assert facts()["email"] == "kolmas@esimerkki.fi"


@pytest.mark.parametrize("change", ["answer", "fact"])
def test_change_after_the_check_page_blocks_sending(begun: Answerer, change: str) -> None:
    begun.answers_all()
    page = begun.reads("tarkista")
    other = Answerer(secret=begun.secret)
    if change == "answer":
        assert other.sends_step(2, {**ANSWERS[1], "q_muutos": "Aivan muuta."}).status_code == 303
    else:
        facts = contact_facts(name="Toinen Nimi")
        assert other.posts(other.address("yhteystiedot"), facts).status_code == 303
    answer = begun.posts(begun.address("tarkista"), page.values)
    assert answer.status_code == 409
    assert "Vastauksiasi muutettiin" in page_text(answer)
    assert ("Aivan muuta." if change == "answer" else "Toinen Nimi") in page_text(answer)
    assert not Enquiry.objects.exists()
    again = ShownForm.of(answer).values
    assert begun.posts(begun.address("tarkista"), again).status_code == 303
    # Once the mapping is sent, even the outdated page redirects.
    assert begun.posts(begun.address("tarkista"), page.values).status_code == 303
    assert Enquiry.objects.count() == 1
