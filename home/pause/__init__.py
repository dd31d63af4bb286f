"""The pause: one dated state decides the notice, the buttons, what the form does, structured data and mail wordings."""

from home.pause.states import (
    CALENDAR,
    FormMode,
    PauseSettings,
    PauseState,
    calendar_day,
    form_mode,
    last_welcome_day,
    pause_state,
)
from home.pause.wording import PauseStatus, PauseWords, next_step, pause_status

__all__ = [
    "CALENDAR",
    "FormMode",
    "PauseSettings",
    "PauseState",
    "PauseStatus",
    "PauseWords",
    "calendar_day",
    "form_mode",
    "last_welcome_day",
    "next_step",
    "pause_state",
    "pause_status",
]
