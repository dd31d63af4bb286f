"""When an enquiry is removed: pure rules of time, by the Finnish calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.choices import Outcome
from intake.enquiry.rules import RetentionTimes, months_later, removal_date

TIMES = RetentionTimes(months=6, spam_days=14)
days = st.dates(date(2000, 1, 1), date(2200, 1, 1))


@pytest.mark.parametrize(
    ("closed", "removed"),
    [
        (datetime(2026, 8, 31, 9, tzinfo=UTC), date(2027, 2, 28)),
        (datetime(2027, 8, 31, 9, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2026, 12, 15, 9, tzinfo=UTC), date(2027, 6, 15)),
        # Half past midnight in Finland is still the day before in UTC, in summer and in winter time.
        (datetime(2026, 8, 14, 21, 30, tzinfo=UTC), date(2027, 2, 15)),
        (datetime(2026, 12, 14, 21, 30, tzinfo=UTC), date(2027, 6, 14)),
        (datetime(2026, 12, 14, 22, 30, tzinfo=UTC), date(2027, 6, 15)),
    ],
)
def test_closed_enquiry_is_removed_after_retention_months(closed: datetime, removed: date) -> None:
    assert removal_date(closed_at=closed, outcome=Outcome.AGREEMENT, times=TIMES) == removed


@pytest.mark.parametrize(
    ("closed", "removed"),
    [
        (datetime(2026, 10, 20, 9, tzinfo=UTC), date(2026, 11, 3)),
        # The clocks are turned back on 25.10.2026 and forward on 28.3.2027.
        (datetime(2026, 10, 24, 20, 59, tzinfo=UTC), date(2026, 11, 7)),
        (datetime(2027, 3, 27, 21, 59, tzinfo=UTC), date(2027, 4, 10)),
        (datetime(2027, 3, 27, 22, 1, tzinfo=UTC), date(2027, 4, 11)),
    ],
)
def test_spam_removal_date_across_daylight_saving_change(closed: datetime, removed: date) -> None:
    assert removal_date(closed_at=closed, outcome=Outcome.SPAM, times=TIMES) == removed


def test_open_enquiry_has_no_removal_date() -> None:
    assert removal_date(closed_at=None, outcome="", times=TIMES) is None


@given(days, st.integers(0, 60))
def test_months_later_never_exceeds_the_month(day: date, months: int) -> None:
    later = months_later(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


@given(days, days, st.integers(0, 60))
def test_removal_order_follows_closing_order(one: date, other: date, months: int) -> None:
    first, second = sorted((one, other))
    assert months_later(first, months) <= months_later(second, months)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)), st.integers(1, 365))
def test_spam_removal_date_follows_retention_days(closed: datetime, spam_days: int) -> None:
    times = RetentionTimes(months=6, spam_days=spam_days)
    removed = removal_date(closed_at=closed, outcome=Outcome.SPAM, times=times)
    assert removed is not None
    assert timedelta(days=spam_days - 1) <= removed - closed.date() <= timedelta(days=spam_days + 1)
