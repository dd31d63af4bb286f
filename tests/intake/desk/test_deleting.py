"""Deleting an enquiry by hand: a confirmation first, and afterwards no personal data in any table."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from home.dates import finnish_day
from intake.choices import Status
from intake.enquiry.removal import remove_due
from intake.enquiry.search import others_of_mailbox
from intake.mapping import links
from intake.mapping.links import page_link_for_enquiry
from intake.mapping.mails import resume_mails
from intake.mapping.models import last_day
from intake.models import Enquiry, InitialMapping, RemovedEnquiry
from intake.waiting.private_page import answer_no
from tests.intake.desk.mappings import begun_alone, sent_alone, under_way
from tests.intake.desk.pages import LIST, address, failed_once, words
from tests.intake.desk.test_desk import move
from tests.intake.enquiries import closed, received
from tests.intake.mapping.mailed_links import mail_link_for_enquiry

PERSONAL = ("salaisuus", "pirkko", "kukaan muu ei saa", "+358401112223", "salainen oy", "omani: ")


def rows_with(*texts: str) -> set[str]:
    """Return the tables of the database in which a row contains one of the texts, ignoring case."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - no outsider names a table
            for row in cursor.fetchall():
                content = " ".join(_text(value) for value in row).casefold()
                if any(text in content for text in texts):
                    found.add(table)
    return found


def _text(value: object) -> str:
    return bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else str(value)


def complete_enquiry(kati: Client) -> Enquiry:
    """Return an enquiry with everything that can belong to one: mails, attempts, a note, a history."""
    enquiry = received(
        name="Pirkko Salaisuus",
        email="pirkko@salaisuus.fi",
        organisation="Salainen Oy",
        phone="+358401112223",
        message="Kukaan muu ei saa lukea tätä.",
    )
    failed_once(enquiry.mails.all()[0], at=timezone.now())
    kati.get(LIST, {"q": "Pirkko"})
    kati.get(address("inspect", enquiry))
    kati.post(address("status", enquiry), {"version": 1, "status": "new", "note": "Omani: Pirkko soittaa"})
    kati.post(address("status", enquiry), {"version": 2, "status": "closed", "outcome": "agreement"})
    return enquiry


def delete(client: Client, enquiry: Enquiry, *, version: object = None) -> Any:
    """Submit the confirmation form, by default with the current version."""
    seen = (
        Enquiry.objects.filter(pk=enquiry.pk).values_list("version", flat=True).first() if version is None else version
    )
    return client.post(address("delete", enquiry), {} if seen is None else {"version": seen})


def test_delete_page_asks_and_deletes_nothing(kati: Client, enquiry: Enquiry) -> None:
    page = words(kati.get(address("delete", enquiry)))
    assert enquiry.reference in page
    assert "Pirkko Salaisuus" in page
    assert "Poista pysyvästi" in page
    assert Enquiry.objects.filter(pk=enquiry.pk).exists()


@pytest.mark.parametrize(
    ("mine", "same", "another"),
    [
        ("pirkko@salaisuus.fi", "Pirkko@Salaisuus.fi", "apirkko@salaisuus.fi"),
        ("pirkko+tyo@salaisuus.fi", "pirkko@salaisuus.fi", "pirkko+tyo@salaisuus.fi.example"),
        ("pirkko@salaisuus.fi", "pirkko+koti@salaisuus.fi", "pirkko.tyo@salaisuus.fi"),
        ("pirkko@työ.fi", "pirkko@xn--ty-gka.fi", "pirkko@tyo.fi"),
        ("o'hara_%@salaisuus.fi", "o'hara_%@salaisuus.fi", "o'haraxy@salaisuus.fi"),
    ],
)
def test_others_of_the_mailbox_are_found(db: None, mine: str, same: str, another: str) -> None:
    enquiry, other = received(email=mine), received(email=same, name="Toisella nimellä")
    received(email=another)
    assert others_of_mailbox(enquiry) == [other]


def test_delete_page_lists_others_of_mailbox(kati: Client, db: None) -> None:
    enquiry = received(email="pirkko@salaisuus.fi")
    other = received(email="Pirkko+koti@Salaisuus.fi", name="Toisella nimellä")
    stranger = received(email="apirkko@salaisuus.fi")
    page = words(kati.get(address("delete", enquiry)))
    assert "Samasta sähköpostiosoitteesta ovat tulleet myös nämä yhteydenotot." in page
    assert other.reference in page
    assert stranger.reference not in page
    assert "Samasta" not in words(kati.get(address("delete", stranger)))
    delete(kati, enquiry)
    assert set(Enquiry.objects.all()) == {other, stranger}


def delete_with_tick(kati: Client, enquiry: Enquiry) -> str:
    """Submit the confirmation form with its checkbox ticked, and return the text of the next page."""
    assert 'type="checkbox" name="unsent"' in kati.get(address("delete", enquiry)).content.decode()
    form = {"version": enquiry.version, "unsent": "on"}
    return words(kati.post(address("delete", enquiry), form, follow=True))


@pytest.mark.parametrize("same", ["pirkko@salaisuus.fi", "Pirkko+tyo@Salaisuus.fi"])
def test_unsent_mapping_is_named_and_removed(kati: Client, db: None, same: str) -> None:
    enquiry, other = received(email="pirkko@salaisuus.fi"), received(email="toinen@salaisuus.fi")
    mapping, stranger = begun_alone(email=same), begun_alone(email="apirkko@salaisuus.fi")
    page = words(kati.get(address("delete", enquiry)))
    assert "Samasta sähköpostiosoitteesta on kesken myös alkukartoitus." in page
    assert f"poistuu itsestään {finnish_day(mapping.last_day)} jälkeen" in page
    assert "on kesken" not in words(kati.get(address("delete", other)))
    assert "Poistettiin myös 1 keskeneräinen alkukartoitus." in delete_with_tick(kati, enquiry)
    assert list(InitialMapping.objects.all()) == [stranger]
    # The mail with its link was removed, too.
    assert not resume_mails(mapping.pk).exists()
    assert resume_mails(stranger.pk).exists()


def test_unsent_mapping_stays_without_the_tick(kati: Client, enquiry: Enquiry) -> None:
    mapping = begun_alone(email=enquiry.email)
    page = words(delete(kati, enquiry))
    assert "keskenerä" not in page
    assert resume_mails(mapping.pk).exists()


def test_one_tick_removes_all_unsent_mappings(kati: Client, enquiry: Enquiry) -> None:
    mappings = [begun_alone(email=enquiry.email) for _number in range(2)]
    last = mappings[1].expires_at + timedelta(days=3)
    InitialMapping.objects.filter(pk=mappings[1].pk).update(expires_at=last)
    page = words(kati.get(address("delete", enquiry)))
    assert "on kesken myös 2 alkukartoitusta" in page
    assert finnish_day(last_day(last)) in page
    assert finnish_day(mappings[0].last_day) not in page
    assert "Poistettiin myös 2 keskeneräistä alkukartoitusta." in delete_with_tick(kati, enquiry)
    assert not InitialMapping.objects.exists()


def test_mapping_sent_meanwhile_is_not_removed(kati: Client, enquiry: Enquiry) -> None:
    sent_alone(email=enquiry.email)
    response = kati.post(address("delete", enquiry), {"version": enquiry.version, "unsent": "on"}, follow=True)
    assert "Poistettiin myös 0 keskeneräistä alkukartoitusta." in words(response)
    assert InitialMapping.objects.get().is_sent


def test_refused_removal_keeps_unsent_mapping(kati: Client, enquiry: Enquiry) -> None:
    begun_alone(email=enquiry.email)
    response = kati.post(address("delete", enquiry), {"version": enquiry.version + 1, "unsent": "on"})
    assert response.status_code == 409
    assert InitialMapping.objects.count() == 1


def test_mappings_of_messages_are_not_removed(kati: Client, enquiry: Enquiry) -> None:
    """Such mappings are empty, or the page already lists their enquiry. They have no contact facts."""
    message = received(email="toinen@salaisuus.fi")
    begun = under_way(message)
    # One kind of link opens the begun mapping, and the other kind an empty one.
    page_link_for_enquiry(enquiry=message, now=timezone.now())
    mail_link_for_enquiry(enquiry=message, now=timezone.now())
    assert InitialMapping.objects.filter(parallel_to=message).exists()
    assert "on kesken" not in words(kati.get(address("delete", enquiry)))
    assert "Poistettiin myös 0" in words(
        kati.post(address("delete", enquiry), {"version": enquiry.version, "unsent": "on"}, follow=True)
    )
    assert InitialMapping.objects.filter(pk=begun.pk).exists()


def test_enquiry_stays_if_its_mapping_cannot_be_removed(
    kati: Client, enquiry: Enquiry, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_alone(email=enquiry.email)

    def fails(_mapping: InitialMapping) -> None:
        raise DatabaseError

    monkeypatch.setattr(links, "remove_unsent", fails)
    with pytest.raises(DatabaseError):
        delete_with_tick(kati, enquiry)
    assert Enquiry.objects.filter(pk=enquiry.pk).exists()
    assert InitialMapping.objects.exists()


def test_deletion_removes_personal_data_from_all_tables(kati: Client) -> None:
    enquiry = complete_enquiry(kati)
    # First show that the scan works: the words are in these tables now.
    assert rows_with(*PERSONAL) >= {"intake_enquiry", "intake_outgoingmail"}
    response = delete(kati, enquiry)
    assert response.status_code == 302
    assert rows_with(*PERSONAL) == set()
    assert "Salaisuus" not in words(kati.get(LIST))
    assert rows_with(*PERSONAL) == set()


def test_automatic_removal_leaves_no_personal_data(kati: Client) -> None:
    enquiry = complete_enquiry(kati)
    Enquiry.objects.filter(pk=enquiry.pk).update(remove_on=date(2020, 7, 1))
    assert remove_due(now=timezone.now()) == 1
    assert rows_with(*PERSONAL) == set()


def test_deleting_counts_by_day_kind_and_outcome(kati: Client) -> None:
    for _number in range(2):
        delete(kati, closed(at=timezone.now()))
    delete(kati, received())
    counted = set(RemovedEnquiry.objects.values_list("kind", "outcome", "count", "removed_on"))
    today = timezone.localdate()
    assert counted == {("contact", "agreement", 2, today), ("contact", "", 1, today)}


def test_deleting_twice_says_not_found_and_counts_once(kati: Client, enquiry: Enquiry) -> None:
    assert delete(kati, enquiry).status_code == 302
    assert delete(kati, enquiry).status_code == 404
    assert RemovedEnquiry.objects.get().count == 1


def test_deleting_removes_no_other_enquiry(kati: Client, enquiry: Enquiry) -> None:
    other = received(name="Toinen")
    delete(kati, enquiry)
    assert list(Enquiry.objects.values_list("pk", flat=True)) == [other.pk]
    assert other.mails.count() == 2


def test_delete_page_carries_the_version(kati: Client, enquiry: Enquiry) -> None:
    page = kati.get(address("delete", enquiry)).content.decode()
    assert f'name="version" value="{enquiry.version}"' in page


def _opened_and_changed(kati: Client, enquiry: Enquiry, change: str) -> int:
    """Open the confirmation page, change the enquiry afterwards, and return the version on the page."""
    seen = enquiry.version
    kati.get(address("delete", enquiry))
    if change == "note":
        kati.post(address("status", enquiry), {"version": seen, "status": "new", "note": "Soita ensin!"})
    elif change == "status":
        kati.post(address("status", enquiry), {"version": seen, "status": "offer_sent", "outcome": ""})
    elif change == "answer":
        move(enquiry, Status.WAITING_LIST)
        enquiry.refresh_from_db()
        seen = enquiry.version
        answer_no(place_id=enquiry.waiting.pk, now=timezone.now())
    return seen


@pytest.mark.parametrize("change", ["note", "status", "answer"])
def test_enquiry_changed_meanwhile_is_not_deleted(kati: Client, enquiry: Enquiry, change: str) -> None:
    seen = _opened_and_changed(kati, enquiry, change)
    response = delete(kati, enquiry, version=seen)
    assert response.status_code == 409
    assert "ei poistettu mitään" in words(response)
    assert Enquiry.objects.filter(pk=enquiry.pk).exists()
    # With the new version it can be deleted.
    assert delete(kati, enquiry).status_code == 302
    assert not Enquiry.objects.exists()


def test_invalid_version_deletes_nothing(kati: Client, enquiry: Enquiry) -> None:
    for version in ("", "x", "-1", "0", "2", "99999999999999999999", "1.5"):
        assert delete(kati, enquiry, version=version).status_code == 409, version
    assert Enquiry.objects.filter(pk=enquiry.pk).exists()


def test_a_post_without_a_version_deletes_nothing(kati: Client, enquiry: Enquiry) -> None:
    assert kati.post(address("delete", enquiry)).status_code == 409
    assert Enquiry.objects.filter(pk=enquiry.pk).exists()
