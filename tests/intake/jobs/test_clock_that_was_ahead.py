"""A clock that was years ahead for a while blocks nothing after it was corrected."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from home.models import PauseNotice
from intake.choices import MailPurpose, MailState
from intake.enquiry.removal import delete_expired_traces, remove_due
from intake.mail.delivery import _postpone_due, _record_failure
from intake.mail.models import WAITS, due
from intake.mail.queue import NewMail, mail_row
from intake.mapping.links import remove_unfinished
from intake.mapping.models import expiry
from intake.models import (
    AutomaticReplyTrace,
    ClockSlip,
    Enquiry,
    InitialMapping,
    MailAttempt,
    OutgoingMail,
    PostingTrace,
)
from intake.periodic_jobs import reset_future_moments
from intake.rate_limit import TooManyPosts, enforce_rate_limit
from intake.waiting.rules import open_since, was_closed_since
from intake.waiting.upkeep import ask_or_remove_silent_waiters
from tests.intake.enquiries import closed, received
from tests.intake.mapping.mailed_links import mail_link_for_enquiry
from tests.intake.waiting.list_people import waiter

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 1, 1, 12, tzinfo=ZoneInfo("Europe/Helsinki"))
AHEAD = NOW + timedelta(days=1096)


def test_future_posts_do_not_exhaust_rate_limit() -> None:
    for _ in range(10):
        enforce_rate_limit("k", AHEAD)
    with pytest.raises(TooManyPosts):
        enforce_rate_limit("k", AHEAD)
    enforce_rate_limit("k", NOW)
    for _ in range(9):
        enforce_rate_limit("k", NOW)
    with pytest.raises(TooManyPosts):
        enforce_rate_limit("k", NOW)


def test_future_confirmation_does_not_block_another() -> None:
    received(email="x@esimerkki.fi", now=AHEAD)
    again = received(email="x@esimerkki.fi", message="uusi", now=NOW)
    assert again.mails.filter(purpose=MailPurpose.CONFIRMATION).exists()


def test_future_enquiry_is_not_repeated() -> None:
    first = received(email="x@esimerkki.fi", now=AHEAD)
    second = received(email="x@esimerkki.fi", now=NOW)
    assert first != second
    assert Enquiry.objects.count() == 2


def test_small_clock_difference_still_counts() -> None:
    for _ in range(10):
        enforce_rate_limit("k", NOW + timedelta(seconds=30))
    with pytest.raises(TooManyPosts):
        enforce_rate_limit("k", NOW)
    first = received(email="x@esimerkki.fi", now=NOW + timedelta(seconds=30))
    assert received(email="x@esimerkki.fi", now=NOW) == first


def test_future_traces_are_deleted() -> None:
    enforce_rate_limit("k", AHEAD)
    received(now=AHEAD)
    delete_expired_traces(now=NOW)
    assert not PostingTrace.objects.exists()
    assert not AutomaticReplyTrace.objects.exists()


def run_resets(at: datetime) -> None:
    """Run the worker's reset for four days with the correct clock."""
    for hours in range(0, 4 * 24 + 1, 12):
        reset_future_moments(now=at + timedelta(hours=hours))


LATER = NOW + timedelta(days=4)


def test_future_closing_date_is_reset() -> None:
    before = closed(at=NOW - timedelta(days=30))
    days = before.closed_at, before.remove_on
    enquiry = closed(at=AHEAD)
    run_resets(NOW)
    before.refresh_from_db()
    assert (before.closed_at, before.remove_on) == days
    enquiry.refresh_from_db()
    assert enquiry.closed_at is not None
    assert NOW < enquiry.closed_at <= LATER
    assert enquiry.remove_on == date(2027, 7, 4)
    assert remove_due(now=datetime(2027, 7, 4, 12, tzinfo=NOW.tzinfo)) == 2


def test_reset_does_not_postpone_removal_date() -> None:
    enquiry = closed(at=NOW - timedelta(days=100))
    day = enquiry.remove_on
    Enquiry.objects.update(closed_at=AHEAD)
    run_resets(NOW)
    enquiry.refresh_from_db()
    assert enquiry.remove_on == day


def test_future_waiting_confirmation_is_reset() -> None:
    place = waiter(now=AHEAD)
    run_resets(NOW)
    place.refresh_from_db()
    assert NOW < place.confirmed_at <= LATER
    assert ask_or_remove_silent_waiters(now=datetime(2027, 5, 10, 12, tzinfo=NOW.tzinfo)) == 1


def test_future_sent_times_are_reset() -> None:
    received(now=AHEAD)
    OutgoingMail.objects.update(state=MailState.SENT, sent_at=AHEAD)
    MailAttempt.objects.create(mail=OutgoingMail.objects.earliest("pk"), attempted_at=AHEAD, succeeded=True)
    run_resets(NOW)
    assert not OutgoingMail.objects.filter(sent_at__gt=LATER).exists()
    assert not MailAttempt.objects.filter(attempted_at__gt=LATER).exists()


def test_future_expiry_of_unsent_mapping_is_reset() -> None:
    mail_link_for_enquiry(enquiry=received(now=AHEAD), now=AHEAD)
    run_resets(NOW)
    expires = InitialMapping.objects.get().expires_at
    assert expiry(NOW) < expires <= expiry(LATER)
    assert remove_unfinished(now=expires) == 0
    assert not InitialMapping.objects.exists()


def test_lagging_clock_changes_no_dates() -> None:
    """A clock that is behind shortens no retention time."""
    enquiry, place = closed(at=NOW), waiter(now=NOW)
    days = enquiry.closed_at, enquiry.remove_on, place.confirmed_at
    for hours in range(0, 48, 6):
        reset_future_moments(now=NOW - timedelta(days=400) + timedelta(hours=hours))
    for hours in range(0, 100, 6):
        reset_future_moments(now=NOW + timedelta(hours=hours))
    enquiry.refresh_from_db()
    place.refresh_from_db()
    assert (enquiry.closed_at, enquiry.remove_on, place.confirmed_at) == days
    assert not ClockSlip.objects.exists()


def test_clock_correction_restarts_waiting_period() -> None:
    enquiry = closed(at=AHEAD)
    reset_future_moments(now=AHEAD - timedelta(days=30))
    reset_future_moments(now=NOW)
    assert reset_future_moments(now=NOW + timedelta(days=2)) == 0
    assert reset_future_moments(now=NOW + timedelta(days=3)) > 0
    enquiry.refresh_from_db()
    assert enquiry.closed_at == NOW + timedelta(days=3)


def test_correct_times_are_not_reset() -> None:
    closed(at=NOW - timedelta(days=1))
    waiter(now=NOW)
    run_resets(NOW)
    assert not ClockSlip.objects.exists()


def test_future_return_date_does_not_block_plan() -> None:
    settings = replace(PauseNotice.load().settings, active=False, ended_on=AHEAD.date())
    assert open_since(settings, NOW) is None
    assert not was_closed_since(settings, since=NOW - timedelta(hours=1), now=NOW)


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1), timedelta(days=1096)])
def test_mail_queued_by_clock_ahead_is_due(ahead: timedelta) -> None:
    enquiry = received(now=NOW + ahead)
    assert OutgoingMail.objects.filter(due(NOW)).count() == enquiry.mails.count() == 2


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1), timedelta(days=1096)])
@pytest.mark.parametrize("failures", range(len(WAITS)))
def test_mail_failed_by_clock_ahead_is_due(failures: int, ahead: timedelta) -> None:
    received(now=NOW)
    OutgoingMail.objects.update(failures=failures, state=MailState.SENDING, claimed_at=NOW)
    for mail in OutgoingMail.objects.all():
        _record_failure(mail, NOW + ahead, error="TimeoutError")
    assert OutgoingMail.objects.filter(due(NOW)).count() == 2
    OutgoingMail.objects.update(next_attempt_at=NOW + WAITS[failures])
    assert not OutgoingMail.objects.filter(due(NOW)).exists()


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1), timedelta(days=1096)])
def test_mail_postponed_by_clock_ahead_is_due(ahead: timedelta) -> None:
    received(now=NOW)
    _postpone_due(NOW + ahead)
    assert OutgoingMail.objects.filter(due(NOW)).count() == 2
    OutgoingMail.objects.update(next_attempt_at=NOW)
    _postpone_due(NOW)
    assert not OutgoingMail.objects.filter(due(NOW)).exists()


def test_mail_with_planned_time_waits() -> None:
    received(now=NOW)
    mail = OutgoingMail.objects.filter(purpose=MailPurpose.NOTIFICATION)
    mail.update(purpose=MailPurpose.WAITING_ANSWER, next_attempt_at=NOW + timedelta(days=1))
    held = OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_ANSWER)
    assert not held.filter(due(NOW)).exists()
    assert held.filter(due(NOW + timedelta(days=1))).count() == 1


def test_planned_time_for_immediate_purpose_is_refused() -> None:
    mail = NewMail(purpose=MailPurpose.CONFIRMATION, recipient="x@esimerkki.fi", subject="A", context={}, goes_at=NOW)
    with pytest.raises(ValueError, match="wrong clock"):
        mail_row(mail, text="a", html="", now=NOW)
