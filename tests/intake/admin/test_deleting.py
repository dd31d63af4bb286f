"""Removing an enquiry by hand: she is asked, and nothing of the person stays anywhere."""

from datetime import UTC, datetime

from django.db import connection
from django.test import Client
from django.utils import timezone

from intake.models import Enquiry, RemovedEnquiry
from intake.services.removing import remove_due
from tests.intake.admin.pages import LIST, address, failed_once, words
from tests.intake.enquiries import closed, received

PERSONAL = ("salaisuus", "pirkko", "kukaan muu ei saa", "+358401112223", "salainen oy", "omani: ")


def rows_with(*texts: str) -> set[str]:
    """The tables of the whole database in which a row has one of the texts, whatever the letter case."""
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


def a_whole_life(kati: Client) -> Enquiry:
    """An enquiry with all that can hang from one: mails, attempts, a note, a history."""
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
    kati.post(address("note", enquiry), {"version": 1, "note": "Omani: Pirkko soittaa"})
    kati.post(address("status", enquiry), {"version": 2, "status": "closed", "outcome": "agreement"})
    return enquiry


def test_before_deleting_she_is_asked_and_nothing_goes(kati: Client, enquiry: Enquiry) -> None:
    page = words(kati.get(address("delete", enquiry)))
    assert enquiry.reference in page
    assert "Pirkko Salaisuus" in page
    assert "Poista pysyvästi" in page
    assert Enquiry.objects.filter(pk=enquiry.pk).exists()


def test_deleting_leaves_nothing_of_the_person_in_any_table(kati: Client) -> None:
    enquiry = a_whole_life(kati)
    # So that the scan is known to see: the words are in these tables now.
    assert rows_with(*PERSONAL) >= {"intake_enquiry", "intake_outgoingmail"}
    response = kati.post(address("delete", enquiry))
    assert response.status_code == 302
    assert rows_with(*PERSONAL) == set()
    assert "Salaisuus" not in words(kati.get(LIST))
    assert rows_with(*PERSONAL) == set()


def test_the_removal_of_a_due_enquiry_leaves_as_little(kati: Client) -> None:
    enquiry = a_whole_life(kati)
    Enquiry.objects.filter(pk=enquiry.pk).update(closed_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert remove_due(now=timezone.now()) == 1
    assert rows_with(*PERSONAL) == set()


def test_deleting_counts_by_day_kind_and_outcome(kati: Client) -> None:
    for _number in range(2):
        kati.post(address("delete", closed(at=timezone.now())))
    kati.post(address("delete", received()))
    counted = set(RemovedEnquiry.objects.values_list("kind", "outcome", "count", "removed_on"))
    today = timezone.localdate()
    assert counted == {("contact", "agreement", 2, today), ("contact", "", 1, today)}


def test_deleting_twice_says_not_found_and_counts_once(kati: Client, enquiry: Enquiry) -> None:
    assert kati.post(address("delete", enquiry)).status_code == 302
    assert kati.post(address("delete", enquiry)).status_code == 404
    assert RemovedEnquiry.objects.get().count == 1


def test_only_the_one_goes(kati: Client, enquiry: Enquiry) -> None:
    other = received(name="Toinen")
    kati.post(address("delete", enquiry))
    assert list(Enquiry.objects.values_list("pk", flat=True)) == [other.pk]
    assert other.mails.count() == 2
