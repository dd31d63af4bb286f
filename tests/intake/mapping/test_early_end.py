"""An answer can end the mapping early with a kind page: it is not stored, and earlier answers are removed."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.blocks.stream_block import StreamBlockValidationError

from intake.choices import Kind
from intake.mapping.answers import endings_of
from intake.mapping.page import can_be_invited
from intake.mapping.question_stream import QuestionStreamBlock
from intake.mapping.questions import QuestionSet, question_set_from_json
from intake.models import Enquiry, InitialMapping, MappingLink, MappingPage, OutgoingMail
from tests.accounts import make_user
from tests.intake.mapping.answering import BEGIN, Answerer, contact_facts
from tests.intake.mapping.asking import Row, as_set, row, step, stream
from tests.intake.visiting import ShownForm, Visitor, letter, page_text

TITLE, TEXT = "Työnohjaus ei ole nyt oikea apu", "Soita kriisipuhelimeen."
UNSTORED = "Vastauksiasi ei tallennettu."
GONE = "Viimeisimpiä vastauksiasi ei tallennettu, ja alkukartoitukseen aiemmin antamasi tiedot on poistettu."


def ending(identity: str, *when: str, **changes: Any) -> Row:
    return row("ending", identity, **{"title": TITLE, "text": f"<p>{TEXT}</p>", **changes, "when": list(when)})


ROWS = [
    step("Tilanteesi"),
    row("yes_no", "kriisi", label="Onko kyse kriisistä?", need="required"),
    row("short_text", "koti", label="Missä asut?"),
    ending("apu", "kriisi:yes"),
    step("Toiveesi"),
    row("single_choice", "mika", label="Mitä haet?", choices=["Ohjausta", "Terapiaa"]),
    ending("terapia", "mika:mika-2", title="Terapiaa muualta"),
    ending("yksin", "supervision_form:individual", title="Vain ryhmille"),
]


@pytest.fixture
def published(mapping_page: MappingPage) -> MappingPage:
    mapping_page.questions = stream(ROWS)
    mapping_page.save()
    return mapping_page


@pytest.fixture
def asked(published: MappingPage) -> Answerer:
    answerer = Answerer()
    assert answerer.begins().status_code == 303
    return answerer


def shows_ending(answerer: Answerer, answer: Any, title: str = TITLE, gone: str = GONE) -> None:
    """Assert that the response leads to the page of an early ending, and that the mapping is removed."""
    assert answer.status_code == 303
    page = answerer.client.get(answer["Location"])
    assert page.status_code == 200
    assert page["Cache-Control"] == "no-store, private"
    soup = BeautifulSoup(page.content.decode(), "html.parser")
    assert soup.h1 is not None
    assert soup.h1.get_text(strip=True) == title
    text = page_text(page)
    for words in (TEXT, gone, "050 534 8567"):
        assert words in text
    assert not answerer.secret or answerer.secret not in answer["Location"]
    assert not InitialMapping.objects.exists()
    assert not MappingLink.objects.exists()
    assert not OutgoingMail.objects.filter(purpose="mapping_resume").exists()


def test_answer_ends_mapping_on_its_step(asked: Answerer) -> None:
    answer = asked.sends_step(1, {"q_kriisi": "yes", "q_koti": "Salakylä"})
    shows_ending(asked, answer)
    assert not Enquiry.objects.exists()
    assert asked.opens("vaihe/1").status_code == 404


def test_answers_of_earlier_steps_are_removed(asked: Answerer) -> None:
    asked.sends_step(1, {"q_kriisi": "no", "q_koti": "Salakylä"})
    assert InitialMapping.objects.get().answers["koti"] == "Salakylä"
    shows_ending(asked, asked.sends_step(2, {"q_mika": "mika-2"}), "Terapiaa muualta")


def test_answers_without_an_ending_continue(asked: Answerer) -> None:
    assert asked.sends_step(1, {"q_kriisi": "no"})["Location"] == asked.address("vaihe/2")
    assert asked.sends_step(2, {"q_mika": "mika-1"})["Location"] == asked.address("tarkista")
    assert asked.sends()["Location"] == asked.address("perilla")
    assert Enquiry.objects.count() == 1


def test_contact_fact_ends_mapping_before_it_begins(published: MappingPage) -> None:
    answerer = Answerer()
    form = ShownForm.of(answerer.client.get(BEGIN))
    words = {**form.values, **contact_facts(supervision_form="individual")}
    shows_ending(answerer, answerer.posts(BEGIN, words), "Vain ryhmille", UNSTORED)


def test_same_start_resent_with_an_ending_removes_it(published: MappingPage) -> None:
    answerer = Answerer()
    form = ShownForm.of(answerer.client.get(BEGIN))
    assert answerer.posts(BEGIN, {**form.values, **contact_facts()}).status_code == 303
    words = {**form.values, **contact_facts(supervision_form="individual")}
    shows_ending(answerer, answerer.posts(BEGIN, words), "Vain ryhmille")


def test_start_sent_again_goes_on_despite_a_new_ending(mapping_page: MappingPage) -> None:
    """A mapping that has begun keeps the questions it began with."""
    answerer = Answerer()
    form = ShownForm.of(answerer.client.get(BEGIN))
    words = {**form.values, **contact_facts()}
    answerer.follows(answerer.posts(BEGIN, words))
    answerer.answers_all()
    mapping_page.questions = stream([*ROWS[:3], ending("ryhmat", "supervision_form:group")])
    mapping_page.save()
    assert answerer.posts(BEGIN, words)["Location"] == answerer.address()
    assert InitialMapping.objects.get().answers["koko"] == 12


def test_resent_start_keeps_a_corrected_fact(published: MappingPage) -> None:
    """The first step is sent again with a fact that has since been corrected on the mapping's own page."""
    published.questions = stream([*ROWS[:-1], ending("ryhmat", "supervision_form:group", title="Vain yksin")])
    published.save()
    answerer = Answerer()
    form = ShownForm.of(answerer.client.get(BEGIN))
    words = {**form.values, **contact_facts(supervision_form="work_community")}
    answerer.follows(answerer.posts(BEGIN, words))
    corrected = contact_facts(supervision_form="individual")
    assert answerer.posts(answerer.address("yhteystiedot"), corrected).status_code == 303
    published.questions = stream([*ROWS, ending("tyo", "supervision_form:work_community")])
    published.save()
    assert answerer.posts(BEGIN, words)["Location"] == answerer.address()
    assert InitialMapping.objects.get().facts["supervision_form"] == "individual"


@pytest.mark.parametrize("headers", [{}, {"X-Requested-With": "fetch"}])
def test_repeated_post_redirects_to_the_ending_too(asked: Answerer, headers: dict[str, str]) -> None:
    words = {"version": asked.version(), "q_kriisi": "yes", "q_koti": "Salakylä"}
    first, second = (asked.posts(asked.address("vaihe/1"), words, headers=headers) for _press in range(2))
    assert (second.status_code, second["Location"]) == (first.status_code, first["Location"])
    assert TEXT in page_text(asked.client.get(second["Location"]))
    facts = contact_facts(supervision_form="individual")
    again = asked.posts(asked.address("yhteystiedot"), facts)
    assert "Vain ryhmille" in page_text(asked.client.get(again["Location"]))


@pytest.mark.parametrize("words", [{"q_kriisi": "no"}, {"q_kriisi": "yes", "back": "1"}])
def test_dead_link_post_without_ending_is_404(asked: Answerer, words: dict[str, str]) -> None:
    asked.sends_step(1, {"q_kriisi": "yes"})
    answer = asked.posts(asked.address("vaihe/1"), {**words, "q_koti": "Salakylä"})
    assert answer.status_code == 404
    assert "Salakylä" in page_text(answer)


def test_changed_contact_fact_ends_mapping(asked: Answerer) -> None:
    asked.sends_step(1, {"q_kriisi": "no"})
    answer = asked.posts(asked.address("yhteystiedot"), contact_facts(supervision_form="individual"))
    shows_ending(asked, answer, "Vain ryhmille")


@pytest.mark.parametrize("way", ["back", "later"])
def test_ending_answer_kept_on_back_is_not_sent(asked: Answerer, way: str) -> None:
    asked.sends_step(1, {"q_kriisi": "yes", way: "1"})
    assert InitialMapping.objects.get().answers["kriisi"] == "yes"
    shows_ending(asked, asked.sends())
    assert not Enquiry.objects.exists()


@pytest.mark.parametrize("way", ["back", "later"])
def test_kept_ending_answer_hides_later_steps(asked: Answerer, way: str) -> None:
    """Text typed on them would be lost, so they redirect to the step where the answer can be changed or sent."""
    asked.sends_step(1, {"q_kriisi": "yes", way: "1"})
    for place in ("", "vaihe/2", "tarkista"):
        answer = asked.opens(place)
        assert (answer.status_code // 100, answer["Location"]) == (3, asked.address("vaihe/1")), place
    returned = asked.posts(asked.address("vaihe/2"), {"q_mika": "mika-1"})
    assert returned.status_code == 409
    assert "Ohjausta" in page_text(returned)
    assert asked.posts(asked.address("yhteystiedot"), contact_facts())["Location"] == asked.address("vaihe/1")
    assert asked.sends_step(1, {"q_kriisi": "no"})["Location"] == asked.address("vaihe/2")


def test_ending_on_later_step_keeps_earlier_steps(asked: Answerer) -> None:
    asked.sends_step(1, {"q_kriisi": "no"})
    asked.sends_step(2, {"q_mika": "mika-2", "back": "1"})
    assert asked.sends_step(1, {"q_kriisi": "no"})["Location"] == asked.address("vaihe/2")
    assert asked.opens("tarkista")["Location"] == asked.address("vaihe/2")
    shows_ending(asked, asked.sends_step(2, {"q_mika": "mika-2"}), "Terapiaa muualta")


def test_message_that_would_end_at_once_is_not_invited(visitor: Visitor, published: MappingPage) -> None:
    thanks = visitor.sends(letter(supervision_form="individual"))["Location"]
    assert "Jatka alkukartoitukseen" not in page_text(visitor.client.get(thanks))
    assert "alkukartoitukseen" not in OutgoingMail.objects.get(purpose="confirmation").text
    assert visitor.client.post(thanks)["Location"] == thanks
    assert not InitialMapping.objects.exists()
    assert not can_be_invited(Enquiry.objects.get(), now=timezone.now())


def test_contact_fact_of_message_ends_mapping_at_once(visitor: Visitor, published: MappingPage) -> None:
    thanks = visitor.sends(letter(delivery_modes=["online"]))["Location"]
    answerer = Answerer()
    answerer.follows(visitor.client.post(thanks))
    published.questions = stream([*ROWS[:-1], ending("ryhmat", "supervision_form:group", title="Vain ryhmille")])
    published.save()
    for place in ("", "vaihe/1", "tarkista"):
        answer = answerer.opens(place)
        assert answer.status_code // 100 == 3, place
        page = answerer.client.get(answer["Location"], follow=True)
        assert "Vain ryhmille" in page_text(page), place
        # Nothing was answered, and the message is kept.
        assert GONE not in page_text(page), place
        assert UNSTORED not in page_text(page), place
    assert Enquiry.objects.exists()


def test_ending_keeps_the_earlier_message(visitor: Visitor, published: MappingPage) -> None:
    thanks = visitor.sends(letter(delivery_modes=["online"]))["Location"]
    answerer = Answerer()
    answerer.follows(visitor.client.post(thanks))
    shows_ending(answerer, answerer.sends_step(1, {"q_kriisi": "yes"}), gone=UNSTORED)
    assert Enquiry.objects.get().kind == Kind.CONTACT
    assert visitor.client.get(thanks).status_code == 200


def test_sent_mapping_is_not_ended(asked: Answerer) -> None:
    asked.sends_step(1, {"q_kriisi": "no"})
    version = asked.version()
    asked.sends()
    answer = asked.posts(asked.address("vaihe/1"), {"version": version, "q_kriisi": "yes"})
    assert answer.status_code == 409
    assert InitialMapping.objects.get().is_sent


def test_fetch_post_gets_201_with_the_ending(asked: Answerer) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "X-Requested-With": "fetch"}
    answer = asked.sends_step(1, {"q_kriisi": "yes"}, headers=headers)
    assert answer.status_code == 201
    assert TITLE in page_text(asked.client.get(answer["Location"]))


def test_removed_ending_page_has_general_text(asked: Answerer) -> None:
    address = asked.sends_step(1, {"q_kriisi": "yes"})["Location"]
    MappingPage.objects.update(questions=[])
    page = asked.client.get(address)
    assert page.status_code == 404
    assert "Alkukartoitus päättyy tähän" in page_text(page)
    assert GONE in page_text(page)
    assert asked.client.post(address).status_code in (403, 405)


@pytest.mark.parametrize("unpublish", [False, True])
def test_withdrawn_ending_ends_nothing(asked: Answerer, published: MappingPage, unpublish: bool) -> None:
    """Its text can no longer be shown."""
    published.questions = stream([*ROWS[:3], *ROWS[4:]])
    published.live = not unpublish
    published.save()
    assert asked.sends_step(1, {"q_kriisi": "yes"})["Location"] == asked.address("vaihe/2")
    assert asked.opens()["Location"] == asked.address("vaihe/2")


def test_ending_moved_to_another_answer_ends_nothing(asked: Answerer, published: MappingPage) -> None:
    """The ending now belongs to the other answer, so its text would not suit this one."""
    published.questions = stream([*ROWS[:3], ending("apu", "kriisi:no", title="Toinen"), *ROWS[4:]])
    published.save()
    for answer in ("yes", "no"):
        assert asked.sends_step(1, {"q_kriisi": answer})["Location"] == asked.address("vaihe/2")


def test_question_set_with_endings_survives_json() -> None:
    question_set = as_set(ROWS)
    assert [one.key for one in question_set.endings] == ["apu", "terapia", "yksin"]
    assert question_set_from_json(question_set.as_json()) == question_set
    assert QuestionSet(steps=question_set.steps).version != question_set.version
    broken = {**question_set.as_json(), "endings": [{"key": "x"}, {"condition": {}}, 7, {"key": 1, "condition": None}]}
    assert question_set_from_json(broken).endings == ()


def test_answer_to_unasked_question_ends_nothing() -> None:
    rows = [step("Alku"), row("yes_no", "a"), row("yes_no", "b", when=["a:yes"]), ending("e", "b:yes")]
    question_set = as_set(rows)
    assert endings_of(question_set, {}, {"a": "no", "b": "yes"}) == []
    assert [found.key for found in endings_of(question_set, {}, {"a": "yes", "b": "yes"})] == ["e"]


def test_editor_accepts_consistent_endings() -> None:
    assert len(QuestionStreamBlock().clean(stream(ROWS))) == len(ROWS)


CHOICE = row("single_choice", "a", choices=["Yksi", "Kaksi", "Kolme"])


@pytest.mark.parametrize(
    ("rows", "place", "message"),
    [
        ([CHOICE, ending("e")], 2, ""),
        ([ending("e", "a:a-1"), CHOICE], 1, "joka tulee vasta myöhemmin"),
        ([CHOICE, ending("e", "a:a-9")], 2, "johon ehto viittaa, on poistettu"),
        ([CHOICE, ending("e", "a:a-1"), ending("f", "a:a-1", "a:a-2")], 3, "johtaa jo toiseen varhaiseen lopetukseen"),
        ([CHOICE, ending("e", "a:a-1", "a:a-2", "a:a-3")], 2, "jokainen vastaus lopettaisi"),
        ([CHOICE, ending("e", "a:a-1", "a:a-2"), ending("f", "a:a-3")], 3, "jokainen vastaus lopettaisi"),
        (
            [CHOICE, ending("e", "a:a-1", "a:a-2"), row("short_text", "b", when=["a:a-1", "a:a-2"])],
            3,
            "Tähän ei pääse kukaan",
        ),
        ([CHOICE, row("short_text", "b", when=["a:a-1"]), ending("e", "a:a-1")], 2, "Tähän ei pääse kukaan"),
        ([row("yes_no", "c"), CHOICE, ending("e", "a:a-1", "c:yes")], 3, "vain yhden kysymyksen"),
        ([CHOICE, ending("e", "a:a-1", title="")], 2, ""),
        ([CHOICE, ending("e", "a:a-1", text="")], 2, ""),
    ],
)
def test_editor_rejects_contradictory_endings(rows: list[Row], place: int, message: str) -> None:
    with pytest.raises(StreamBlockValidationError) as refused:
        QuestionStreamBlock().clean(stream([step("Tilanteesi"), *rows]))
    assert list(refused.value.block_errors) == [place]
    assert message in str(refused.value.block_errors[place].as_json_data())


def test_step_with_only_an_ending_is_rejected() -> None:
    rows = [step("Alku"), CHOICE, step("Jatko"), ending("e", "a:a-1")]
    with pytest.raises(StreamBlockValidationError) as refused:
        QuestionStreamBlock().clean(stream(rows))
    assert list(refused.value.block_errors) == [2]


def test_preview_shows_each_ending(published: MappingPage) -> None:
    assert [mode for mode, _name in published.preview_modes if mode.startswith("ending")] == [
        "ending-1",
        "ending-2",
        "ending-3",
    ]
    text = page_text(published.make_preview_request(preview_mode="ending-2"))
    assert "Terapiaa muualta" in text
    assert GONE not in text
    assert "Tämä on esikatselu" in text
    assert published.make_preview_request(preview_mode="ending-9").status_code == 200


def test_tryout_ends_early_too(published: MappingPage) -> None:
    published.save_revision()
    client = Client()
    client.force_login(make_user("kati@example.fi", is_superuser=True))
    address = reverse("mapping_tryout", args=[published.pk])
    first = client.get(address)
    page = client.post(address, {**ShownForm.of(first).values, **contact_facts()})
    page = client.post(address, {**ShownForm.of(page).values, "q_kriisi": "yes"})
    assert TITLE in page_text(page)
    assert GONE not in page_text(page)
    assert not InitialMapping.objects.exists()


@pytest.mark.parametrize(("button", "ends"), [({}, True), ({"back": "1"}, False), ({"later": "1"}, False)])
def test_ending_answer_at_closed_link_still_ends(published: MappingPage, button: dict[str, str], ends: bool) -> None:
    """Answers of other steps are gone, so conditions on them count as met. The back and later buttons end nothing."""
    published.questions = stream(
        [
            step("Yksi"),
            row("yes_no", "kriisi", label="Onko kyse kriisistä?"),
            step("Kaksi"),
            row("yes_no", "heti", label="Tarvitsetko apua heti?", when=["kriisi:yes"]),
            ending("apu", "heti:yes"),
        ]
    )
    published.save()
    answer = Client().post("/jatka/poistunut-osoite/vaihe/2/", {"q_heti": "yes", **button})
    assert answer.status_code == (303 if ends else 404)


@pytest.mark.parametrize(("crisis", "ends"), [("yes", True), ("no", False)])
def test_unmet_choice_at_a_closed_link_ends_nothing(published: MappingPage, crisis: str, ends: bool) -> None:
    published.questions = stream(
        [
            step("Tilanteesi"),
            row("yes_no", "kriisi", label="Onko kyse kriisistä?"),
            row("yes_no", "heti", label="Tarvitsetko apua heti?", when=["kriisi:yes"]),
            row("short_text", "koti", label="Missä asut?"),
            ending("apu", "heti:yes"),
        ]
    )
    published.save()
    words = {"q_kriisi": crisis, "q_heti": "yes", "q_koti": "Salakylä"}
    answer = Client().post("/jatka/poistunut-osoite/vaihe/1/", words)
    assert answer.status_code == (303 if ends else 404)
    assert ends or "Salakylä" in page_text(answer)
