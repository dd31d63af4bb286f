"""Answering a whole mapping: each step is stored when it is sent, and sending the mapping makes one enquiry."""

import pytest
from django.utils import timezone

from intake.choices import SupervisionForm
from intake.models import Enquiry, InitialMapping, IntakeSettings, OutgoingMail
from tests.intake.mapping.answering import ANSWERS, BEGIN, START, Answerer, contact_facts
from tests.intake.visiting import ShownForm, Visitor, letter, page_text

STORED = {
    "kuka": "kuka-2",
    "koko": 12,
    "muutos": "Lisää tilaa ajatella.",
    "teemat": ["teemat-1", "teemat-3"],
    "muu": "Työnjako",
    "nyt": 0,
    "tuttu": "yes",
    "mista": "Kurssilta.",
    "paiva": "2027-02-01",
    "aika": {"from": "2027-03-01", "to": "2027-04-30"},
    "maksaja": "maksaja-2",
}


def test_reading_pages_stores_no_mapping(answerer: Answerer) -> None:
    for address in (START, BEGIN, "/alkukartoitus/muualle/"):
        assert answerer.client.get(address).status_code == 200
    assert not InitialMapping.objects.exists()


def test_each_page_leads_to_the_next_with_303(answerer: Answerer) -> None:
    assert answerer.begins()["Location"] == answerer.address()
    assert answerer.opens()["Location"] == answerer.address("vaihe/1")
    following = ["vaihe/2", "vaihe/3", "tarkista"]
    for number, (words, place) in enumerate(zip(ANSWERS, following, strict=True), 1):
        answer = answerer.sends_step(number, words)
        assert (answer.status_code, answer["Location"]) == (303, answerer.address(place))
    answer = answerer.sends()
    assert (answer.status_code, answer["Location"]) == (303, answerer.address("perilla"))
    assert Enquiry.objects.get().reference in page_text(answerer.opens("perilla"))


def test_sent_answers_and_facts_are_stored(answerer: Answerer) -> None:
    answerer.sends_all()
    enquiry = Enquiry.objects.get()
    mapping = enquiry.mapping
    assert mapping.answers == STORED
    assert mapping.is_sent
    assert mapping.facts == {}
    assert (enquiry.kind, enquiry.verdict, enquiry.verdict_reasons) == ("mapping", "accepted", [])
    assert {name: getattr(enquiry, name) for name in ("name", "email", "phone", "organisation")} == {
        "name": "Maija Meikäläinen",
        "email": "maija.meikalainen@esimerkki.fi",
        "phone": "+358501234567",
        "organisation": "Porin perhekeskus",
    }
    assert (enquiry.supervision_form, enquiry.delivery_modes, enquiry.preferred_contact) == (
        "group",
        ["online"],
        "phone",
    )
    assert (enquiry.group_size, enquiry.place, enquiry.area, enquiry.payer) == (12, "", "", "Minä itse")
    assert sorted(OutgoingMail.objects.values_list("purpose", flat=True)) == ["confirmation", "notification"]


def test_confirmation_of_a_mapping_mentions_the_answers(answerer: Answerer) -> None:
    answerer.sends_all()
    mail = OutgoingMail.objects.get(purpose="confirmation")
    assert mail.subject == f"Alkukartoituksesi on perillä (viite {Enquiry.objects.get().reference})"
    for body in (mail.text, mail.html):
        assert "Luen vastauksesi itse ja palaan asiaan." in body
        assert "viestisi" not in body.lower()


def test_shown_texts_are_stored_with_enquiry(answerer: Answerer) -> None:
    answerer.sends_all()
    enquiry = Enquiry.objects.get()
    assert enquiry.shown_texts == enquiry.mapping.shown_texts
    assert enquiry.shown_texts["warning"]
    assert enquiry.shown_texts["privacy"]


def test_each_step_is_stored_when_it_is_sent(begun: Answerer) -> None:
    mapping = InitialMapping.objects.get()
    assert (mapping.progress.answered, mapping.progress.asked) == (0, 9)
    begun.sends_step(1, ANSWERS[0])
    mapping.refresh_from_db()
    assert mapping.answers == {"kuka": "kuka-2", "koko": 12}
    assert (mapping.progress.answered, mapping.progress.asked) == (2, 9)
    assert not Enquiry.objects.exists()


def test_step_shows_stored_answers(begun: Answerer) -> None:
    begun.answers_all()
    for number, words in enumerate(ANSWERS, 1):
        shown = begun.reads(f"vaihe/{number}").values
        assert {name: shown[name] for name in words} == words


def test_check_page_lists_answers_with_change_links(begun: Answerer) -> None:
    begun.answers_all()
    answer = begun.opens("tarkista")
    text = page_text(answer)
    shown = [
        "Maija Meikäläinen", str(SupervisionForm.GROUP.label), "Verkossa", "Edustan ryhmää", "12",
        "Lisää tilaa ajatella.", "Jaksaminen, Muu teema", "Työnjako", "0 asteikolla 0–10", "Kyllä", "Kurssilta.",
        "1.2.2027", "1.3.2027–30.4.2027", "Minä itse",
    ]  # fmt: skip
    places: list[int] = []
    for words in shown:
        places.append(text.index(words, places[-1] if places else 0))
    links = {str(link["href"]) for link in ShownForm.of(answer).soup.select("a[href*=tarkista]")}
    assert begun.address("vaihe/2") + "?tarkista#id_q_muutos" in links
    assert begun.address("yhteystiedot") + "?tarkista#id_name" in links
    for link in links:
        address, anchor = link.split("#")
        page = ShownForm.of(begun.client.get(address))
        assert page.soup.find(id=anchor), link


def test_check_page_edit_returns_to_check_page(begun: Answerer) -> None:
    begun.answers_all()
    changed = {**ANSWERS[1], "q_muutos": "Enemmän aikaa."}
    answer = begun.posts(begun.address("vaihe/2") + "?tarkista", changed)
    assert (answer.status_code, answer["Location"]) == (303, begun.address("tarkista"))
    answer = begun.posts(begun.address("yhteystiedot") + "?tarkista", contact_facts(name="Matti"))
    assert (answer.status_code, answer["Location"]) == (303, begun.address("tarkista"))
    begun.sends()
    enquiry = Enquiry.objects.get()
    assert enquiry.mapping.answers == {**STORED, "muutos": "Enemmän aikaa."}
    assert enquiry.name == "Matti"


def test_back_keeps_answers_without_requiring_any(begun: Answerer) -> None:
    begun.sends_step(1, ANSWERS[0])
    answer = begun.sends_step(2, {"q_muutos": "", "q_nyt": "7", "back": "1"})
    assert (answer.status_code, answer["Location"]) == (303, begun.address("vaihe/1"))
    assert begun.reads("vaihe/2").values["q_nyt"] == "7"
    answer = begun.sends_step(1, {**ANSWERS[0], "back": "1"})
    assert answer["Location"] == begun.address("yhteystiedot")
    assert begun.reads("yhteystiedot").values["name"] == "Maija Meikäläinen"


def test_back_with_invalid_answer_keeps_text(begun: Answerer) -> None:
    words = {"q_kuka": "", "q_koko": "paljon", "back": "1"}
    answer = begun.sends_step(1, words)
    assert answer.status_code == 422
    assert ShownForm.of(answer).values["q_koko"] == "paljon"


def test_missing_required_answer_shows_its_own_message(begun: Answerer) -> None:
    answer = begun.sends_step(1, {"q_koko": "31"})
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert shown.title.startswith("Virhe:")
    assert [address for address, _words in shown.summary] == ["#id_q_kuka_0", "#id_q_koko"]
    assert [words.split(": ")[-1] for _address, words in shown.summary] == [
        "Valitse, kuka olet.",
        "Vastaa numerolla, 2–30.",
    ]
    assert shown.errors("q_kuka") == ["Valitse, kuka olet."]
    assert shown.errors("q_koko") == ["Vastaa numerolla, 2–30."]
    assert shown.values["q_koko"] == "31"
    assert InitialMapping.objects.get().answers == {}


def test_incomplete_mapping_is_not_sent(begun: Answerer) -> None:
    begun.sends_step(1, ANSWERS[0])
    answer = begun.sends()
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert shown.title.startswith("Virhe:")
    assert [address for address, _words in shown.summary] == [begun.address("vaihe/2") + "?tarkista#id_q_muutos"]
    assert not Enquiry.objects.exists()
    assert begun.opens()["Location"] == begun.address("vaihe/2")


def test_link_resumes_at_the_first_unanswered_step(begun: Answerer) -> None:
    begun.sends_step(1, ANSWERS[0])
    phone = Answerer("203.0.113.9", secret=begun.secret)
    assert phone.opens()["Location"] == begun.address("vaihe/2")
    assert phone.sends_step(2, ANSWERS[1]).status_code == 303
    assert begun.sends_step(3, ANSWERS[2])["Location"] == begun.address("tarkista")
    assert phone.sends().status_code == 303
    assert Enquiry.objects.get().mapping.answers == STORED


def test_lifetime_starts_with_the_first_answer(begun: Answerer) -> None:
    mapping = InitialMapping.objects.get()
    assert 29 <= (mapping.expires_at - timezone.now()).days <= 30


@pytest.mark.parametrize("number", [0, 4, 99999999999999999999])
def test_unknown_step_redirects_to_existing_step(begun: Answerer, number: int) -> None:
    for answer in (begun.opens(f"vaihe/{number}"), begun.posts(begun.address(f"vaihe/{number}"), {"q_kuka": "x"})):
        assert answer.status_code == 303
        assert answer["Location"] == begun.address("vaihe/1")


def set_retention(months: int) -> None:
    IntakeSettings.load()
    IntakeSettings.objects.update(retention_months=months)


def sends_what_was_shown(answerer: Answerer, months: int) -> None:
    """Open the check page, change the setting to `months`, and send what the page showed."""
    shown = answerer.reads("tarkista").values
    set_retention(months)
    assert answerer.posts(answerer.address("tarkista"), shown).status_code == 303


@pytest.mark.parametrize(("begun", "shown", "sent", "kept"), [(6, 12, 12, 12), (12, 6, 12, 6), (12, 12, 6, 6)])
def test_retention_shown_on_check_page_is_stored(
    answerer: Answerer, begun: int, shown: int, sent: int, kept: int
) -> None:
    set_retention(begun)
    answerer.begins()
    answerer.answers_all()
    set_retention(shown)
    sends_what_was_shown(answerer, sent)
    enquiry = Enquiry.objects.get()
    assert enquiry.shown_retention_months == kept
    assert f"viimeistään {kept} kuukauden" in enquiry.shown_texts["privacy"]
    assert enquiry.shown_texts == enquiry.mapping.shown_texts


def test_incomplete_check_page_repeats_the_shown_retention(begun: Answerer) -> None:
    shown = begun.reads("tarkista").values
    set_retention(12)
    again = begun.posts(begun.address("tarkista"), shown)
    assert again.status_code == 422
    assert "viimeistään 6 kuukauden" in page_text(again)


def test_second_stage_keeps_the_shorter_shown_retention(visitor: Visitor, answerer: Answerer) -> None:
    set_retention(12)
    answerer.follows(visitor.client.post(visitor.sends(letter(delivery_modes=["online"]))["Location"]))
    answerer.answers_all()
    set_retention(6)
    sends_what_was_shown(answerer, 12)
    enquiry = Enquiry.objects.get()
    assert enquiry.shown_retention_months == 6
    assert "viimeistään 6 kuukauden" in enquiry.mapping.shown_texts["privacy"]
