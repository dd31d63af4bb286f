"""Reads of the pause: the state for a request, and the timeline for the functions of home.pause.rules."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone

from home.contact_details import ContactDetails
from home.pause.models import PauseAction, PauseChange, PauseNotice
from home.pause.rules import FormMode, TimelineEntry, form_modes
from home.pause.services import settings_from_snapshot
from home.pause.wording import PauseStatus

_ON_REQUEST = "_pause_status"


def timeline(notice: PauseNotice, changes: Iterable[PauseChange]) -> list[TimelineEntry]:
    """Return the settings over time, oldest first. `changes` come in any order; undone ones are left out."""
    ordered = sorted(changes, key=lambda change: change.version)
    if not ordered:
        return [TimelineEntry(notice.settings, None)]
    entries = [TimelineEntry(settings_from_snapshot(ordered[0].before), None)]
    undone: TimelineEntry | None = None
    for change in ordered:
        if change.action != PauseAction.UNDONE:
            entries.append(TimelineEntry(settings_from_snapshot(change.after), change.changed_at))
            undone = None
        elif undone is not None:
            # Undoing an undo redoes the change.
            entries.append(undone)
            undone = None
        elif len(entries) > 1:
            undone = entries.pop()
    return entries


def current_pause(request: HttpRequest) -> PauseStatus:
    """Return the state and wording, the same throughout a request, also across midnight.

    Read from the database once per request: a change is visible on the next page view in every process.
    """
    status = getattr(request, _ON_REQUEST, None)
    if not isinstance(status, PauseStatus):
        details = ContactDetails.load(request)
        status = PauseNotice.load(request).status(now=timezone.now(), facebook_url=details.facebook_url)
        setattr(request, _ON_REQUEST, status)
    return status


def preview_attributes(status: PauseStatus) -> dict[str, PauseStatus]:
    """Return request attributes that make current_pause() return `status`, for a preview of another state."""
    return {_ON_REQUEST: status}


def offered_recently(mode: FormMode, *, within: timedelta, now: datetime) -> bool:
    """Return whether the contact page has this mode now, or had it at some time `within` that long before."""
    changes = list(PauseChange.objects.filter(changed_at__gte=now - within).order_by("version"))
    entries = [TimelineEntry(settings_from_snapshot(change.before), None) for change in changes[:1]]
    entries += [TimelineEntry(settings_from_snapshot(change.after), change.changed_at) for change in changes[:-1]]
    # The notice itself holds what the latest change made.
    entries.append(TimelineEntry(PauseNotice.load().settings, changes[-1].changed_at if changes else None))
    return mode in form_modes(entries, now - within, now)
