"""Days written out in a text that have gone by."""

import re
from datetime import date, datetime
from html import unescape

from django.utils.html import strip_tags

from home.pause.states import calendar_day

# As Finns write a day: 1.2.2027, 1. 2. 2027.
_WRITTEN_DAY = re.compile(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?!\d)")


def past_days(html: str, *, now: datetime) -> list[str]:
    """The days written out in `html` that have gone by at the aware moment `now`, as they are written.

    Only days with a year: 1.2. may mean the next one.
    """
    today = calendar_day(now)
    return [match.group() for match in _WRITTEN_DAY.finditer(unescape(strip_tags(html))) if _is_past(match, today)]


def _is_past(match: re.Match[str], today: date) -> bool:
    day, month, year = (int(part) for part in match.groups())
    try:
        return date(year, month, day) < today
    except ValueError:
        # 31.2.2027 is no day; that is another mistake.
        return False
