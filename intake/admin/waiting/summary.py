"""The waiting list on the first page of the admin: counts, no names."""

from dataclasses import dataclass
from datetime import datetime

from home.models import PauseNotice
from intake.admin.waiting.reading import places_on_the_list
from intake.choices import PlanState
from intake.models.waiting import ReturnPlan
from intake.services.returning import next_mailboxes


@dataclass(frozen=True, kw_only=True)
class WaitingSummary:
    """`total` are on the list. `running` is the plan that tells the return, `to_tell` how many it, or a plan that
    could be made now, has still to tell: 0 during a pause, when none can."""

    total: int
    running: ReturnPlan | None
    to_tell: int
    is_paused: bool

    @property
    def all_told(self) -> int:
        """How many the running plan will have told in the end."""
        return self.to_tell + (self.running.told if self.running else 0)


def waiting_summary(*, now: datetime) -> WaitingSummary:
    """Return what the first page says of the list."""
    running = ReturnPlan.objects.filter(state=PlanState.RUNNING).first()
    is_paused = PauseNotice.load().status(now=now).is_paused
    can_tell = running is not None or not is_paused
    return WaitingSummary(
        total=places_on_the_list().count(),
        running=running,
        is_paused=is_paused,
        to_tell=len(next_mailboxes(running or ReturnPlan())) if can_tell else 0,
    )
