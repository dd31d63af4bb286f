"""What the supervisor can do with an enquiry, with the permissions of her group."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from intake.choices import MailState, Outcome, Status, Verdict
from intake.models import Enquiry, EnquiryStep
from tests.intake.desk.pages import LIST, address, failed_once, rows, suspicious, words
from tests.intake.enquiries import closed


def change(client: Client, enquiry: Enquiry, status: str, outcome: str = "", version: int | None = None) -> int:
    posted = {"version": enquiry.version if version is None else version, "status": status, "outcome": outcome}
    response = client.post(address("status", enquiry), posted)
    enquiry.refresh_from_db()
    return response.status_code


def write(client: Client, enquiry: Enquiry, version: int, note: str) -> Any:
    """Save a note and leave the status as it is."""
    status = Enquiry.objects.get(pk=enquiry.pk).status
    return client.post(address("status", enquiry), {"version": version, "status": status, "note": note})


def test_supervisor_can_read_list_and_enquiry(kati: Client, enquiry: Enquiry) -> None:
    assert [row["Nimi"] for row in rows(kati.get(LIST))] == ["Pirkko Salaisuus"]
    letter = words(kati.get(address("inspect", enquiry)))
    for text in ("Pirkko Salaisuus", "Kukaan muu ei saa lukea tätä.", "pirkko.salaisuus@esimerkki.fi", "050 123 4567",
                 "Porin perhekeskus", "Verkossa", "Ryhmätyönohjaus", enquiry.reference):  # fmt: skip
        assert text in letter


def test_fact_that_was_not_asked_is_not_shown(kati: Client, enquiry: Enquiry) -> None:
    """The waiting-list form has fewer fields."""
    Enquiry.objects.update(phone="", preferred_contact="", delivery_modes=[])
    page = BeautifulSoup(kati.get(address("inspect", enquiry)).content.decode(), "html.parser")
    facts = {fact.get_text(): fact.find_next_sibling("dd").get_text(strip=True) for fact in page.select("dt")}
    assert facts["Työnohjauksen muoto"] == "Ryhmätyönohjaus"
    assert "Tapaamistapa" not in facts
    assert "" not in facts.values()


def test_status_change_is_recorded_with_user(kati: Client, enquiry: Enquiry) -> None:
    assert change(kati, enquiry, Status.AWAITING_REPLY) == 302
    assert enquiry.status == Status.AWAITING_REPLY
    page = words(kati.get(address("inspect", enquiry)))
    assert "Odottaa vastausta – Kati Levola" in page


def test_closing_without_an_outcome_is_refused_in_finnish(kati: Client, enquiry: Enquiry) -> None:
    response = kati.post(address("status", enquiry), {"version": 1, "status": "closed", "outcome": ""})
    assert response.status_code == 422
    # At the top of the page, and beside the field.
    assert "Mitään ei tallennettu. Valitse, miten asia päättyi." in words(response)
    assert words(response).count("Valitse, miten asia päättyi.") == 2
    enquiry.refresh_from_db()
    assert (enquiry.status, enquiry.version) == (Status.NEW, 1)


@pytest.mark.parametrize(("status", "outcome"), [("hullu", ""), ("closed", "hullu"), ("", "")])
def test_a_status_that_does_not_exist_is_refused(kati: Client, enquiry: Enquiry, status: str, outcome: str) -> None:
    assert change(kati, enquiry, status, outcome) == 422
    assert enquiry.status == Status.NEW


def test_closing_sets_outcome_and_reopening_clears_it(kati: Client, enquiry: Enquiry) -> None:
    assert change(kati, enquiry, Status.CLOSED, Outcome.AGREEMENT) == 302
    assert enquiry.outcome == Outcome.AGREEMENT
    assert enquiry.closed_at
    assert enquiry.remove_on
    assert "Päättynyt: Sopimus tehty" in words(kati.get(address("inspect", enquiry)))
    assert change(kati, enquiry, Status.IN_REVIEW, Outcome.AGREEMENT) == 302
    assert (enquiry.status, enquiry.outcome) == (Status.IN_REVIEW, "")
    reopened = Enquiry.objects.get()
    assert (reopened.closed_at, reopened.remove_on) == (None, None)


def test_enquiry_shows_its_removal_date(kati: Client, db: None) -> None:
    gone_in_may = closed(at=datetime(2026, 11, 22, 12, tzinfo=UTC))
    spam = closed(at=datetime(2026, 11, 22, 12, tzinfo=UTC), outcome=Outcome.SPAM)
    assert "Poistuu automaattisesti 22.5.2027" in words(kati.get(address("inspect", gone_in_may)))
    assert "Poistuu automaattisesti 6.12.2026" in words(kati.get(address("inspect", spam)))


def test_note_keeps_line_breaks(kati: Client, enquiry: Enquiry) -> None:
    response = write(kati, enquiry, 1, "Soita\r\nmaanantaina\x0b ”klo 9”")
    assert response.status_code == 302
    enquiry.refresh_from_db()
    assert enquiry.note == "Soita\nmaanantaina ”klo 9”"
    assert "maanantaina ”klo 9”" in words(kati.get(address("inspect", enquiry)))


def test_note_history_has_no_text_of_notes(kati: Client, enquiry: Enquiry) -> None:
    for version, note in ((1, "Soita maanantaina"), (2, "Soita maanantaina"), (2, "Soitettu"), (3, " \n")):
        assert write(kati, enquiry, version, note).status_code == 302
    steps = list(enquiry.steps.all())
    assert [step.kind for step in steps] == ["note_saved", "note_saved", "note_emptied"]
    assert {step.changed_by.name for step in steps if step.changed_by} == {"Kati Levola"}
    assert "Soit" not in str(list(EnquiryStep.objects.values()))
    page = words(kati.get(address("inspect", enquiry)))
    assert page.count("Muistiinpano muutettiin – Kati Levola") == 2
    assert "Muistiinpano tyhjennettiin – Kati Levola" in page


def test_too_long_note_is_returned_with_an_error(kati: Client, enquiry: Enquiry) -> None:
    long = "Ä" * 5001
    response = write(kati, enquiry, 1, long)
    assert response.status_code == 422
    page = words(response)
    assert long in page
    assert "5000" in page


def test_stale_note_is_409_and_text_kept(kati: Client, enquiry: Enquiry) -> None:
    assert write(kati, enquiry, 1, "Ensimmäinen").status_code == 302
    second = write(kati, enquiry, 1, "Toinen, jota en halua kirjoittaa uudelleen")
    assert second.status_code == 409
    page = words(second)
    assert "Toinen, jota en halua kirjoittaa uudelleen" in page
    assert "muutettu muualla" in page
    enquiry.refresh_from_db()
    assert enquiry.note == "Ensimmäinen"
    # The returned form has the new version, so saving it replaces the stored note.
    assert second.context["handling_form"]["version"].value() == 2
    write(kati, enquiry, 2, "Toinen")
    enquiry.refresh_from_db()
    assert enquiry.note == "Toinen"


def test_stale_status_change_is_refused(kati: Client, enquiry: Enquiry) -> None:
    assert change(kati, enquiry, Status.IN_REVIEW) == 302
    assert change(kati, enquiry, Status.CLOSED, Outcome.SPAM, version=1) == 409
    assert enquiry.status == Status.IN_REVIEW
    assert EnquiryStep.objects.count() == 1


def test_invalid_version_is_refused(kati: Client, enquiry: Enquiry) -> None:
    held = suspicious()
    changes = [(enquiry, "status", {"status": "in_review", "note": "Uusi"}), (held, "spam", {}), (held, "accept", {})]
    for version in ("", "x", "-1", "9" * 40):
        for one, action, more in changes:
            response = kati.post(address(action, one), {"version": version, **more})
            assert response.status_code in (409, 422), (action, version)
    for one in (enquiry, held):
        one.refresh_from_db()
        assert (one.status, one.note, one.version) == (Status.NEW, "", 1)
    assert held.is_quarantined


def test_suspicious_enquiry_shows_reasons_and_can_be_accepted(kati: Client, db: None) -> None:
    enquiry = suspicious()
    page = words(kati.get(address("inspect", enquiry)))
    assert "Lomakkeella oli täytetty kohta, jota ihmiset eivät näe." in page
    assert "Lähettäjä ei saanut automaattista kuittausta, koska roskapostisuodatin" in page
    mails = enquiry.mails.count()
    assert kati.post(address("accept", enquiry), {"version": 1}).status_code == 302
    enquiry.refresh_from_db()
    assert enquiry.verdict == Verdict.ACCEPTED
    assert enquiry.verdict_reasons == ["hidden_field"]
    assert enquiry.mails.count() == mails
    assert "Merkitty tavalliseksi yhteydenotoksi – Kati Levola" in words(kati.get(address("inspect", enquiry)))
    # Again, from another tab with the new version: nothing changes and nothing is recorded.
    assert kati.post(address("accept", enquiry), {"version": 2}).status_code == 302
    assert EnquiryStep.objects.count() == 1


def test_suspicious_enquiry_closed_by_spam_button(kati: Client, db: None) -> None:
    enquiry = suspicious()
    write(kati, enquiry, 1, "Tuttu ilmiö")
    for _press in range(2):
        assert kati.post(address("spam", enquiry), {"version": 2}).status_code == 302
    enquiry.refresh_from_db()
    assert (enquiry.note, enquiry.version) == ("Tuttu ilmiö", 3)
    assert (enquiry.status, enquiry.outcome) == (Status.CLOSED, Outcome.SPAM)
    assert rows(kati.get(LIST))[0]["Tila"] == "Päättynyt: Roskaposti"


def test_closed_as_spam_can_still_be_accepted(kati: Client, db: None) -> None:
    enquiry = suspicious()
    assert change(kati, enquiry, "closed", "spam") == 302
    page = kati.get(address("inspect", enquiry))
    assert "Suljettu roskapostina" in words(page)
    assert "Lomakkeella oli täytetty kohta, jota ihmiset eivät näe." in words(page)
    assert 'class="enquiry-suspect"' in page.content.decode()
    assert "Tämä on roskapostia: päätä asia" not in words(page)
    assert kati.post(address("accept", enquiry), {"version": enquiry.version}).status_code == 302
    enquiry.refresh_from_db()
    assert (enquiry.status, enquiry.outcome, enquiry.verdict) == (Status.NEW, "", Verdict.ACCEPTED)
    assert (enquiry.closed_at, enquiry.remove_on) == (None, None)
    assert 'class="enquiry-suspect"' not in kati.get(address("inspect", enquiry)).content.decode()


def test_manually_marked_spam_can_be_accepted(kati: Client, enquiry: Enquiry) -> None:
    assert change(kati, enquiry, "closed", "spam") == 302
    assert "Tämä on tavallinen yhteydenotto" in words(kati.get(address("inspect", enquiry)))
    assert kati.post(address("accept", enquiry), {"version": enquiry.version}).status_code == 302
    enquiry.refresh_from_db()
    assert (enquiry.status, enquiry.remove_on) == (Status.NEW, None)


def test_accepting_closed_enquiry_keeps_it_closed(kati: Client, db: None) -> None:
    enquiry = suspicious()
    assert change(kati, enquiry, "closed", "agreement") == 302
    assert kati.post(address("accept", enquiry), {"version": enquiry.version}).status_code == 302
    enquiry.refresh_from_db()
    assert (enquiry.status, enquiry.verdict) == (Status.CLOSED, Verdict.ACCEPTED)


def test_failed_mail_shows_attempts_and_can_be_resent(kati: Client, enquiry: Enquiry) -> None:
    mail = enquiry.mails.get(purpose="notification")
    failed_once(mail, at=datetime(2026, 7, 1, 9, 5, 7, tzinfo=UTC))
    page = words(kati.get(address("inspect", enquiry)))
    assert "1.7.2026 klo 12.05.07" in page
    assert "Sähköpostipalvelimeen ei saatu yhteyttä (ConnectionRefusedError)." in page
    assert kati.post(address("mail", enquiry, mail.pk)).status_code == 302
    mail.refresh_from_db()
    assert (mail.state, mail.failures) == (MailState.QUEUED, 0)
    assert mail.next_attempt_at is not None
    assert mail.next_attempt_at.year != 2026 or mail.next_attempt_at.month != 7


def test_sent_mail_is_not_resent(kati: Client, enquiry: Enquiry) -> None:
    mail = enquiry.mails.get(purpose="confirmation")
    mail.state, mail.next_attempt_at = MailState.SENT, None
    mail.save()
    response = kati.post(address("mail", enquiry, mail.pk), follow=True)
    assert "Viesti on jo lähetetty" in words(response)
    mail.refresh_from_db()
    assert mail.state == MailState.SENT


def test_missing_or_other_enquirys_mail_is_not_resent(kati: Client, enquiry: Enquiry) -> None:
    other = suspicious()
    other.mails.update(state=MailState.FAILED, next_attempt_at=None)
    for pk in (other.mails.get().pk, 999):
        assert "Viesti on jo lähetetty" in words(kati.post(address("mail", enquiry, pk), follow=True))
    assert other.mails.get().state == MailState.FAILED


def test_get_on_action_url_redirects_to_enquiry(kati: Client, enquiry: Enquiry) -> None:
    before = Enquiry.objects.values().get()
    for action in ("status", "spam", "accept", "preparation"):
        response = kati.get(f"{address(action, enquiry)}?version=1&status=in_review&note=x")
        assert (response.status_code, response["Location"]) == (302, address("inspect", enquiry)), action
        assert kati.put(address(action, enquiry)).status_code == 405, action
    assert Enquiry.objects.values().get() == before


def test_opening_pages_writes_nothing(kati: Client, enquiry: Enquiry) -> None:
    before = (Enquiry.objects.values().get(), list(enquiry.mails.values()), EnquiryStep.objects.count())
    for path in (LIST, address("inspect", enquiry), address("delete", enquiry), "/admin/"):
        assert kati.get(path).status_code == 200
    assert kati.get(address("mail", enquiry, enquiry.mails.all()[0].pk)).status_code == 302
    assert kati.post(address("inspect", enquiry)).status_code == 405
    assert (Enquiry.objects.values().get(), list(enquiry.mails.values()), EnquiryStep.objects.count()) == before


def test_enquiry_text_is_html_escaped(kati: Client, db: None) -> None:
    evil = "<script>alert(1)</script><b onclick=x>&amp;"
    enquiry = suspicious(name=evil, organisation=evil, message=evil, email='"<script>x</script>"@esimerkki.fi')
    Enquiry.objects.update(note=evil, shown_texts={"warning": evil})
    for path in (LIST, address("inspect", enquiry), address("delete", enquiry)):
        page = kati.get(path).content.decode()
        assert "<script>alert(1)" not in page
        assert "<script>x<" not in page
        assert "<b onclick" not in page
    assert evil in words(kati.get(address("inspect", enquiry)))


def test_post_without_csrf_token_is_refused(kati: Client, enquiry: Enquiry) -> None:
    forged = Client(enforce_csrf_checks=True)
    forged.cookies = kati.cookies
    for action in ("status", "spam", "accept", "delete"):
        assert forged.post(address(action, enquiry), {"version": 1, "status": "in_review"}).status_code == 403, action
    enquiry.refresh_from_db()
    assert enquiry.version == 1
