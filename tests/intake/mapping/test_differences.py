"""What differs from a typical case, and which places are in Satakunta."""

from typing import Any

import pytest

from intake.choices import Area
from intake.mapping.answers import TypedFacts, area_of, differences, is_far, typed_facts
from tests.intake.mapping.asking import EVERY_TYPE, as_set

ASKED = as_set(EVERY_TYPE)
MEETS = {"supervision_form": "group", "delivery_modes": ["client_premises"]}


@pytest.mark.parametrize(
    "place",
    [
        "Pori", "PORI", " pori ", "Porissa", "Porista", "Porin keskusta", "Pori.", "(Pori)", "Rauma", "Raumalla",
        "Raumalta", "Huittisissa", "Harjavallassa", "Kokemäellä", "Kankaanpäässä", "Eurajoella", "Siikaisissa",
        "Jämijärvellä", "Pomarkussa", "Nakkilassa", "Säkylässä", "Noormarkku", "Noormarkussa", "Köyliö", "Lavialla",
        "Satakunta", "Satakunnassa", "Pohjois-Satakunta", "Pori-Rauma", "Pori/Tampere", "Tampere ja Pori", "28100 Pori",
    ],
)  # fmt: skip
def test_place_in_satakunta_is_recognised_in_any_form(place: str) -> None:
    assert area_of(place) == Area.SATAKUNTA


@pytest.mark.parametrize(
    "place",
    ["Tampere", "Turussa", "Helsinki", "Porvoo", "Porvoossa", "Eurooppa", "Raumankari", "Uusi-Kaupunki", "Karviainen"],
)
def test_places_outside_satakunta_are_elsewhere(place: str) -> None:
    assert area_of(place) == Area.ELSEWHERE


@pytest.mark.parametrize("place", ["", "  ", " - ", "/", "."])
def test_empty_place_has_no_area(place: str) -> None:
    assert area_of(place) is None


@pytest.mark.parametrize(
    ("modes", "place", "far"),
    [
        (["client_premises"], "Tampere", True),
        (["online", "client_premises"], "Tampere", True),
        (["client_premises"], "Ulvila", False),
        (["client_premises"], "", False),
        (["online"], "Tampere", False),
        (["pori_premises"], "Tampere", False),
    ],
)
def test_is_far_only_when_meeting_outside_satakunta(modes: list[str], place: str, far: bool) -> None:
    assert is_far({"delivery_modes": modes}, place) is far


def test_typical_answers_have_no_differences() -> None:
    answers = {"kuka": "kuka-2", "koko": 5, "paikka": "Porissa", "tuttu": "no", "maksaja": "maksaja-1"}
    assert differences(ASKED, MEETS, answers) == []


@pytest.mark.parametrize(("size", "differs"), [(2, True), (3, False), (6, False), (7, True)])
def test_group_of_three_to_six_is_typical(size: int, differs: bool) -> None:
    assert bool(differences(ASKED, MEETS, {"koko": size})) is differs


def test_every_difference_contains_its_value() -> None:
    answers = {"koko": 12, "paikka": "Turku", "tuttu": "yes", "aika": {"from": "2027-02-01", "to": ""}}
    found = differences(ASKED, MEETS, answers)
    assert len(found) == 4
    for words, value in zip(found, ["12", "Turku", "ennestään", "1.2.2027"], strict=True):
        assert value in words


def test_inapplicable_answer_makes_no_difference() -> None:
    alone = {"supervision_form": "individual", "delivery_modes": ["online"]}
    answers = {"koko": 12, "paikka": "Turku"}
    assert differences(ASKED, alone, answers) == []
    assert typed_facts(ASKED, alone, answers) == TypedFacts()


def test_typed_facts_come_from_role_questions() -> None:
    answers: dict[str, Any] = {"koko": 4, "paikka": "Kankaanpäässä", "maksaja": "maksaja-2", "nyt": 3}
    assert typed_facts(ASKED, MEETS, answers) == TypedFacts(
        group_size=4, place="Kankaanpäässä", area="satakunta", payer="Minä itse"
    )
