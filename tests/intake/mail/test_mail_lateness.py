"""When a mail is late, at any current time, and that the query agrees with the rule."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from intake.choices import MailState
from intake.mail.delivery import deliver_next
from intake.mail.models import abandoned, due, is_late, late, untouched
from intake.models import OutgoingMail
from tests.intake.enquiries import received

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
YEARS = timedelta(days=1500)


@pytest.mark.parametrize(
    ("state", "failures", "next_in", "claimed_in", "expected"),
    [
        (MailState.QUEUED, 0, timedelta(), None, False),
        (MailState.QUEUED, 0, -15 * MINUTE, None, False),
        (MailState.QUEUED, 0, -16 * MINUTE, None, True),
        (MailState.QUEUED, 0, timedelta(days=-5), None, True),
        (MailState.QUEUED, 0, timedelta(hours=1), None, False),
        (MailState.QUEUED, 0, YEARS, None, True),
        (MailState.QUEUED, 1, timedelta(hours=1), None, True),
        (MailState.SENDING, 0, timedelta(), -MINUTE, False),
        (MailState.SENDING, 0, timedelta(), -16 * MINUTE, True),
        (MailState.SENDING, 0, timedelta(), YEARS, True),
        (MailState.SENDING, 2, timedelta(), -MINUTE, True),
        (MailState.SENT, 0, -YEARS, -YEARS, False),
        (MailState.SENT, 3, -YEARS, -YEARS, False),
        (MailState.FAILED, 8, None, -YEARS, True),
        (MailState.FAILED, 0, None, None, True),
    ],
)
def test_a_mail_is_late_by_age_or_failure(
    state: str, failures: int, next_in: timedelta | None, claimed_in: timedelta | None, expected: bool
) -> None:
    found = is_late(
        state=state,
        failures=failures,
        next_attempt_at=None if next_in is None else NOW + next_in,
        claimed_at=None if claimed_in is None else NOW + claimed_in,
        now=NOW,
    )
    assert found is expected


@pytest.mark.django_db
def test_late_query_agrees_with_rule() -> None:
    mail = received(now=NOW).mails.all()[0]
    OutgoingMail.objects.exclude(pk=mail.pk).delete()
    ages = (None, -YEARS, -16 * MINUTE, -14 * MINUTE, timedelta(), timedelta(hours=1), YEARS)
    for state, failures, next_in, claimed_in in product(MailState.values, (0, 1), ages, ages):
        values: dict[str, Any] = {
            "state": state,
            "failures": failures,
            "next_attempt_at": None if next_in is None else NOW + next_in,
            "claimed_at": None if claimed_in is None else NOW + claimed_in,
        }
        OutgoingMail.objects.update(**values)
        assert OutgoingMail.objects.filter(late(NOW)).exists() is is_late(**values, now=NOW), values
        if OutgoingMail.objects.filter(untouched(NOW)).exists():
            assert is_late(**values, now=NOW), values


@pytest.mark.django_db
def test_mail_queued_by_clock_ahead_is_due() -> None:
    received(now=NOW)
    OutgoingMail.objects.update(next_attempt_at=NOW + YEARS)
    assert OutgoingMail.objects.filter(due(NOW)).count() == 2
    while deliver_next(now=NOW):
        pass
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {MailState.SENT}


@pytest.mark.django_db
def test_claim_from_the_future_is_released() -> None:
    received(now=NOW)
    OutgoingMail.objects.update(state=MailState.SENDING, claimed_at=NOW + YEARS)
    assert OutgoingMail.objects.filter(abandoned(NOW)).count() == 2
    OutgoingMail.objects.update(claimed_at=NOW - MINUTE)
    assert not OutgoingMail.objects.filter(abandoned(NOW)).exists()
