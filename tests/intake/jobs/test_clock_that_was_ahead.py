"""A clock that was years ahead for a while locks nothing and nobody when it is right again."""

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


def test_the_confirmation_goes_again() -> None:
    received(email="x@esimerkki.fi", now=AHEAD)
    again = received(email="x@esimerkki.fi", message="uusi", now=NOW)
    assert again.mails.filter(purpose=MailPurpose.CONFIRMATION).exists()


def test_the_same_words_are_a_new_letter() -> None:
    first = received(email="x@esimerkki.fi", now=AHEAD)
    second = received(email="x@esimerkki.fi", now=NOW)
    assert first != second
    assert Enquiry.objects.count() == 2


def test_a_small_difference_of_clocks_forgives_nothing() -> None:
    for _ in range(10):
        enforce_rate_limit("k", NOW + timedelta(seconds=30))
    with pytest.raises(TooManyPosts):
        enforce_rate_limit("k", NOW)
    first = received(email="x@esimerkki.fi", now=NOW + timedelta(seconds=30))
    assert received(email="x@esimerkki.fi", now=NOW) == first


def test_the_traces_go_with_the_next_round() -> None:
    enforce_rate_limit("k", AHEAD)
    received(now=AHEAD)
    delete_expired_traces(now=NOW)
    assert not PostingTrace.objects.exists()
    assert not AutomaticReplyTrace.objects.exists()


def heal(at: datetime) -> None:
    """The worker's rounds of four days, by a clock that is right."""
    for hours in range(0, 4 * 24 + 1, 12):
        reset_future_moments(now=at + timedelta(hours=hours))


LATER = NOW + timedelta(days=4)


def test_what_was_closed_is_kept_no_longer() -> None:
    enquiry = closed(at=AHEAD)
    heal(NOW)
    enquiry.refresh_from_db()
    assert enquiry.closed_at is not None
    assert NOW < enquiry.closed_at <= LATER
    assert enquiry.remove_on == date(2027, 7, 4)
    assert remove_due(now=datetime(2027, 7, 4, 12, tzinfo=NOW.tzinfo)) == 1


def test_a_day_of_removal_comes_no_later() -> None:
    enquiry = closed(at=NOW - timedelta(days=100))
    day = enquiry.remove_on
    Enquiry.objects.update(closed_at=AHEAD)
    heal(NOW)
    enquiry.refresh_from_db()
    assert enquiry.remove_on == day


def test_who_waits_is_asked_again() -> None:
    place = waiter(now=AHEAD)
    heal(NOW)
    place.refresh_from_db()
    assert NOW < place.confirmed_at <= LATER
    assert ask_or_remove_silent_waiters(now=datetime(2027, 5, 10, 12, tzinfo=NOW.tzinfo)) == 1


def test_what_was_sent_counts_from_now() -> None:
    received(now=AHEAD)
    OutgoingMail.objects.update(state=MailState.SENT, sent_at=AHEAD)
    MailAttempt.objects.create(mail=OutgoingMail.objects.earliest("pk"), attempted_at=AHEAD, succeeded=True)
    heal(NOW)
    assert not OutgoingMail.objects.filter(sent_at__gt=LATER).exists()
    assert not MailAttempt.objects.filter(attempted_at__gt=LATER).exists()


def test_an_unsent_mapping_has_its_thirty_days() -> None:
    mail_link_for_enquiry(enquiry=received(now=AHEAD), now=AHEAD)
    heal(NOW)
    expires = InitialMapping.objects.get().expires_at
    assert expiry(NOW) < expires <= expiry(LATER)
    assert remove_unfinished(now=expires) == 0
    assert not InitialMapping.objects.exists()


def test_lagging_clock_changes_no_dates() -> None:
    """Nobody's time is made shorter by it."""
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


def test_nothing_is_changed_where_all_is_well() -> None:
    closed(at=NOW - timedelta(days=1))
    waiter(now=NOW)
    heal(NOW)
    assert not ClockSlip.objects.exists()


def test_a_return_in_the_future_holds_no_plan() -> None:
    settings = replace(PauseNotice.load().settings, active=False, ended_on=AHEAD.date())
    assert open_since(settings, NOW) is None
    assert not was_closed_since(settings, since=NOW - timedelta(hours=1), now=NOW)


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1), timedelta(days=1096)])
def test_mail_that_was_queued_then_goes_at_once(ahead: timedelta) -> None:
    enquiry = received(now=NOW + ahead)
    assert OutgoingMail.objects.filter(due(NOW)).count() == enquiry.mails.count() == 2


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1), timedelta(days=1096)])
@pytest.mark.parametrize("failures", range(len(WAITS)))
def test_mail_that_failed_then_waits_no_longer_than_for_its_failures(failures: int, ahead: timedelta) -> None:
    received(now=NOW)
    OutgoingMail.objects.update(failures=failures, state=MailState.SENDING, claimed_at=NOW)
    for mail in OutgoingMail.objects.all():
        _record_failure(mail, NOW + ahead, error="TimeoutError")
    assert OutgoingMail.objects.filter(due(NOW)).count() == 2
    OutgoingMail.objects.update(next_attempt_at=NOW + WAITS[failures])
    assert not OutgoingMail.objects.filter(due(NOW)).exists()


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1), timedelta(days=1096)])
def test_mail_that_was_postponed_then_waits_a_minute_at_most(ahead: timedelta) -> None:
    received(now=NOW)
    _postpone_due(NOW + ahead)
    assert OutgoingMail.objects.filter(due(NOW)).count() == 2
    OutgoingMail.objects.update(next_attempt_at=NOW)
    _postpone_due(NOW)
    assert not OutgoingMail.objects.filter(due(NOW)).exists()


def test_mail_that_is_for_later_waits() -> None:
    received(now=NOW)
    mail = OutgoingMail.objects.filter(purpose=MailPurpose.NOTIFICATION)
    mail.update(purpose=MailPurpose.WAITING_ANSWER, next_attempt_at=NOW + timedelta(days=1))
    held = OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_ANSWER)
    assert not held.filter(due(NOW)).exists()
    assert held.filter(due(NOW + timedelta(days=1))).count() == 1


def test_no_mail_is_held_that_the_rule_takes_for_one_of_a_wrong_clock() -> None:
    mail = NewMail(purpose=MailPurpose.CONFIRMATION, recipient="x@esimerkki.fi", subject="A", context={}, goes_at=NOW)
    with pytest.raises(ValueError, match="wrong clock"):
        mail_row(mail, text="a", html="", now=NOW)
