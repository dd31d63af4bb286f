"""Which answers a step accepts, which it rejects, and which its conditions exclude."""

from typing import Any

import pytest

from intake.models import Enquiry, InitialMapping
from tests.intake.mapping.answering import ANSWERS, Answerer, contact_facts
from tests.intake.mapping.kept_words import kept
from tests.intake.visiting import ShownForm, page_text

HENKILOTUNNUS = "131052-308T"


@pytest.mark.parametrize(("number", "fields"), [(2, ("q_muutos", "q_muu")), (3, ("q_mista", "q_paiva", "q_aika_to"))])
def test_henkilotunnus_in_free_text_is_refused(begun: Answerer, number: int, fields: tuple[str, ...]) -> None:
    begun.sends_step(1, ANSWERS[0])
    words = {**ANSWERS[number - 1], **dict.fromkeys(fields, HENKILOTUNNUS)}
    answer = begun.sends_step(number, words)
    assert answer.status_code == 422
    for field in fields:
        assert "henkilötunnus" in " ".join(ShownForm.of(answer).errors(field))
    assert kept(answer, words)
    assert HENKILOTUNNUS not in str(InitialMapping.objects.values())


def test_a_henkilotunnus_in_a_place_is_not_stored(answerer: Answerer) -> None:
    answerer.begins(contact_facts(delivery_modes=["client_premises"]))
    answer = answerer.sends_step(1, {**ANSWERS[0], "q_paikka": HENKILOTUNNUS})
    assert ShownForm.of(answer).errors("q_paikka")


def test_dates_are_accepted_in_common_notations(begun: Answerer) -> None:
    begun.sends_step(1, ANSWERS[0])
    for written in (
        "1.2.2027.", "ma 1.2.2027", "maanantaina 1.2.2027", "1. helmikuuta 2027", "1 .2.2027", "01.02.27", "2027-02-01",
    ):  # fmt: skip
        InitialMapping.objects.update(answers={})
        assert begun.sends_step(3, {**ANSWERS[2], "q_paiva": written}).status_code == 303, written
        assert InitialMapping.objects.get().answers["paiva"] == "2027-02-01", written


def test_implausible_date_is_rejected_with_a_hint(begun: Answerer) -> None:
    begun.sends_step(1, ANSWERS[0])
    for written, error in {
        "1.2.0027": "Tarkista vuosi. Kirjoita päivä esimerkiksi näin: 1.2.2027.",
        "1.2.1927": "Tarkista vuosi. Kirjoita päivä esimerkiksi näin: 1.2.2027.",
        "ti 1.2.2027": "Tarkista päivä: 1.2.2027 on maanantai.",
    }.items():
        answer = begun.sends_step(3, {**ANSWERS[2], "q_paiva": written})
        assert answer.status_code == 422
        assert ShownForm.of(answer).errors("q_paiva") == [error]
        assert ShownForm.of(answer).words["q_paiva"] == written


WRONG: list[tuple[int, dict[str, str | list[str]]]] = [
    (1, {"q_koko": "1", "q_kuka": "kuka-9"}),
    (1, {"q_koko": "-1", "q_kuka": "yes"}),
    (1, {"q_koko": "4,5"}),
    (1, {"q_koko": "9" * 19}),
    (2, {"q_nyt": "11", "q_teemat": ["teemat-1", "x"], "q_muutos": "x" * 1001}),
    (2, {"q_nyt": "-1", "q_muu": "x" * 51}),
    (3, {"q_tuttu": "kyllä", "q_paiva": "31.2.2027", "q_aika_to": "1.2.2027", "q_maksaja": "x"}),
    (3, {"q_paiva": "1.1.0000", "q_aika_from": "0"}),
    (3, {"q_paiva": "huomenna"}),
    (3, {"q_paiva": "1.13.2027"}),
]


def test_invalid_answer_shows_an_error_and_stores_nothing(begun: Answerer) -> None:
    for number, wrong in WRONG:
        answer = begun.sends_step(number, {**ANSWERS[number - 1], **wrong})
        assert answer.status_code == 422
        shown = ShownForm.of(answer)
        assert [field for field in wrong if not shown.errors(field)] == []
    assert InitialMapping.objects.get().answers == {}


# (step, posted values, stored answers)
TAKEN: list[tuple[int, dict[str, str | list[str]], dict[str, Any]]] = [
    (1, {"q_koko": "٣"}, {"koko": 3}),
    (1, {"q_koko": " 007 "}, {"koko": 7}),
    (2, {"q_muutos": "a\r\nb\x00\u202e", "q_nyt": "10", "q_teemat": ["teemat-3"]},
     {"muutos": "a\nb", "nyt": 10, "teemat": ["teemat-3"]}),
    (3, {"q_paiva": "01.02.2027", "q_aika_to": "1.3.2027"},
     {"paiva": "2027-02-01", "aika": {"from": "2027-03-01", "to": "2027-03-01"}}),
    (3, {"q_paiva": "29.2.2028", "q_aika_from": ""},
     {"paiva": "2028-02-29", "aika": {"from": "", "to": "2027-04-30"}}),
    (3, {"q_paiva": "1. 2. 2027"}, {"paiva": "2027-02-01"}),
]  # fmt: skip


def test_answers_are_normalised_when_stored(begun: Answerer) -> None:
    for number, words, stored in TAKEN:
        answer = begun.sends_step(number, {**ANSWERS[number - 1], **words})
        assert answer.status_code == 303, ShownForm.of(answer).summary
        answers = InitialMapping.objects.get().answers
        assert {key: answers[key] for key in stored} == stored


@pytest.mark.parametrize(("number", "field", "key"), [(2, "q_nyt", "nyt"), (3, "q_maksaja", "maksaja")])
def test_optional_choice_can_be_cleared(begun: Answerer, number: int, field: str, key: str) -> None:
    begun.sends_step(number, ANSWERS[number - 1])
    assert key in InitialMapping.objects.get().answers
    assert begun.sends_step(number, {**ANSWERS[number - 1], field: "-"}).status_code == 303
    assert key not in InitialMapping.objects.get().answers


def test_required_choice_cannot_be_skipped(begun: Answerer) -> None:
    assert begun.sends_step(1, {**ANSWERS[0], "q_kuka": "-"}).status_code == 422


def test_hidden_answer_is_neither_validated_nor_stored(begun: Answerer) -> None:
    hidden = {"q_muu": "x" * 99, "q_teemat": ["teemat-1"], "unmet": "hidden"}
    assert begun.sends_step(2, {**ANSWERS[1], **hidden}).status_code == 303
    assert "muu" not in InitialMapping.objects.get().answers
    assert begun.sends_step(3, {"q_tuttu": "no", "q_mista": HENKILOTUNNUS, "unmet": "hidden"}).status_code == 303
    mapping = InitialMapping.objects.get()
    assert "mista" not in mapping.answers
    assert HENKILOTUNNUS not in str(mapping.answers)


def test_hidden_question_accepts_no_answer(begun: Answerer) -> None:
    assert "q_paikka" not in begun.reads("vaihe/1").values
    begun.sends_step(1, {**ANSWERS[0], "q_paikka": "Pori"})
    assert "paikka" not in InitialMapping.objects.get().answers


def test_changed_fact_drops_dependent_answers(begun: Answerer) -> None:
    begun.answers_all()
    begun.posts(begun.address("yhteystiedot"), contact_facts(supervision_form="individual"))
    assert "12" not in page_text(begun.opens("tarkista")).split()
    assert InitialMapping.objects.get().answers["koko"] == 12
    assert begun.sends().status_code == 303
    enquiry = Enquiry.objects.get()
    assert "koko" not in enquiry.mapping.answers
    assert enquiry.group_size is None


def test_reverted_fact_change_restores_dropped_answers(begun: Answerer) -> None:
    begun.answers_all()
    for form in ("individual", "group"):
        begun.posts(begun.address("yhteystiedot"), contact_facts(supervision_form=form))
    begun.sends()
    assert Enquiry.objects.get().mapping.answers["koko"] == 12


def test_changed_fact_can_require_more_answers(begun: Answerer) -> None:
    begun.answers_all()
    begun.posts(begun.address("yhteystiedot"), contact_facts(delivery_modes=["client_premises"]))
    answer = begun.sends()
    assert answer.status_code == 422
    assert ShownForm.of(answer).summary[0][0].endswith("/vaihe/1/?tarkista#id_q_paikka")
