"""People on the waiting list, made straight into the database, and the worker's round at a chosen moment."""

import itertools
import uuid
from datetime import datetime, timedelta

import time_machine
from django.utils import timezone

from home.models import PauseNotice
from home.pause.services import record_elapsed_return
from intake.choices import Kind, MailState, Status, Verdict
from intake.enquiry.search import ALPHABET, signature
from intake.mail.delivery import deliver_next
from intake.mail.models import WAITS
from intake.mailbox import mailbox_key
from intake.models import Enquiry, IntakeSettings, OutgoingMail, WaitingPlace
from intake.periodic_jobs import remind_of_pause
from intake.waiting.return_plan import queue_due_return_notices
from intake.waiting.upkeep import ask_or_remove_silent_waiters, remind_and_close
from tests.intake.waiting.post_office import Behaviour, PostOffice

_numbers = itertools.count(1)
# In sequence: among some thousand random references, two could be the same.
_references = ((*symbols[:3], "-", *symbols[3:]) for symbols in itertools.product(ALPHABET, repeat=6))


def waiter(
    *,
    now: datetime,
    email: str = "",
    form: str = "group",
    wants_mail: bool = True,
    verdict: Verdict = Verdict.ACCEPTED,
    is_reached: bool = True,
) -> WaitingPlace:
    """Create the last place on the list, joined at `now`; `is_reached`: its confirmation was delivered at once."""
    number = next(_numbers)
    address = email or f"odottaja{number}@esimerkki.fi"
    enquiry = Enquiry.objects.create(
        reference="".join(next(_references)),
        submission_id=uuid.uuid4(),
        content_digest=uuid.uuid4().hex,
        kind=Kind.WAITING,
        received_at=now,
        verdict=verdict,
        name="Odottava Ihminen",
        email=address,
        supervision_form=form,
        status=Status.WAITING_LIST,
        **signature([]),
    )
    last = WaitingPlace.objects.order_by("-rank").values_list("rank", flat=True).first() or 0
    return WaitingPlace.objects.create(
        enquiry=enquiry,
        joined_at=now,
        rank=last + 1,
        wants_mail=wants_mail,
        mailbox_key=mailbox_key(address),
        confirmed_at=now,
        months=IntakeSettings.load().waiting_months,
        reached_at=now if is_reached else None,
    )


def pause(*, active: bool, **changes: object) -> None:
    """Store a pause, or its end without a day of return; `changes` can set days, or that Aijuu is full."""
    PauseNotice.load()
    days = ("begins_on", "returns_on", "ended_on", "full_ended_on")
    usual = {**dict.fromkeys(days), "opens_by_itself": False, "full": False}
    PauseNotice.objects.update(**{"active": active, **usual, **changes})


def work(moment: datetime) -> None:
    """One round of the worker at the moment, without its mail."""
    with time_machine.travel(moment, tick=False):
        for action in (
            record_elapsed_return,
            remind_of_pause,
            queue_due_return_notices,
            remind_and_close,
            ask_or_remove_silent_waiters,
        ):
            action(now=timezone.now())


def deliver(moment: datetime) -> None:
    """Try every mail that is due at the moment."""
    unsent = OutgoingMail.objects.filter(state__in=(MailState.QUEUED, MailState.SENDING))
    with time_machine.travel(moment, tick=False):
        # deliver_next() costs ten times as much as the query that finds no unsent mail.
        while unsent.exists() and deliver_next(now=timezone.now()):
            pass


def give_up(moment: datetime, server: PostOffice, behaviour: Behaviour = Behaviour.REFUSES) -> datetime:
    """Let the server accept no due mail until each was tried for the last time; return the moment of that try."""
    server.behaviour = behaviour
    deliver(moment)
    for wait in WAITS:
        moment += wait
        deliver(moment)
    server.behaviour = Behaviour.TAKES
    return moment


def round_at(moment: datetime) -> None:
    """Run the worker's round and deliver its mails; deliver again two minutes later, for retries."""
    work(moment)
    deliver(moment)
    deliver(moment + timedelta(minutes=2))
