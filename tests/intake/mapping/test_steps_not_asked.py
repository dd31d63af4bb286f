"""Two tabs: an answer in one rules out a question of the other. The text typed there is returned with the reason."""

from typing import Any

import pytest

from intake.mapping.private_pages import MappingPath
from intake.models import InitialMapping, MappingPage
from tests.intake.mapping.answering import ANSWERS, Answerer, contact_facts
from tests.intake.mapping.asking import row, step, stream
from tests.intake.visiting import ShownForm, page_text

WORDS = "Tuhat merkkiä\nhuolella kirjoitettua <i>."
REASON = "Aiempi vastauksesi on muuttunut"


@pytest.fixture
def ruled_out(answerer: Answerer) -> Answerer:
    """Somebody with the second step open, which an answer in another tab has just ruled out."""
    page = MappingPage.objects.get()
    only = ["kuka:kuka-1"]
    page.questions = stream(
        [
            step("Yksi"),
            row("single_choice", "kuka", label="Kuka?", choices=["Ryhmä", "Minä"]),
            step("Kaksi"),
            row("long_text", "pitka", label="Kerro", limit=1000, when=only),
            row("single_choice", "valinta", label="Valitse", choices=["Kesä", "Talvi"], when=only),
            row("period", "aika", label="Aika", when=only),
            step("Kolme"),
            row("short_text", "loppu", label="Loppu", limit=50),
            row("short_text", "lisa", label="Lisää", limit=50, when=only),
        ]
    )
    page.save()
    answerer.begins()
    assert answerer.sends_step(1, {"q_kuka": "kuka-1"}).status_code == 303
    version = answerer.version()
    assert answerer.sends_step(1, {"q_kuka": "kuka-2", "version": version}).status_code == 303
    return answerer


def send(answerer: Answerer, place: str, words: dict[str, Any], **headers: str) -> Any:
    version = InitialMapping.objects.get().questions.version
    return answerer.client.post(
        answerer.address(place), {"version": version, **words}, headers={**answerer.headers, **headers}
    )


RETURNED: list[tuple[dict[str, str], str]] = [
    ({"q_pitka": WORDS}, "Kerro Tuhat merkkiä huolella kirjoitettua <i>."),
    ({"q_pitka": "Rauma"}, "Kerro Rauma"),
    ({"q_valinta": "valinta-2"}, "Valitse Talvi"),
    ({"q_aika_from": "1.3.2027", "q_aika_to": ""}, "Aika 1.3.2027"),
    ({"q_pitka": WORDS, "back": "1"}, "huolella kirjoitettua"),
    ({"q_poistettu": "Kysymys, jota ei enää ole."}, "Kysymys, jota ei enää ole."),
]


def test_text_of_ruled_out_step_is_returned(ruled_out: Answerer) -> None:
    before = InitialMapping.objects.get().answers
    for words, shown in RETURNED:
        answer = send(ruled_out, "vaihe/2", words)
        assert answer.status_code == 409, words
        assert "no-store" in answer["Cache-Control"]
        text = page_text(answer)
        assert REASON in text, words
        assert shown in text, words
        assert ShownForm.of(answer).title.startswith("Virhe:")
        assert f'href="{ruled_out.address("vaihe/3")}"' in answer.content.decode()
    assert InitialMapping.objects.get().answers == before


def test_text_posted_to_invalid_place_is_returned(ruled_out: Answerer) -> None:
    for place in ("vaihe/9", "vaihe/2/", "", "vaihe/2", "vaihe/x", "muu/tuo"):
        text = page_text(answer := send(ruled_out, place, {"q_pitka": WORDS, "q_loppu": "Vielä tämä."}))
        assert answer.status_code in (404, 409), place
        assert "Tuhat merkkiä huolella kirjoitettua <i>." in text, place
        assert "Vielä tämä." in text, place


def test_empty_ruled_out_step_redirects_onwards(ruled_out: Answerer) -> None:
    answer = send(ruled_out, "vaihe/2", {"q_pitka": " ", "q_valinta": "-"})
    assert answer.status_code == 303
    assert answer["Location"] == ruled_out.address("vaihe/3")


def test_text_of_ruled_out_question_is_returned(ruled_out: Answerer) -> None:
    answer = send(ruled_out, "vaihe/3", {"q_loppu": "Loppu tästä.", "q_lisa": WORDS})
    assert answer.status_code == 422
    form = ShownForm.of(answer)
    assert form.notice.startswith(REASON)
    assert "Lisää Tuhat merkkiä huolella kirjoitettua <i>." in page_text(answer)
    assert form.words["q_loppu"] == "Loppu tästä."
    assert "loppu" not in InitialMapping.objects.get().answers
    # The returned form no longer has the question, and can be sent unchanged.
    assert send(ruled_out, "vaihe/3", form.values).status_code == 303
    assert InitialMapping.objects.get().answers["loppu"] == "Loppu tästä."


UNMET = {**ANSWERS[1], "q_teemat": ["teemat-1"], "q_muu": "Tärkeä asia."}


@pytest.mark.parametrize("button", [{}, {"back": "1"}, {"later": "1"}])
def test_text_without_its_choice_is_returned_once(begun: Answerer, button: dict[str, str]) -> None:
    """This is without the script, which would hide the question."""
    answer = begun.sends_step(2, {**UNMET, **button})
    assert answer.status_code == 422
    form = ShownForm.of(answer)
    assert form.notice.startswith("Kirjoitit kohtaan, jota kysytään vain toisen valinnan yhteydessä")
    assert "Mikä muu? Tärkeä asia." in form.notice_words
    assert form.words["q_muu"] == "Tärkeä asia."
    assert form.words["q_muutos"] == ANSWERS[1]["q_muutos"]
    assert InitialMapping.objects.get().answers == {}
    # Sent again unchanged, the form is accepted without that text.
    assert begun.posts(begun.address("vaihe/2"), {**form.values, **button}).status_code == 303
    answers = InitialMapping.objects.get().answers
    assert "muu" not in answers
    assert answers["muutos"] == ANSWERS[1]["q_muutos"]


def test_text_is_stored_once_its_choice_is_made(begun: Answerer) -> None:
    form = ShownForm.of(begun.sends_step(2, UNMET))
    form_with_choice = {**form.values, "q_teemat": ["teemat-1", "teemat-3"]}
    assert begun.posts(begun.address("vaihe/2"), form_with_choice).status_code == 303
    assert InitialMapping.objects.get().answers["muu"] == "Tärkeä asia."


def test_changed_text_without_choice_is_returned_again(begun: Answerer) -> None:
    form = ShownForm.of(begun.sends_step(2, UNMET))
    answer = begun.posts(begun.address("vaihe/2"), {**form.values, "q_muu": "Toinen asia."})
    assert answer.status_code == 422
    assert "Toinen asia." in ShownForm.of(answer).notice_words


UNMET_OF_EVERY_TYPE = [
    {"q_maara": "12"},
    {"q_maara": "paljon"},
    {"q_paiva": "32.13."},
    {"q_aika_from": "1.3.2027"},
    {"q_aika_from": "", "q_aika_to": "huomenna"},
    # The last day before the first.
    {"q_aika_from": "2.3.2027", "q_aika_to": "1.3.2027"},
    {"q_pitka": "Kaksi\r\n\r\nriviä."},
    {"q_pitka": "x" * 300},
    # The question depends on a choice that itself depends on another choice.
    {"q_jatko": "yes", "q_ketju": "sana"},
    {"q_pitka": "sama", "q_ketju": "sama", "q_maara": "7", "q_paiva": "1.1.2028"},
]


@pytest.fixture
def of_every_type(answerer: Answerer) -> Answerer:
    """Somebody on a step where questions of every type depend on the first one."""
    page = MappingPage.objects.get()
    only = ["kuka:kuka-1"]
    page.questions = stream(
        [
            step("Yksi"),
            row("single_choice", "kuka", label="Kuka?", choices=["Ryhmä", "Minä"]),
            row("yes_no", "jatko", label="Jatkuuko?", when=only),
            row("short_text", "ketju", label="Miten?", limit=50, when=["jatko:yes"]),
            row("number", "maara", label="Montako?", minimum=2, maximum=30, when=only),
            row("date", "paiva", label="Milloin?", when=only),
            row("period", "aika", label="Millä välillä?", when=only),
            row("long_text", "pitka", label="Kerro", limit=200, when=only),
        ]
    )
    page.save()
    answerer.begins()
    return answerer


def test_unmet_text_of_every_type_is_returned_once(of_every_type: Answerer) -> None:
    address = of_every_type.address("vaihe/1")
    shown = of_every_type.reads("vaihe/1").values
    for words in UNMET_OF_EVERY_TYPE:
        answer = of_every_type.posts(address, {**shown, "q_kuka": "kuka-2", **words})
        assert answer.status_code == 422, words
        form = ShownForm.of(answer)
        assert form.summary == []
        for name, typed in words.items():
            assert str(form.values[name]).split() == typed.split()
            assert name == "q_jatko" or " ".join(typed.split()) in form.notice_words
        assert of_every_type.posts(address, form.values).status_code == 303, words
        assert InitialMapping.objects.get().answers == {"kuka": "kuka-2"}, words
        InitialMapping.objects.update(answers={})


def test_unmet_text_stored_by_another_tab_is_returned(of_every_type: Answerer) -> None:
    """This tab removes the choice, while it still shows the text that the other tab has replaced."""
    address = of_every_type.address("vaihe/1")
    first = {"q_kuka": "kuka-1", "q_pitka": "Ensin näin.", "q_aika_from": "2.3.2027", "q_aika_to": "3.3.2027"}
    assert of_every_type.posts(address, {**of_every_type.reads("vaihe/1").values, **first}).status_code == 303
    here, there = (of_every_type.reads("vaihe/1").values for _ in range(2))
    there |= {"q_pitka": "Sitten toisin.", "q_aika_to": "4.3.2027"}
    assert of_every_type.posts(address, there).status_code == 303
    answer = of_every_type.posts(address, {**here, "q_kuka": "kuka-2"})
    assert answer.status_code == 422
    form = ShownForm.of(answer)
    assert form.values["q_pitka"] == "Sitten toisin."
    for words in ("Sitten toisin.", "2.3.2027", "4.3.2027"):
        assert words in form.notice_words
    assert "Ensin" not in form.notice_words
    assert of_every_type.posts(address, form.values).status_code == 303
    assert InitialMapping.objects.get().answers == {"kuka": "kuka-2"}


def test_ruled_out_text_is_shown_before_unmet_text(answerer: Answerer) -> None:
    """Text of a question that is no longer on the page can only be copied now; unmet text is still in the form."""
    page = MappingPage.objects.get()
    page.questions = stream(
        [
            step("Yksi"),
            row("single_choice", "kuka", label="Kuka?", choices=["Ryhmä", "Minä"]),
            step("Kaksi"),
            row("short_text", "lisa", label="Lisää", limit=50, when=["kuka:kuka-1"]),
            row("yes_no", "jatko", label="Jatkuuko?"),
            row("short_text", "miten", label="Miten?", limit=50, when=["jatko:yes"]),
        ]
    )
    page.save()
    answerer.begins()
    assert answerer.sends_step(1, {"q_kuka": "kuka-1"}).status_code == 303
    here = answerer.reads("vaihe/2").values
    assert send(answerer, "vaihe/1", {"q_kuka": "kuka-2"}).status_code == 303
    words = {"q_lisa": "Poissa.", "q_jatko": "no", "q_miten": "Näin."}
    form = ShownForm.of(answerer.posts(answerer.address("vaihe/2"), {**here, **words}))
    assert form.notice.startswith(REASON)
    assert "Poissa." in form.notice_words
    assert "Näin." not in form.notice_words
    again = ShownForm.of(answerer.posts(answerer.address("vaihe/2"), form.values))
    assert "Näin." in again.notice_words
    assert answerer.posts(answerer.address("vaihe/2"), again.values).status_code == 303


def test_sent_notice_precedes_validation_errors(begun: Answerer) -> None:
    begun.answers_all()
    facts, page = begun.reads("yhteystiedot").values, begun.reads("vaihe/2").values
    assert begun.sends().status_code == 303
    posts = (("vaihe/2", {**page, "q_teemat": ["teemat-1"]}), ("vaihe/2", {**page, "q_muutos": ""}))
    for place, words in (*posts, ("yhteystiedot", {**facts, "name": ""})):
        answer = begun.posts(begun.address(place), words)
        assert answer.status_code == 409
        form = ShownForm.of(answer)
        assert form.notice.startswith("Alkukartoitus on jo lähetetty")
        assert form.notice_words.startswith(form.notice)
        assert "Työnjako" not in form.notice_words


def test_validation_error_and_unmet_text_appear_together(begun: Answerer) -> None:
    form = ShownForm.of(begun.sends_step(2, {**UNMET, "q_muutos": ""}))
    assert "Tärkeä asia." in form.notice_words
    assert form.errors("q_muutos")
    answer = begun.posts(begun.address("vaihe/2"), form.values)
    assert answer.status_code == 422
    # The unmet text has been shown already.
    again = ShownForm.of(answer)
    assert again.notice == ""
    assert begun.posts(begun.address("vaihe/2"), {**again.values, "q_muutos": "Tilaa."}).status_code == 303


@pytest.mark.parametrize("words", ["", "  \n", "\N{ZERO WIDTH SPACE}"])
def test_blank_field_of_unmet_question_is_accepted(begun: Answerer, words: str) -> None:
    assert begun.sends_step(2, {**UNMET, "q_muu": words}).status_code == 303


def test_text_hidden_by_script_is_dropped(begun: Answerer) -> None:
    assert begun.sends_step(2, {**UNMET, "unmet": "hidden"}).status_code == 303
    assert "muu" not in InitialMapping.objects.get().answers


def test_answer_ruled_out_by_an_earlier_step_is_kept(ruled_out: Answerer) -> None:
    """If the earlier choice is changed, and later changed back, the text is there again."""
    send(ruled_out, "vaihe/1", {"q_kuka": "kuka-1"})
    assert send(ruled_out, "vaihe/3", {"q_loppu": "Loppu.", "q_lisa": WORDS}).status_code == 303
    send(ruled_out, "vaihe/1", {"q_kuka": "kuka-2"})
    assert "q_lisa" not in ruled_out.reads("vaihe/3").words
    assert send(ruled_out, "vaihe/3", {"q_loppu": "Loppu tästä."}).status_code == 303
    assert "lisa" not in InitialMapping.objects.get().counted_answers
    send(ruled_out, "vaihe/1", {"q_kuka": "kuka-1"})
    assert str(ruled_out.reads("vaihe/3").words["q_lisa"]).split() == WORDS.split()


def test_changed_meeting_place_rules_out_question(answerer: Answerer) -> None:
    answerer.begins(contact_facts(delivery_modes=["client_premises"]))
    version = answerer.version()
    answerer.posts(answerer.address("yhteystiedot"), contact_facts())
    answer = answerer.sends_step(1, {**ANSWERS[0], "q_paikka": "Rauma", "version": version})
    assert answer.status_code == 422
    assert "Paikkakunta Rauma" in page_text(answer)


def test_facts_post_is_409_when_not_asked(begun: Answerer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MappingPath, "asks_facts", False)
    answer = begun.posts(begun.address("yhteystiedot"), contact_facts(name="Matti"))
    assert answer.status_code == 409
    assert "Matti" in page_text(answer)


def test_fetch_step_post_gets_201_with_location(begun: Answerer) -> None:
    answer = send(begun, "vaihe/1", dict(ANSWERS[0]), **{"X-Requested-With": "fetch"})
    assert answer.status_code == 201
    assert answer["Location"] == begun.address("vaihe/2")
