"""Whatever does not fit comes back with every word: mistakes, limits, a database that fails, an old tab."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, OperationalError
from django.utils import timezone

from intake.mapping.start_token import new_start_token
from intake.models import Enquiry, InitialMapping, MappingLink, OutgoingMail, PostingTrace
from intake.services.mapping import new_secret
from intake.services.removing import remove_enquiry
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.visiting import ShownForm, letter, page_text

HENKILOTUNNUS = "131052-308T"
TYPED = ("name", "email", "phone", "organisation", "supervision_form", "delivery_modes", "preferred_contact")


def kept(answer: Any, words: dict[str, Any]) -> bool:
    """Whether a page still holds these words in its fields."""
    shown = ShownForm.of(answer).values
    return {name: shown.get(name) for name in words} == words


def facts() -> dict[str, Any]:
    return {name: value for name, value in contact_facts().items() if name in TYPED}


def start_token(*, opened: timedelta = timedelta(minutes=5)) -> str:
    return new_start_token(new_secret(), timezone.now() - opened)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://muu.example"}])
def test_a_beginning_sent_from_another_site_stores_nothing_and_keeps_the_words(
    answerer: Answerer, headers: dict[str, str]
) -> None:
    answer = answerer.begins(headers=headers)
    assert answer.status_code == 403
    assert kept(answer, facts())
    assert not InitialMapping.objects.exists()
    assert answerer.posts(BEGIN, ShownForm.of(answer).values).status_code == 303


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\x00", "💥"])
def test_a_token_that_is_not_ours_stores_nothing_and_the_page_has_a_good_one(answerer: Answerer, token: str) -> None:
    answer = answerer.posts(BEGIN, {**contact_facts(), "form_token": token})
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert "vanhentua" in shown.notice
    assert kept(answer, facts())
    assert not InitialMapping.objects.exists()
    assert answerer.posts(BEGIN, shown.values).status_code == 303


def test_a_form_that_was_open_for_a_year_begins_a_mapping(answerer: Answerer) -> None:
    token = start_token(opened=timedelta(days=365))
    assert answerer.posts(BEGIN, {**contact_facts(), "form_token": token}).status_code == 303


def test_a_token_of_the_contact_form_is_none_of_this_form(answerer: Answerer) -> None:
    token = str(ShownForm.of(answerer.client.get("/ota-yhteytta/")).values["form_token"])
    assert answerer.posts(BEGIN, {**contact_facts(), "form_token": token}).status_code == 422


def test_the_facts_follow_the_rules_of_the_contact_form(answerer: Answerer) -> None:
    wrong = contact_facts(name="", email="maija", phone="12", delivery_modes=[], organisation=HENKILOTUNNUS)
    contact = ShownForm.of(
        answerer.posts("/ota-yhteytta/", {**letter(), **wrong, "form_token": ""}),
    )
    answer = answerer.begins(wrong)
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert shown.summary == contact.summary
    for name in ("name", "email", "phone", "organisation", "delivery_modes"):
        assert shown.errors(name) == contact.errors(name) != []
    assert not InitialMapping.objects.exists()


def test_the_facts_can_be_changed_later_by_the_same_rules(begun: Answerer) -> None:
    place = begun.address("yhteystiedot")
    wrong = {**facts(), "email": "maija"}
    answer = begun.posts(place, wrong)
    assert answer.status_code == 422
    assert kept(answer, wrong)
    assert InitialMapping.objects.get().facts["email"] == "maija.meikalainen@esimerkki.fi"
    assert begun.posts(place, {**facts(), "name": "Matti"})["Location"] == begun.address("vaihe/1")
    assert InitialMapping.objects.get().facts["name"] == "Matti"


@pytest.mark.parametrize("field", ["name", "organisation"])
def test_a_henkilotunnus_in_a_fact_is_not_stored(answerer: Answerer, field: str) -> None:
    answer = answerer.begins(contact_facts(**{field: f"Maija {HENKILOTUNNUS}"}))
    assert answer.status_code == 422
    assert "henkilötunnus" in " ".join(ShownForm.of(answer).errors(field))


@pytest.mark.parametrize(
    ("number", "field"), [(2, "q_muutos"), (2, "q_muu"), (3, "q_mista"), (3, "q_paiva"), (3, "q_aika_to")]
)
def test_a_henkilotunnus_in_any_free_text_is_not_stored(begun: Answerer, number: int, field: str) -> None:
    begun.sends_step(1, ANSWERS[0])
    words = {**ANSWERS[number - 1], field: HENKILOTUNNUS}
    answer = begun.sends_step(number, words)
    assert answer.status_code == 422
    assert "henkilötunnus" in " ".join(ShownForm.of(answer).errors(field))
    assert kept(answer, words)
    assert HENKILOTUNNUS not in str(InitialMapping.objects.values())


def test_a_henkilotunnus_in_a_place_is_not_stored(answerer: Answerer) -> None:
    answerer.begins(contact_facts(delivery_modes=["client_premises"]))
    answer = answerer.sends_step(1, {**ANSWERS[0], "q_paikka": HENKILOTUNNUS})
    assert ShownForm.of(answer).errors("q_paikka")


WRONG = [
    (1, "q_koko", "1"),
    (1, "q_koko", "-1"),
    (1, "q_koko", "4,5"),
    (1, "q_koko", "9" * 19),
    (1, "q_kuka", "kuka-9"),
    (1, "q_kuka", "yes"),
    (2, "q_nyt", "11"),
    (2, "q_nyt", "-1"),
    (2, "q_teemat", ["teemat-1", "x"]),
    (2, "q_muutos", "x" * 1001),
    (2, "q_muu", "x" * 51),
    (3, "q_tuttu", "kyllä"),
    (3, "q_paiva", "31.2.2027"),
    (3, "q_paiva", "1.1.0000"),
    (3, "q_paiva", "huomenna"),
    (3, "q_paiva", "1.13.2027"),
    (3, "q_aika_to", "1.2.2027"),
    (3, "q_aika_from", "0"),
    (3, "q_maksaja", "x"),
]


@pytest.mark.parametrize(("number", "field", "value"), WRONG)
def test_what_a_question_does_not_take_is_told_beside_it_and_nothing_is_stored(
    begun: Answerer, number: int, field: str, value: Any
) -> None:
    words = {**ANSWERS[number - 1], field: value}
    answer = begun.sends_step(number, words)
    assert answer.status_code == 422
    assert ShownForm.of(answer).errors(field)
    assert InitialMapping.objects.get().answers == {}


TAKEN = [
    (1, "q_koko", "٣", "koko", 3),
    (1, "q_koko", " 007 ", "koko", 7),
    (3, "q_paiva", "01.02.2027", "paiva", "2027-02-01"),
    (3, "q_paiva", "1. 2. 2027", "paiva", "2027-02-01"),
    (3, "q_paiva", "2027-02-01", "paiva", "2027-02-01"),
    (3, "q_paiva", "29.2.2028", "paiva", "2028-02-29"),
    (3, "q_aika_to", "1.3.2027", "aika", {"from": "2027-03-01", "to": "2027-03-01"}),
    (3, "q_aika_from", "", "aika", {"from": "", "to": "2027-04-30"}),
    (2, "q_muutos", "a\r\nb\x00\u202e", "muutos", "a\nb"),
    (2, "q_nyt", "10", "nyt", 10),
    (2, "q_teemat", ["teemat-3"], "teemat", ["teemat-3"]),
]


@pytest.mark.parametrize(("number", "field", "value", "key", "stored"), TAKEN)
def test_what_people_write_is_understood(
    begun: Answerer, number: int, field: str, value: Any, key: str, stored: Any
) -> None:
    answer = begun.sends_step(number, {**ANSWERS[number - 1], field: value})
    assert answer.status_code == 303, ShownForm.of(answer).summary
    assert InitialMapping.objects.get().answers[key] == stored


@pytest.mark.parametrize(("number", "field", "key"), [(2, "q_nyt", "nyt"), (3, "q_maksaja", "maksaja")])
def test_a_voluntary_choice_can_be_taken_back(begun: Answerer, number: int, field: str, key: str) -> None:
    begun.sends_step(number, ANSWERS[number - 1])
    assert key in InitialMapping.objects.get().answers
    assert begun.sends_step(number, {**ANSWERS[number - 1], field: "-"}).status_code == 303
    assert key not in InitialMapping.objects.get().answers


def test_a_choice_that_must_be_made_has_no_way_round_it(begun: Answerer) -> None:
    assert begun.sends_step(1, {**ANSWERS[0], "q_kuka": "-"}).status_code == 422


def test_an_answer_that_its_condition_hides_neither_blocks_nor_is_stored(begun: Answerer) -> None:
    hidden = {"q_muu": "x" * 99, "q_teemat": ["teemat-1"]}
    assert begun.sends_step(2, {**ANSWERS[1], **hidden}).status_code == 303
    assert "muu" not in InitialMapping.objects.get().answers
    assert begun.sends_step(3, {"q_tuttu": "no", "q_mista": HENKILOTUNNUS}).status_code == 303
    mapping = InitialMapping.objects.get()
    assert "mista" not in mapping.answers
    assert HENKILOTUNNUS not in str(mapping.answers)


def test_a_question_that_the_facts_hide_is_not_on_the_page_and_takes_no_answer(begun: Answerer) -> None:
    assert "q_paikka" not in begun.reads("vaihe/1").values
    begun.sends_step(1, {**ANSWERS[0], "q_paikka": "Pori"})
    assert "paikka" not in InitialMapping.objects.get().answers


def test_a_changed_fact_drops_the_answers_that_hung_from_it_when_it_is_sent(begun: Answerer) -> None:
    begun.answers_all()
    begun.posts(begun.address("yhteystiedot"), contact_facts(supervision_form="individual"))
    assert "12" not in page_text(begun.opens("tarkista")).split()
    assert InitialMapping.objects.get().answers["koko"] == 12
    assert begun.sends().status_code == 303
    enquiry = Enquiry.objects.get()
    assert "koko" not in enquiry.mapping.answers
    assert enquiry.group_size is None


def test_a_change_back_brings_the_dropped_answers_back_before_sending(begun: Answerer) -> None:
    begun.answers_all()
    for form in ("individual", "group"):
        begun.posts(begun.address("yhteystiedot"), contact_facts(supervision_form=form))
    begun.sends()
    assert Enquiry.objects.get().mapping.answers["koko"] == 12


def test_a_changed_fact_may_ask_for_more_before_it_can_be_sent(begun: Answerer) -> None:
    begun.answers_all()
    begun.posts(begun.address("yhteystiedot"), contact_facts(delivery_modes=["client_premises"]))
    answer = begun.sends()
    assert answer.status_code == 422
    assert ShownForm.of(answer).summary[0][0].endswith("/vaihe/1/?tarkista#id_q_paikka")


def test_too_many_beginnings_come_back_with_the_words_and_the_time_to_wait(answerer: Answerer, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 2
    for _ in range(2):
        assert answerer.begins().status_code == 303
    answer = answerer.begins()
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert "Odota" in ShownForm.of(answer).notice
    assert kept(answer, facts())
    assert InitialMapping.objects.count() == 2


def test_too_many_sendings_lose_nothing(answerer: Answerer, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 1
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        answerer.sends_all(contact_facts(email="eka@esimerkki.fi"))
        later = Answerer("203.0.113.9")
        later.begins()
        later.answers_all()
        later.network_address = answerer.network_address
        answer = later.sends()
        assert answer.status_code == 429
        assert answer["Retry-After"] == "3600"
        assert "Odota" in ShownForm.of(answer).notice
        assert "Lisää tilaa ajatella." in page_text(answer)
        assert Enquiry.objects.count() == 1
        clock.shift(timedelta(hours=1))
        assert later.sends().status_code == 303
    assert Enquiry.objects.count() == 2


def failing(error: Exception) -> Any:
    def fail(*_arguments: object, **_named: object) -> None:
        raise error

    return fail


NOT_STORED = "Vastauksia ei voitu tallentaa."


@pytest.mark.parametrize("kind", [OperationalError, IntegrityError, DatabaseError])
@pytest.mark.parametrize("model", [InitialMapping, MappingLink, PostingTrace])
def test_a_database_that_fails_at_the_beginning_costs_no_word(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch, kind: type[DatabaseError], model: type[InitialMapping]
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(model, "save_base", failing(kind("DETAIL: maija.meikalainen@esimerkki.fi")))
        answer = answerer.begins()
    assert answer.status_code == 503
    assert ShownForm.of(answer).notice.startswith(NOT_STORED)
    assert kept(answer, facts())
    assert not InitialMapping.objects.exists()
    assert not PostingTrace.objects.exists()
    assert answerer.posts(BEGIN, ShownForm.of(answer).values).status_code == 303


@pytest.mark.parametrize("place", ["vaihe/2", "yhteystiedot"])
def test_a_database_that_fails_at_a_step_costs_no_word(
    begun: Answerer, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    words = dict(ANSWERS[1]) if place == "vaihe/2" else {**facts(), "name": "Matti"}
    with monkeypatch.context() as broken:
        broken.setattr(InitialMapping, "save_base", failing(OperationalError("x")))
        answer = begun.posts(begun.address(place), words)
    assert answer.status_code == 503
    assert ShownForm.of(answer).notice.startswith(NOT_STORED)
    assert kept(answer, words)
    assert begun.posts(begun.address(place), ShownForm.of(answer).values).status_code == 303


@pytest.mark.parametrize("model", [Enquiry, OutgoingMail, InitialMapping])
def test_a_database_that_fails_at_sending_stores_nothing_by_halves(
    begun: Answerer, monkeypatch: pytest.MonkeyPatch, model: type[Enquiry]
) -> None:
    begun.answers_all()
    with monkeypatch.context() as broken:
        broken.setattr(model, "save_base", failing(OperationalError("x")))
        answer = begun.sends()
    assert answer.status_code == 503
    assert ShownForm.of(answer).notice.startswith(NOT_STORED)
    assert not Enquiry.objects.exists()
    assert not OutgoingMail.objects.exists()
    assert not InitialMapping.objects.get().is_sent
    assert begun.sends().status_code == 303


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_step_in_an_old_tab_after_sending_is_not_stored_and_keeps_the_words(begun: Answerer, number: int) -> None:
    begun.answers_all()
    begun.sends()
    words = dict(ANSWERS[number - 1])
    before = InitialMapping.objects.get().answers
    if number == 2:
        words["q_muutos"] = "Vielä yksi ajatus."
    answer = begun.posts(begun.address(f"vaihe/{number}"), words)
    assert answer.status_code == 409
    assert "on jo lähetetty" in ShownForm.of(answer).notice
    assert kept(answer, words)
    assert InitialMapping.objects.get().answers == before


def test_the_facts_in_an_old_tab_after_sending_are_not_stored_and_keep_the_words(begun: Answerer) -> None:
    begun.answers_all()
    begun.sends()
    words = {**facts(), "name": "Matti"}
    answer = begun.posts(begun.address("yhteystiedot"), words)
    assert answer.status_code == 409
    assert "on jo lähetetty" in ShownForm.of(answer).notice
    assert kept(answer, words)
    assert Enquiry.objects.get().name == "Maija Meikäläinen"
    assert InitialMapping.objects.get().facts == {}


def test_the_very_first_form_in_an_old_tab_after_sending_is_not_stored_and_keeps_the_words(answerer: Answerer) -> None:
    form = ShownForm.of(answerer.client.get(BEGIN)).values
    answerer.follows(answerer.posts(BEGIN, {**form, **contact_facts()}))
    answerer.answers_all()
    answerer.sends()
    answer = answerer.posts(BEGIN, {**form, **contact_facts(name="Matti")})
    assert answer.status_code == 409
    assert kept(answer, {**facts(), "name": "Matti"})
    assert InitialMapping.objects.count() == 1
    assert Enquiry.objects.get().name == "Maija Meikäläinen"


@pytest.mark.parametrize("place", ["", "yhteystiedot", "vaihe/1", "vaihe/3", "tarkista"])
def test_after_sending_every_page_leads_to_the_one_that_says_so(begun: Answerer, place: str) -> None:
    begun.answers_all()
    begun.sends()
    assert begun.opens(place)["Location"] == begun.address("perilla")


def test_before_sending_nothing_says_that_it_has_arrived(begun: Answerer) -> None:
    begun.answers_all()
    assert begun.opens("perilla").status_code == 404


def gone(begun: Answerer) -> None:
    InitialMapping.objects.update(expires_at=timezone.now())


def unknown(begun: Answerer) -> None:
    begun.secret = new_secret()


def removed(begun: Answerer) -> None:
    begun.answers_all()
    begun.sends()
    remove_enquiry(enquiry_id=Enquiry.objects.get().pk, now=timezone.now())


@pytest.mark.parametrize("way", [gone, unknown, removed])
@pytest.mark.parametrize("place", ["", "yhteystiedot", "vaihe/2", "tarkista", "perilla"])
def test_a_link_that_opens_nothing_says_so_and_gives_the_words_back(begun: Answerer, way: Any, place: str) -> None:
    way(begun)
    answer = begun.opens(place)
    assert answer.status_code == 404
    assert "Tämä linkki ei enää avaa" in page_text(answer)
    words = {**facts(), **ANSWERS[1], "q_muutos": "Sanat, joita\nei saa hukata <b>."}
    answer = begun.posts(begun.address(place), words)
    assert answer.status_code == 404
    shown = page_text(answer)
    for typed in ("Sanat, joita ei saa hukata <b>.", "Maija Meikäläinen", "maija.meikalainen@esimerkki.fi"):
        assert typed in shown
    assert "teemat-1" not in shown


@pytest.mark.parametrize("place", ["vaihe/2", "yhteystiedot", "tarkista"])
def test_a_mapping_that_goes_while_it_is_being_stored_gives_the_words_back(
    begun: Answerer, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    begun.answers_all()
    look_up = InitialMapping.objects.get_queryset

    def removed_meanwhile() -> Any:
        look_up().delete()
        return look_up()

    # The link has been followed; from now on whoever looks the mapping up finds it removed.
    monkeypatch.setattr(InitialMapping.objects, "get_queryset", removed_meanwhile)
    answer = begun.posts(begun.address(place), {**facts(), **ANSWERS[1]})
    assert answer.status_code == 404
    if place == "vaihe/2":
        assert "Lisää tilaa ajatella." in page_text(answer)


LARGE = {"text": {"q_muutos": "x" * (2 * 1024 * 1024 + 1)}, "fields": {f"field{number}": "x" for number in range(3000)}}


@pytest.mark.parametrize("what", LARGE)
@pytest.mark.parametrize("place", ["vaihe/2", "yhteystiedot", "tarkista"])
def test_what_is_far_past_any_answer_is_refused_with_a_page(begun: Answerer, what: str, place: str) -> None:
    answer = begun.posts(begun.address(place), LARGE[what])
    # Nothing of the check page's post is read.
    assert answer.status_code == (422 if place == "tarkista" else 413)
    assert begun.posts(BEGIN, LARGE[what]).status_code == 413
    begun.secret = new_secret()
    assert begun.posts(begun.address(place), LARGE[what]).status_code == 413


def test_a_long_answer_comes_back_whole(begun: Answerer) -> None:
    words = {"q_muutos": "ä" * 500_000}
    answer = begun.sends_step(2, words)
    assert answer.status_code == 422
    assert kept(answer, words)


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_not_allowed(begun: Answerer, method: str) -> None:
    for address in (begun.address(), begun.address("vaihe/1"), BEGIN):
        assert getattr(begun.client, method)(address).status_code in ((200, 405) if method == "options" else (405,))
