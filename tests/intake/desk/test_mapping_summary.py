"""The printable summary with Kati's notes, and the sender's copy without them, for those with permission."""

import pytest
from django.test import Client

from intake.mapping.models import InitialMapping
from intake.models import Enquiry
from tests.intake.desk.mappings import ANSWERS, sent_alone, under_way, with_mapping
from tests.intake.desk.pages import address, words
from tests.intake.desk.people import signed_in, user_with

BOTH = ((), ("kopio",))


def path(enquiry: Enquiry, *more: str) -> str:
    return address("yhteenveto", enquiry, *more)


@pytest.fixture
def mapped(db: None) -> Enquiry:
    enquiry = with_mapping(
        name="Pirkko Salaisuus",
        delivery_modes=("client_premises",),
        answers={**ANSWERS, "place": "Tampere"},
        message="Viestini ennen kartoitusta.",
    )
    InitialMapping.objects.update(preparation_notes="Katin oma ajatus")
    Enquiry.objects.update(note="Katin toinen ajatus")
    return enquiry


@pytest.mark.parametrize("more", BOTH)
def test_summary_has_answers_without_assessments(kati: Client, mapped: Enquiry, more: tuple[str, ...]) -> None:
    response = kati.get(path(mapped, *more))
    page = words(response)
    for text in ("Pirkko Salaisuus", mapped.email, "050 123 4567", "Porin perhekeskus", "Ryhmätyönohjaus", "Sähköposti",
                 mapped.reference, "Haluamme tilaa ajatella.", "Rajat, roolit", "Jaksaminen", "0 asteikolla 0–10",
                 "0 = Kaikki takkuaa, 10 = Työ sujuu", "Tampere", "5.10.2026"):  # fmt: skip
        assert text in page
    assert "Yhteistyö" not in page
    for text in ("Poikkeaa tavallisesta", "Satakunnan ulkopuolella", "Katin toinen ajatus"):
        assert text not in page


def test_preparation_notes_are_not_in_the_senders_copy(kati: Client, mapped: Enquiry) -> None:
    summary = kati.get(path(mapped)).content.decode()
    assert "Katin oma ajatus" in summary.split('class="summary-notes"')[1]
    copy = kati.get(path(mapped, "kopio"))
    assert "Katin oma ajatus" not in copy.content.decode()
    assert "summary-notes" not in copy.content.decode()
    InitialMapping.objects.update(preparation_notes="")
    assert "summary-notes" not in kati.get(path(mapped)).content.decode()


def test_summary_has_unanswered_but_no_unasked_questions(kati: Client, db: None) -> None:
    enquiry = with_mapping(answers={"size": 4, "change": "Tilaa"}, delivery_modes=("online",))
    page = words(kati.get(path(enquiry)))
    assert "Paikkakunta" not in page
    assert "Maksaja Ei vastausta" in page


def test_enquiry_links_summary_and_copy(kati: Client, mapped: Enquiry) -> None:
    page = kati.get(address("inspect", mapped)).content.decode()
    assert f'href="{path(mapped)}"' in page
    assert f'href="{path(mapped, "kopio")}"' in page


@pytest.mark.parametrize("more", BOTH)
def test_summary_is_uncached_and_not_indexed(kati: Client, mapped: Enquiry, more: tuple[str, ...]) -> None:
    response = kati.get(path(mapped, *more))
    assert "no-store" in response.headers["Cache-Control"]
    assert '<meta name="robots" content="noindex, nofollow">' in response.content.decode()
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert kati.post(path(mapped, *more)).status_code == 405


@pytest.mark.parametrize("more", BOTH)
def test_summary_needs_view_permission(
    kati: Client, reader: Client, editor: Client, stranger: Client, mapped: Enquiry, more: tuple[str, ...]
) -> None:
    assert kati.get(path(mapped, *more)).status_code == 200
    assert reader.get(path(mapped, *more)).status_code == 200
    changer = signed_in(user_with("wagtailadmin.access_admin", "intake.change_enquiry", "intake.export_enquiry"))
    for client in (editor, changer):
        refusal = client.get(path(mapped, *more))
        assert refusal.status_code == 403
        assert "Salaisuus" not in refusal.content.decode()
    assert stranger.get(path(mapped, *more)).status_code in (302, 403)
    anonymous = Client().get(path(mapped, *more))
    assert anonymous.status_code == 302
    assert anonymous.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("more", BOTH)
def test_no_summary_before_mapping_was_sent(kati: Client, enquiry: Enquiry, more: tuple[str, ...]) -> None:
    assert kati.get(path(enquiry, *more)).status_code == 404
    under_way(enquiry)
    assert kati.get(path(enquiry, *more)).status_code == 404
    assert kati.get(f"/admin/yhteydenotot/yhteenveto/999999/{''.join(f'{part}/' for part in more)}").status_code == 404


def test_mapping_without_message_has_summary(kati: Client, db: None) -> None:
    enquiry = sent_alone(name="Yksin Tullut").enquiry
    assert enquiry is not None
    assert "Yksin Tullut" in words(kati.get(path(enquiry)))
