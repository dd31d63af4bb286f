"""Answers of a mapping in the filters of the list and in the export."""

from datetime import datetime
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from aijuu_site.accounts.models import User
from intake.choices import DeliveryMode
from intake.mapping.models import InitialMapping
from intake.models import Enquiry
from tests.examples import examples
from tests.intake.desk.mappings import ANSWERS, sent_alone, under_way, with_mapping
from tests.intake.desk.pages import LIST, listed, names
from tests.intake.desk.test_export import FORMULAS, as_csv, as_xlsx
from tests.intake.enquiries import received


@pytest.fixture
def several(db: None) -> None:
    """Enquiries of many sizes, and of different places, payers and ways of meeting."""
    for size in (1, 2, 3, 6, 7, 12, 13, 30):
        Enquiry.objects.filter(pk=received(name=f"Koko {size}", delivery_modes=("online",)).pk).update(group_size=size)
    with_mapping(
        name="Kaukana",
        delivery_modes=("client_premises", "undecided"),
        answers={**ANSWERS, "size": 5, "place": "Tampere", "payer": "p2"},
    )
    with_mapping(
        name="Lähellä", delivery_modes=("pori_premises", "client_premises"), answers={**ANSWERS, "place": "Rauma"}
    )


def filtered(client: Client, **parameters: str) -> set[str]:
    response = client.get(LIST, parameters)
    assert response.status_code == 200
    return set(names(response))


def test_group_size_filter(kati: Client, several: None) -> None:
    assert filtered(kati, group_size="1-2") == {"Koko 1", "Koko 2"}
    assert filtered(kati, group_size="3-6") == {"Koko 3", "Koko 6", "Kaukana"}
    assert filtered(kati, group_size="7-12") == {"Koko 7", "Koko 12"}
    assert filtered(kati, group_size="13-") == {"Koko 13", "Koko 30", "Lähellä"}


def test_delivery_mode_filter_matches_multiple_choices(kati: Client, several: None) -> None:
    assert filtered(kati, delivery_mode="client_premises") == {"Kaukana", "Lähellä"}
    assert filtered(kati, delivery_mode="pori_premises") == {"Lähellä"}
    assert filtered(kati, delivery_mode="undecided") == {"Kaukana"}
    assert len(filtered(kati, delivery_mode="online")) == 8


def test_area_and_payer_filters(kati: Client, several: None) -> None:
    assert filtered(kati, area="satakunta") == {"Lähellä"}
    assert filtered(kati, area="elsewhere") == {"Kaukana"}
    assert filtered(kati, payer="Minä itse") == {"Kaukana"}
    assert filtered(kati, payer="Työnantaja") == {"Lähellä"}
    assert filtered(kati, payer="Työnantaja", area="elsewhere") == set()
    page = kati.get(LIST).content.decode()
    for heading in ("Ryhmän koko", "Tapaamistapa", "Alue", "Maksaja"):
        assert f"<summary>{heading}</summary>" in page
    assert "payer=Min%C3%A4+itse" in page


def test_payer_filter_is_hidden_without_values(kati: Client, db: None) -> None:
    received()
    assert "<summary>Maksaja</summary>" not in kati.get(LIST).content.decode()


PARAMETERS = ("group_size", "delivery_mode", "area", "payer")


VALUES = ("", "zzz", "%", "_", '"', "online%", '"online"', "1-2'", "-1", "x" * 60000, "\U0001f600")


@pytest.mark.every_case
def test_unknown_filter_value_filters_nothing(kati: Client, db: None) -> None:
    with_mapping(name="Ainoa")
    assert filtered(kati, **dict.fromkeys(PARAMETERS, "zzz")) == {"Ainoa"}
    for value in VALUES:
        # If one of the parameters filtered, the list would be empty.
        [only] = listed(User.objects.get(), urlencode(dict.fromkeys(PARAMETERS, value)))
        assert only.name == "Ainoa", value[:20]


@examples(6, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(PARAMETERS + tuple(f"{name}__exact" for name in PARAMETERS)),
            st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
            | st.sampled_from(["3-6", "13-", "satakunta", "Työnantaja", *DeliveryMode.values]),
        ),
        max_size=4,
    )
)
def test_any_filter_values_return_the_list(kati: Client, several: None, parameters: list[tuple[str, str]]) -> None:
    assert kati.get(f"{LIST}?{urlencode(parameters)}&q=k&o=-4").status_code == 200


def test_export_has_mapping_answers_and_notes(kati: Client, db: None) -> None:
    enquiry = with_mapping(answers={**ANSWERS, "place": "Rauma"}, delivery_modes=("client_premises",))
    InitialMapping.objects.update(preparation_notes="Kysy rajoista")
    expected = {
        "Ryhmän koko": "14",
        "Paikkakunta": "Rauma",
        "Alue": "Satakunta",
        "Maksaja": "Työnantaja",
        "Alkukartoituksen vastaukset": (
            "Ryhmän koko: 14\nPaikkakunta: Rauma\nMihin toivot muutosta?: Haluamme tilaa ajatella.\nJa rauhaa.\n"
            "Mitkä teemat?: Rajat, roolit, Jaksaminen\nMissä olette nyt?: 0 asteikolla 0–10\nMilloin?: Tammikuussa\n"
            "Maksaja: Työnantaja\nTunnetko Katin ennestään?: Kyllä"
        ),
        "Muistiinpanot tapaamista varten": "Kysy rajoista",
    }
    [row] = as_csv(kati)
    assert {heading: row[heading] for heading in expected} == expected
    sent = timezone.localtime(enquiry.mapping.sent_at)
    assert row["Alkukartoitus saapunut"] == f"{sent:%-d.%-m.%Y %-H.%M}"
    [cells] = as_xlsx(kati)
    assert cells["Ryhmän koko"].value == 14
    assert isinstance(cells["Alkukartoitus saapunut"].value, datetime)
    for heading in expected:
        assert str(cells[heading].value) == expected[heading]


def test_export_excludes_unsent_answers(kati: Client, db: None) -> None:
    under_way(received(), answers={"change": "Vielä luonnos"})
    assert as_csv(kati)[0]["Alkukartoituksen vastaukset"] == ""
    for kind in ("csv", "xlsx"):
        assert "luonnos" not in kati.get(LIST, {"export": kind}).getvalue().decode(errors="ignore")


def test_mapping_text_is_exported_without_formulas(kati: Client, db: None) -> None:
    for formula in FORMULAS:
        mapping = sent_alone()
        Enquiry.objects.filter(mapping=mapping).update(place=formula, payer=formula)
        mapping.preparation_notes = formula
        mapping.question_set["steps"][0]["questions"][0]["label"] = formula
        mapping.save()
    headings = ("Paikkakunta", "Maksaja", "Muistiinpanot tapaamista varten", "Alkukartoituksen vastaukset")
    for row, cells, formula in zip(as_csv(kati), as_xlsx(kati), reversed(FORMULAS), strict=True):
        for heading in headings:
            assert row[heading].startswith(f"'{formula}")
            assert cells[heading].data_type == "s"
            assert cells[heading].value.startswith(f"'{formula}")


def test_too_long_cell_is_truncated_in_xlsx_only(kati: Client, db: None) -> None:
    sent_alone(answers={**ANSWERS, "change": "Ä" * 40_000})
    assert as_csv(kati)[0]["Alkukartoituksen vastaukset"].count("Ä") == 40_000
    cell = as_xlsx(kati)[0]["Alkukartoituksen vastaukset"].value
    assert len(cell) == 32_767
    assert cell.endswith("… [katkaistu: koko teksti on sivustolla ja CSV-tiedostossa]")


def test_more_mappings_need_no_more_queries(kati: Client) -> None:
    def queries(**parameters: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert kati.get(LIST, parameters).status_code == 200
        return len(captured)

    with_mapping()
    kati.get(LIST)
    of_one = (queries(), queries(export="csv"))
    for _number in range(4):
        with_mapping()
    assert (queries(), queries(export="csv")) == of_one
