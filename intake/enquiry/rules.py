"""Rules for references and retention. All but new_reference() are pure functions."""

import calendar
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from intake.choices import Outcome
from intake.jobs.schedule import is_from_future
from intake.typed_text import clean_line

# No characters that look or sound alike (0/O, 1/I/L, 2/Z, 5/S, 8/B, D/T, M/N, G/K, U/V/W), no vowels: no words.
ALPHABET = "34679CFHJKNPRTXY"
_LENGTH = 6
# As people write a reference: in either case, with or without a separator.
_WRITTEN = re.compile(
    rf"(?<![^\W_])([{ALPHABET}]{{3}})[\s\u2010-\u2015\u2212_-]*([{ALPHABET}]{{3}})(?![^\W_])", re.IGNORECASE
)


def new_reference() -> str:
    """Return a random reference such as "K7P-4XC", one of 16**6 (about 17 million)."""
    symbols = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
    return f"{symbols[:3]}-{symbols[3:]}"


def references_in(text: str) -> set[str]:
    """Return possible references in `text`, in their stored form ("re: k7p 4xc" -> {"K7P-4XC"})."""
    return {f"{match[1]}-{match[2]}".upper() for match in _WRITTEN.finditer(clean_line(text))}


# The URL of a thank-you page stays in the browser's history: after this it leads to nothing that was sent.
RECEIPT_WINDOW = timedelta(days=1)


def receipt_is_fresh(sent_at: datetime, now: datetime) -> bool:
    """Return whether the receipt of something sent at `sent_at` still leads to what was sent, and on to the mapping."""
    # In UTC: two moments of one time zone are subtracted as the clock shows them, which is wrong over a change of time.
    age = now.astimezone(UTC) - sent_at.astimezone(UTC)
    return age < RECEIPT_WINDOW and not is_from_future(sent_at, now)


@dataclass(frozen=True, kw_only=True)
class RetentionTimes:
    """How long closed enquiries are kept (GDPR art. 5(1)(e), storage limitation)."""

    months: int
    spam_days: int


def removal_date(*, closed_at: datetime | None, outcome: str, times: RetentionTimes) -> date | None:
    """Return the removal date (Europe/Helsinki) of an enquiry closed at `closed_at`; None while it is open."""
    if closed_at is None:
        return None
    closed_on = timezone.localdate(closed_at)
    if outcome == Outcome.SPAM:
        return closed_on + timedelta(days=times.spam_days)
    return months_later(closed_on, times.months)


def months_later(day: date, months: int) -> date:
    """Return the same day `months` later, or the last day of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
