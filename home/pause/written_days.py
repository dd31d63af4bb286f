"""Days written out in a text that have gone by."""

from datetime import datetime
from html import unescape

from django.utils.html import strip_tags

from home.pause.states import calendar_day
from home.written_days import days_in


def past_days(html: str, *, now: datetime) -> list[str]:
    """The days written out in `html` that have gone by at the aware moment `now`, as they are written.

    Only days with a year: 1.2. may mean the next one.
    """
    today = calendar_day(now)
    return [written for written, day in days_in(unescape(strip_tags(html))) if day < today]
