"""When somebody who says nothing leaves the waiting list, as far as it can be told ahead: without a database."""

from collections.abc import Sequence
from datetime import date, datetime

from home.pause import calendar_day
from intake.retention import months_later
from intake.waiting.rules import QUESTIONS


def leaves_on(*, confirmed_at: datetime, asked_at: Sequence[datetime], months: int) -> date:
    """Return the day (Europe/Helsinki) on which who gets mail is removed if nothing is heard and no mail is late.

    `asked_at` are the moments of the questions that went out; those before `confirmed_at` have been answered. Each of
    the questions, and the last note, comes `months` after the one before (intake.waiting.rules.waiting_needs).
    """
    asked = [moment for moment in asked_at if moment > confirmed_at]
    waits = QUESTIONS + 1 - min(len(asked), QUESTIONS)
    return months_later(calendar_day(max([confirmed_at, *asked])), waits * months)
