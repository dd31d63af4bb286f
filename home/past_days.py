"""Days in the pause notice that are over: told to the supervisor beside the form, never a reason not to save."""

import re
from datetime import date, datetime
from html import unescape
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags
from wagtail.admin.panels import Panel

from home.pause import PauseState, calendar_day, pause_state

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


class PastDayPanel(Panel):
    """A warning at the top of the pause notice's form while the notice stands and a day in it has gone by."""

    class BoundPanel(Panel.BoundPanel):  # type: ignore[misc]
        template_name = "home/admin/past_days.html"

        def is_shown(self) -> bool:
            return bool(super().is_shown() and (self._announced() or self._written()))

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            return {
                **super().get_context_data(parent_context),
                "announced": self._announced(),
                "written": self._written(),
            }

        def _announced(self) -> str:
            notice = self.instance
            if (
                pause_state(active=notice.active, returns_on=notice.returns_on, now=timezone.now())
                != PauseState.OVERDUE
            ):
                return ""
            return date_format(notice.returns_on, "j.n.Y")

        def _written(self) -> list[str]:
            return past_days(self.instance.message, now=timezone.now()) if self.instance.active else []
