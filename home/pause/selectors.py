"""Reads of the pause: the state for one request, and the history as the rules take it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone

from home.contact_details import ContactDetails
from home.pause.models import PauseChange, PauseDeed, PauseNotice
from home.pause.rules import FormMode, Held, form_modes
from home.pause.services import settings_of
from home.pause.wording import PauseStatus


def timeline(notice: PauseNotice, changes: Iterable[PauseChange]) -> list[Held]:
    """What held when, oldest first, of all `changes` in any order. What was undone never held: it was a slip."""
    kept = sorted(changes, key=lambda change: change.version)
    if not kept:
        return [Held(notice.settings, None)]
    held = [Held(settings_of(kept[0].before), None)]
    taken_back: Held | None = None
    for change in kept:
        if change.deed != PauseDeed.UNDONE:
            held.append(Held(settings_of(change.after), change.changed_at))
            taken_back = None
        elif taken_back is not None:
            # The undoing was undone.
            held.append(taken_back)
            taken_back = None
        elif len(held) > 1:
            taken_back = held.pop()
    return held


_ON_REQUEST = "_pause_status"


def current_pause(request: HttpRequest) -> PauseStatus:
    """The state and its words, the same for the whole request: a page must not change its mind at midnight.

    Read from the database once a request, so that a switch holds from the next page view in every process.
    """
    status = getattr(request, _ON_REQUEST, None)
    if not isinstance(status, PauseStatus):
        details = ContactDetails.load(request)
        status = PauseNotice.load(request).status(now=timezone.now(), facebook_url=details.facebook_url)
        setattr(request, _ON_REQUEST, status)
    return status


def preview_attributes(status: PauseStatus) -> dict[str, PauseStatus]:
    """What a request needs for everything that answers it to see `status`: for previews of what does not hold."""
    return {_ON_REQUEST: status}


def lately_offered(mode: FormMode, *, within: timedelta, now: datetime) -> bool:
    """Return whether the contact page does this now, or has done it at some time `within` so long before."""
    changes = list(PauseChange.objects.filter(changed_at__gte=now - within).order_by("version"))
    history = [Held(settings_of(change.before), None) for change in changes[:1]]
    history += [Held(settings_of(change.after), change.changed_at) for change in changes[:-1]]
    # The notice itself is what the latest change made.
    history.append(Held(PauseNotice.load().settings, changes[-1].changed_at if changes else None))
    return mode in form_modes(history, now - within, now)
