"""Status, outcome and note are one form, saved together: no typed text is lost."""

from typing import Any

import pytest
from django.test import Client

from intake.choices import Outcome, Status
from intake.models import Enquiry, EnquiryStep
from intake.waiting.models import WaitingPlace
from tests.intake.desk.mappings import sent_after
from tests.intake.desk.pages import address, suspicious, words
from tests.intake.enquiries import received

SAVED = "Tila ja muistiinpano on tallennettu."


def save(client: Client, enquiry: Enquiry, *, version: int = 1, follow: bool = False, **fields: Any) -> Any:
    posted = {"version": version, "status": "new", "outcome": "", "note": "", **fields}
    response = client.post(address("status", enquiry), posted, follow=follow)
    enquiry.refresh_from_db()
    return response


def test_status_outcome_and_note_are_saved_together(kati: Client, enquiry: Enquiry) -> None:
    response = save(kati, enquiry, status="closed", outcome="referred", note="Annoin numeron", follow=True)
    assert words(response).count(SAVED) == 1
    assert (enquiry.status, enquiry.outcome, enquiry.note) == (Status.CLOSED, Outcome.REFERRED, "Annoin numeron")
    assert enquiry.version == 2
    assert list(enquiry.steps.values_list("kind", flat=True)) == ["status", "note_saved"]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "closed", "note": "Ilman syytä"},
        {"status": "in_review", "note": "x" * 5001},
        {"status": "hullu", "note": "Tila on outo"},
        {"outcome": "hullu", "note": "Syy on outo"},
    ],
)
def test_invalid_field_saves_nothing(kati: Client, enquiry: Enquiry, fields: dict[str, Any]) -> None:
    response = save(kati, enquiry, **fields)
    assert response.status_code == 422
    assert fields["note"] in words(response)
    assert (enquiry.status, enquiry.note, enquiry.version) == (Status.NEW, "", 1)


def test_a_note_survives_a_post_without_one(kati: Client, enquiry: Enquiry) -> None:
    save(kati, enquiry, note="Tärkeä")
    posted = {"version": 2, "status": "in_review"}
    kati.post(address("status", enquiry), posted)
    enquiry.refresh_from_db()
    assert (enquiry.status, enquiry.note) == (Status.IN_REVIEW, "Tärkeä")
    assert list(enquiry.steps.values_list("kind", flat=True)) == ["note_saved", "status"]
    # A refused form shows the stored note, so that saving it again does not empty it.
    for changes, status_code in (({"status": "offer_sent"}, 409), ({"version": 3, "status": "closed"}, 422)):
        refused = kati.post(address("status", enquiry), {**posted, **changes})
        assert refused.status_code == status_code
        assert refused.context["handling_form"]["note"].value() == "Tärkeä"


@pytest.mark.parametrize("status", ["new", "in_review", "waiting_list", "offer_sent"])
def test_outcome_without_closing_is_refused(kati: Client, enquiry: Enquiry, status: str) -> None:
    response = save(kati, enquiry, status=status, outcome="agreement", note="Sovittu")
    assert response.status_code == 422
    page = words(response)
    assert "Valitsit, miten asia päättyi. Valitse myös tilaksi ”Päättynyt” tai jätä tämä tyhjäksi." in page
    assert "Sovittu" in page
    assert SAVED not in page
    assert response.context["handling_form"]["outcome"].value() == "agreement"
    assert (enquiry.status, enquiry.outcome, enquiry.version) == (Status.NEW, "", 1)


def test_reopening_needs_no_emptied_outcome(kati: Client, enquiry: Enquiry) -> None:
    save(kati, enquiry, status="closed", outcome="agreement")
    assert save(kati, enquiry, version=2, status="in_review", outcome="referred").status_code == 422
    assert enquiry.is_closed
    assert save(kati, enquiry, version=2, status="in_review", outcome="agreement").status_code == 302
    assert (enquiry.status, enquiry.outcome) == (Status.IN_REVIEW, "")


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "in_review"},
        {"note": "Soitettu"},
        {"status": "closed", "outcome": "agreement", "note": "Soitettu"},
        {"status": "waiting_list", "note": "Odottaa\r\nsyksyä "},
        {},
    ],
)
def test_saving_twice_changes_once(kati: Client, enquiry: Enquiry, fields: dict[str, Any]) -> None:
    def stored() -> tuple[Any, ...]:
        return Enquiry.objects.values().get(), list(EnquiryStep.objects.values()), WaitingPlace.objects.count()

    assert save(kati, enquiry, **fields).status_code == 302
    after_one = stored()
    second = save(kati, enquiry, **fields, follow=True)
    assert second.status_code == 200
    assert words(second).count(SAVED) == 1
    assert "muutettu muualla" not in words(second)
    assert stored() == after_one


def test_accepting_twice_changes_once(kati: Client, db: None) -> None:
    enquiry = suspicious()
    for _press in range(2):
        response = kati.post(address("accept", enquiry), {"version": 1})
        assert response.status_code == 302
    page = words(kati.get(address("inspect", enquiry)))
    assert page.count("Yhteydenotto on nyt tavallinen") == 1
    assert EnquiryStep.objects.count() == 1


def test_outdated_form_with_other_values_is_refused(kati: Client, enquiry: Enquiry) -> None:
    save(kati, enquiry, status="in_review", note="Ensimmäinen")
    response = save(kati, enquiry, status="offer_sent", note="Toinen")
    assert response.status_code == 409
    form = response.context["handling_form"]
    assert (form["status"].value(), form["note"].value(), form["version"].value()) == ("offer_sent", "Toinen", 2)
    # The stored note, which hers would replace, is shown beside it.
    assert "Nyt tallennettu muistiinpano, jonka tilalle omasi tulisi: Ensimmäinen" in words(response)
    assert (enquiry.status, enquiry.note) == (Status.IN_REVIEW, "Ensimmäinen")


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_break_counts_as_one_character(kati: Client, loaded_site: None, enquiry: Enquiry, end: str) -> None:
    note = ("a" * 49 + "\n") * 99 + "b" * 50
    assert len(note) == 5000
    assert save(kati, enquiry, note=note.replace("\n", end)).status_code == 302
    assert enquiry.note == note
    assert save(kati, enquiry, version=2, note=note.replace("\n", end) + "b").status_code == 422
    sent_after(enquiry)
    enquiry.refresh_from_db()
    posted = {"version": enquiry.version, "preparation_notes": note.replace("\n", end)}
    assert kati.post(address("preparation", enquiry), posted).status_code == 302
    enquiry.refresh_from_db()
    assert enquiry.mapping.preparation_notes == note


def test_login_redirects_back_to_the_enquiry(kati: Client, enquiry: Enquiry) -> None:
    kati.logout()
    login = kati.post(address("status", enquiry), {"version": 1, "status": "new", "note": "Tärkeä"})
    assert login.status_code == 302
    assert login["Location"].endswith(f"?next={address('status', enquiry)}")


def test_forms_warn_about_unsaved_changes(kati: Client, loaded_site: None, enquiry: Enquiry) -> None:
    sent_after(enquiry)
    fresh = kati.get(address("inspect", enquiry)).content.decode()
    assert fresh.count('data-action="w-unsaved#submit beforeunload@window->w-unsaved#confirm"') == 2
    assert 'data-w-unsaved-force-value="true"' not in fresh
    refused = save(kati, enquiry, status="closed").content.decode()
    assert refused.count('data-w-unsaved-force-value="true"') == 1


def test_saving_changes_no_other_enquiry(kati: Client, enquiry: Enquiry) -> None:
    other = received()
    save(kati, enquiry, status="closed", outcome="agreement", note="Vain tähän")
    other.refresh_from_db()
    assert (other.status, other.note, other.version) == (Status.NEW, "", 1)
