"""Days in the pause notice that are over: told to the supervisor beside the form, never a reason not to save."""

from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from wagtail.admin.panels import Panel

from home.pause import PauseState, pause_state
from home.pause.written_days import past_days


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
            if pause_state(notice.settings, timezone.now()) is not PauseState.OVERDUE:
                return ""
            return date_format(notice.returns_on, "j.n.Y")

        def _written(self) -> list[str]:
            now, notice = timezone.now(), self.instance
            if pause_state(notice.settings, now) is PauseState.OPEN:
                return []
            wordings = (notice.upcoming_message, notice.message, notice.overdue_message, notice.resumed_message)
            return list(dict.fromkeys(day for words in wordings for day in past_days(words, now=now)))
