"""What a plan of the return would do: who is told on which day, who is not, and the mail as it goes out."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime

from home.models import PauseNotice
from home.pause import PauseState, pause_state
from intake.admin.waiting.reading import places_on_the_list
from intake.models.waiting import ReturnPlan, WaitingPlace
from intake.services.list_places import is_tellable
from intake.services.return_mails import return_notice_preview
from intake.services.returning import next_mailboxes
from intake.waiting.rules import room_today
from intake.waiting.schedule import Schedule, first_telling_day, schedule


@dataclass(frozen=True, kw_only=True)
class ToTell:
    """One mailbox that is to be told: the place whose enquiry the mail is about, and its other places."""

    place: WaitingPlace
    others: tuple[WaitingPlace, ...]


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What will happen by a plan if nothing changes.

    `by_hand` are those on the list whom the site does not write to. `pause_begins_on` is the day of an announced
    pause. `seen` stands for all that the page shows of it: who is told and when, and the words.
    """

    schedule: Schedule[ToTell]
    by_hand: tuple[WaitingPlace, ...]
    pause_begins_on: date | None
    subject: str
    text: str
    html: str
    seen: str

    @property
    def total(self) -> int:
        """How many mailboxes are to be told."""
        return sum(len(day.told) for day in self.schedule.days) + len(self.schedule.held)


def outlook(plan: ReturnPlan, *, now: datetime) -> Outlook:
    """Return what the plan will do from `now` on; it need not be saved, and nothing is."""
    places = {place.pk: place for place in places_on_the_list()}
    queue = []
    for mailbox in next_mailboxes(plan):
        still = [places[waiter.place_id] for waiter in mailbox if waiter.place_id in places]
        if still:
            queue.append(ToTell(place=still[0], others=tuple(still[1:])))
    pause_begins_on = _announced_pause(now)
    first_day = first_telling_day(now)
    planned = schedule(
        queue,
        per_day=plan.per_day,
        room_on_first=room_today(
            per_day=plan.per_day, told_on=plan.told_on, told_that_day=plan.told_that_day, today=first_day
        ),
        first_day=first_day,
        pause_begins_on=pause_begins_on,
    )
    subject, text, html = return_notice_preview(plan)
    return Outlook(
        schedule=planned,
        by_hand=tuple(place for place in places.values() if not is_tellable(place)),
        pause_begins_on=pause_begins_on,
        subject=subject,
        text=text,
        html=html,
        seen=_seen(planned, plan, text),
    )


def _announced_pause(now: datetime) -> date | None:
    settings = PauseNotice.load().settings
    return settings.begins_on if pause_state(settings, now) is PauseState.UPCOMING else None


def _seen(planned: Schedule[ToTell], plan: ReturnPlan, text: str) -> str:
    """Return what stands for everything that decides whether it is still the plan that the page showed."""
    days = [[day.on.isoformat(), [one.place.enquiry_id for one in day.told]] for day in planned.days]
    held = [one.place.enquiry_id for one in planned.held]
    return hashlib.sha256(json.dumps([days, held, plan.per_day, plan.answer_days, text]).encode()).hexdigest()
