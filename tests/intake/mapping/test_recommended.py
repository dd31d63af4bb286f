"""The check page asks again for missing recommended answers, but the mapping can be sent without them."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from wagtail.blocks.stream_block import StreamBlockValidationError

from intake.mapping.answers import missing, recommended
from intake.mapping.question_stream import QuestionStreamBlock
from intake.models import Enquiry, MappingPage
from tests.intake.desk.pages import address, words
from tests.intake.mapping.answering import Answerer
from tests.intake.mapping.asking import ask, one_of, row, step, steps, stream
from tests.intake.visiting import page_text

ASK_AGAIN = "Näihin et vielä vastannut"
ROWS = [
    step("Tilanteesi"),
    row("yes_no", "tuttu", label="Tunnetko Katin?", need="required"),
    row("short_text", "toive", label="Mitä toivot?", need="recommended"),
    row("short_text", "mista", label="Mistä tunnet?", need="recommended", when=["tuttu:yes"]),
    row("short_text", "muu", label="Mitä muuta?"),
]


@pytest.fixture
def asked(mapping_page: MappingPage) -> Answerer:
    mapping_page.questions = stream(ROWS)
    mapping_page.save()
    answerer = Answerer()
    assert answerer.begins().status_code == 303
    return answerer


def asked_again(page: Any) -> list[tuple[str, str]]:
    """Return (text, link URL) of each question that the check page asks for again."""
    links = BeautifulSoup(page.content.decode(), "html.parser").select(".recommended a")
    return [(link.get_text(strip=True), str(link["href"])) for link in links]


def test_recommended_are_unanswered_applicable_ones() -> None:
    question_set = steps([one_of("a", "x y", need="required"), ask("b", need="recommended"), ask("c")],
                         [ask("d", need="recommended", when="a:x")])  # fmt: skip

    def keys(answers: dict[str, Any]) -> tuple[list[str], list[str]]:
        found = (one(question_set, {}, answers) for one in (missing, recommended))
        first, second = ([question.key for _step, question in each] for each in found)
        return first, second

    assert keys({}) == (["a"], ["b"])
    assert keys({"a": "x"}) == ([], ["b", "d"])
    assert keys({"a": "y", "b": "Vastaus"}) == ([], [])


def test_check_page_asks_for_recommended_answers(asked: Answerer) -> None:
    asked.sends_step(1, {"q_tuttu": "yes"})
    page = asked.opens("tarkista")
    link = asked.address("vaihe/1")
    assert asked_again(page) == [
        ("Mitä toivot?", f"{link}?tarkista#id_q_toive"),
        ("Mistä tunnet?", f"{link}?tarkista#id_q_mista"),
    ]
    assert "Voit vastata niihin tai lähettää kartoituksen näin." in page_text(page)
    asked.sends_step(1, {"q_tuttu": "no", "q_toive": "Rauhaa"})
    page = asked.opens("tarkista")
    assert asked_again(page) == []
    assert ASK_AGAIN not in page_text(page)


def test_missing_required_answer_comes_first(asked: Answerer) -> None:
    page = asked.opens("tarkista")
    assert "Tunnetko Katin?" in page_text(page)
    assert ASK_AGAIN not in page_text(page)


def test_step_goes_on_without_recommended_answer(asked: Answerer) -> None:
    answer = asked.sends_step(1, {"q_tuttu": "no"})
    assert (answer.status_code, answer["Location"]) == (303, asked.address("tarkista"))


def test_mapping_is_sent_without_recommended_answers(asked: Answerer, kati: Client) -> None:
    asked.sends_step(1, {"q_tuttu": "no"})
    assert asked.sends()["Location"] == asked.address("perilla")
    page = words(kati.get(address("inspect", Enquiry.objects.get())))
    assert "Vastaus oli suositeltu." in page


def test_preview_and_tryout_show_the_recommended(asked: Answerer, mapping_page: MappingPage) -> None:
    shown = mapping_page.make_preview_request(preview_mode="check")
    assert ASK_AGAIN in page_text(shown)
    assert asked_again(shown) == []
    assert "Mitä toivot?" in page_text(shown).split(ASK_AGAIN)[1].split("Voit vastata")[0]


@pytest.mark.parametrize("need", ["optional", "recommended", "required"])
def test_editor_accepts_the_three_needs(need: str) -> None:
    rows = [step("Tilanteesi"), row("short_text", "toive", need=need)]
    (_step, question) = QuestionStreamBlock().clean(stream(rows))
    assert question.value["need"] == need


def test_editor_rejects_unknown_need() -> None:
    rows = [step("Tilanteesi"), row("short_text", "toive", need="ehkä")]
    with pytest.raises(StreamBlockValidationError):
        QuestionStreamBlock().clean(stream(rows))
