"""Removing an enquiry deletes all personal data and keeps a count."""

import logging
import signal
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from intake.choices import Outcome, Status
from intake.enquiry.removal import before_removal, due_for_removal, remove_due, remove_enquiry
from intake.jobs import schedule
from intake.mail.delivery import deliver_next
from intake.models import Enquiry, EnquiryStep, IntakeSettings, MailAttempt, OutgoingMail, RemovedEnquiry
from intake.waiting.private_page import answer_no, answer_stay
from tests.intake.enquiries import closed, give_status, received
from tests.intake.visiting import Visitor, letter
from tests.intake.waiting.list_people import waiter

pytestmark = pytest.mark.django_db
HELSINKI = ZoneInfo("Europe/Helsinki")
CLOSED = datetime(2026, 8, 31, 15, 0, tzinfo=HELSINKI)
DAY_BEFORE = datetime(2027, 2, 27, 23, 59, tzinfo=HELSINKI)
DUE = datetime(2027, 2, 28, 0, 0, tzinfo=HELSINKI)


def test_enquiry_is_removed_on_due_date() -> None:
    closed(at=CLOSED)
    assert remove_due(now=DAY_BEFORE) == 0
    assert Enquiry.objects.count() == 1
    assert remove_due(now=DUE) == 1
    assert not Enquiry.objects.exists()
    assert remove_due(now=DUE) == 0


def test_spam_is_removed_sooner_and_open_never() -> None:
    closed(at=CLOSED, outcome=Outcome.SPAM)
    kept = [closed(at=CLOSED), received(now=CLOSED)]
    assert remove_due(now=CLOSED + timedelta(days=14)) == 1
    assert list(Enquiry.objects.order_by("pk")) == kept
    remove_due(now=CLOSED + timedelta(days=3650))
    assert Enquiry.objects.get() == kept[1]


def test_removal_uses_retention_setting() -> None:
    chosen = IntakeSettings.load()
    chosen.retention_months = 1
    chosen.save()
    closed(at=CLOSED)
    assert remove_due(now=datetime(2026, 9, 29, 12, tzinfo=HELSINKI)) == 0
    assert remove_due(now=datetime(2026, 9, 30, 12, tzinfo=HELSINKI)) == 1


def test_removal_deletes_only_own_related_rows() -> None:
    other = closed(at=CLOSED)
    while deliver_next(now=CLOSED):
        pass
    enquiry = closed(at=CLOSED)
    while deliver_next(now=CLOSED):
        pass
    assert MailAttempt.objects.filter(mail__enquiry=enquiry).count() == 2

    remove_enquiry(enquiry_id=enquiry.pk, now=DUE)

    assert set(OutgoingMail.objects.values_list("enquiry", flat=True)) == {other.pk}
    assert set(MailAttempt.objects.values_list("mail__enquiry", flat=True)) == {other.pk}
    assert set(EnquiryStep.objects.values_list("enquiry", flat=True)) == {other.pk}


def test_removal_counts_by_day_kind_and_outcome() -> None:
    for outcome in (Outcome.AGREEMENT, Outcome.AGREEMENT, Outcome.REFERRED):
        closed(at=CLOSED, outcome=outcome)
    remove_due(now=DUE)
    counts = RemovedEnquiry.objects.values_list("removed_on", "kind", "outcome", "count")
    assert set(counts) == {
        (date(2027, 2, 28), "contact", "agreement", 2),
        (date(2027, 2, 28), "contact", "referred", 1),
    }


def test_repeated_removal_is_counted_once() -> None:
    enquiry = received()
    remove_enquiry(enquiry_id=enquiry.pk, now=DUE)
    remove_enquiry(enquiry_id=enquiry.pk, now=DUE)
    assert RemovedEnquiry.objects.get().count == 1


def test_dry_run_lists_references_and_removes_nothing() -> None:
    due = closed(at=CLOSED)
    received(now=CLOSED)
    with time_machine.travel(DUE, tick=False):
        call_command("remove_due_enquiries", dry_run=True, stdout=(output := StringIO()))
        assert output.getvalue().split() == [due.reference]
        assert Enquiry.objects.count() == 2
        call_command("remove_due_enquiries", stdout=(output := StringIO()))
    assert output.getvalue().split() == ["1", "removed"]
    assert due not in due_for_removal(now=DUE)
    assert Enquiry.objects.count() == 1


def _rows() -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
            for row in cursor.fetchall():
                yield table, str(row).lower()


def test_no_table_keeps_a_removed_person(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    visitor.sends(letter(name="Unohtuva Henkilö", email="unohtuva@esimerkki.fi", message="Unohtuva viesti."))
    while deliver_next(now=datetime.now(HELSINKI)):
        pass
    enquiry = Enquiry.objects.get()
    assert {table for table, row in _rows() if "unohtuva" in row} == {"intake_enquiry", "intake_outgoingmail"}

    remove_enquiry(enquiry_id=enquiry.pk, now=DUE)

    traces = ("unohtuva", enquiry.reference.lower(), str(enquiry.receipt), enquiry.receipt.hex)
    assert [table for table, row in _rows() if any(trace in row for trace in traces)] == []
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("django.db"))
    assert "unohtuva" not in logged.lower()
    assert apps.get_model("intake", "RemovedEnquiry").objects.get().count == 1


def test_enquiry_reopened_during_removal_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (closed(at=CLOSED + timedelta(minutes=number)) for number in range(3))

    def meanwhile(*, enquiry: Enquiry, now: datetime, **_signal: object) -> None:
        """While the first is being removed, reopen the second, and close the third again on a later day."""
        if enquiry == first:
            move(second, Status.IN_REVIEW)
            again = move(third, Status.IN_REVIEW)
            move(again, Status.CLOSED, Outcome.AGREEMENT, now=DUE)

    before_removal.connect(meanwhile)
    assert remove_due(now=DUE) == 1
    assert set(Enquiry.objects.all()) == {second, third}


def test_person_confirming_during_removal_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [waiter(now=CLOSED - timedelta(days=9)) for _ in range(2)]
    for place in places:
        answer_no(place_id=place.pk, now=CLOSED)

    def meanwhile(*, enquiry: Enquiry, now: datetime, **_signal: object) -> None:
        answer_stay(place_id=places[1].pk, now=now)

    before_removal.connect(meanwhile)
    assert remove_due(now=DUE) == 1
    assert Enquiry.objects.get().status == Status.WAITING_LIST


def test_backlog_is_removed_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_BATCH_SIZE", 2)
    for _ in range(5):
        closed(at=CLOSED)
    assert remove_due(now=DUE) == 5
    assert not Enquiry.objects.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_leaves_the_rest_of_a_backlog(number: signal.Signals) -> None:
    enquiries = [closed(at=CLOSED) for _ in range(5)]

    def ask_to_end(*, enquiry: Enquiry, **_signal: object) -> None:
        if enquiry == enquiries[1]:
            signal.raise_signal(number)

    before_removal.connect(ask_to_end)
    handlers = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    output = StringIO()
    with time_machine.travel(DUE, tick=False):
        with pytest.raises(CommandError, match="stopped"):
            call_command("remove_due_enquiries", stdout=output)
        assert output.getvalue().split() == ["2", "removed"]
        assert list(Enquiry.objects.order_by("pk")) == enquiries[2:]
        assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == handlers
        call_command("remove_due_enquiries", stdout=(output := StringIO()))
    assert output.getvalue().split() == ["3", "removed"]
    assert RemovedEnquiry.objects.get().count == 5


def test_one_run_of_all_jobs_heeds_sigterm() -> None:
    first, *others = [closed(at=CLOSED) for _ in range(3)]

    def ask_to_end(*, enquiry: Enquiry, **_signal: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    before_removal.connect(ask_to_end)
    with time_machine.travel(DUE, tick=False):
        call_command("work", once=True, stdout=StringIO())
    assert first not in Enquiry.objects.all()
    assert list(Enquiry.objects.order_by("pk")) == others


def test_removal_command_skips_a_failure() -> None:
    stuck, *_others = [closed(at=CLOSED) for _ in range(3)]

    def fail_for_one(*, enquiry: Enquiry, **_signal: object) -> None:
        if enquiry == stuck:
            raise IntegrityError(stuck.email)

    before_removal.connect(fail_for_one)
    with time_machine.travel(DUE, tick=False), pytest.raises(CommandError, match="1 could not be removed"):
        call_command("remove_due_enquiries", stdout=(output := StringIO()))
    assert output.getvalue().split() == ["2", "removed"]
    assert Enquiry.objects.get() == stuck


def queries_of_removal(count: int) -> list[str]:
    """Return the queries of removing `count` enquiries: half messages, half places on the waiting list."""
    for number in range(count):
        if number % 2:
            closed(at=CLOSED)
        else:
            answer_no(place_id=waiter(now=CLOSED - timedelta(days=9)).pk, now=CLOSED)
    with CaptureQueriesContext(connection) as queries:
        assert remove_due(now=DUE) == count
    return [query["sql"] for query in queries]


def test_removal_has_constant_queries_without_personal_columns() -> None:
    queries_of_removal(2)
    few, many = queries_of_removal(4), queries_of_removal(12)
    each = (len(few) - 2) / 4
    # Two queries find the batches: one finds this batch, and one finds no further batch.
    assert (len(many) - 2) / 12 == each
    assert each <= 20
    words = [f'"intake_enquiry"."{name}"' for name in ("message", "search_text", "note", "name", "email")]
    words += [f'"intake_outgoingmail"."{name}"' for name in ("subject", "text", "html")]
    assert not [sql for sql in many for word in words if word in sql]


def test_dry_run_reads_no_message() -> None:
    closed(at=CLOSED)
    with time_machine.travel(DUE, tick=False), CaptureQueriesContext(connection) as queries:
        call_command("remove_due_enquiries", dry_run=True, stdout=StringIO())
    assert not [query for query in queries if "message" in query["sql"]]


def move(enquiry: Enquiry, status: Status, outcome: str = "", *, now: datetime = CLOSED) -> Enquiry:
    return give_status(enquiry, status, outcome, at=now)
