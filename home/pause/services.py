"""The only writers of the pause. Each writes in one transaction, names the version it changes, and keeps history."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.html import strip_tags

from home.pause.models import PauseChange, PauseDeed, PauseNotice
from home.pause.rules import FormMode, PauseSettings, PauseState, calendar_day, pause_state, settled

# What the form of the pause may set.
EDITABLE = (
    "active",
    "begins_on",
    "returns_on",
    "opens_by_itself",
    "form_mode",
    "upcoming_message",
    "message",
    "overdue_message",
    "resumed_message",
    "welcome_days",
    "preview_audience",
)
_WORDS = ("upcoming_message", "message", "overdue_message", "resumed_message")
_KEPT = (*EDITABLE, "ended_on")
_DAYS = ("begins_on", "returns_on", "ended_on")
# Later than this, a change is no slip any more; what has been built on it since would be taken by surprise.
UNDO_FOR = timedelta(hours=24)


class PauseChangedMeanwhile(Exception):
    """Somebody, perhaps the same person in another tab, changed the pause after this page was opened."""


class NothingToUndo(Exception):
    """The last change can't be undone: see `undoable`."""


def change_pause(*, values: Mapping[str, Any], version: int, by: User | None, now: datetime) -> PauseNotice:
    """Set the fields in `values` (of EDITABLE) and return the notice; the same values again change nothing.

    The days of a pause that is switched off are emptied. Raises PauseChangedMeanwhile for an old `version`,
    ValidationError for what can't be set together (home.pause.rules), ValueError for a field that is not EDITABLE.
    """
    if unknown := set(values) - set(EDITABLE):
        raise ValueError(f"not a field of the pause's form: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        notice = _locked(version, now)
        before = _snapshot(notice)
        for name, value in values.items():
            # An empty editor sends an empty paragraph with a new key each time.
            setattr(notice, name, "" if name in _WORDS and not strip_tags(value).strip() else value)
        notice.full_clean()
        if not notice.active:
            notice.begins_on, notice.returns_on, notice.opens_by_itself = None, None, False
        return _keep(notice, before, by=by, now=now)


def begin_pause(*, version: int, by: User | None, now: datetime) -> PauseNotice:
    """Begin a pause at once, or let the announced one begin now; where one stands already nothing changes.

    A day of return that is still ahead is kept, a day gone by is forgotten. Raises PauseChangedMeanwhile for an old
    `version`.
    """
    with transaction.atomic():
        notice = _locked(version, now)
        before = _snapshot(notice)
        if not pause_state(notice.settings, now).is_paused:
            notice.active, notice.begins_on = True, None
            if notice.returns_on is None or notice.returns_on <= calendar_day(now):
                notice.returns_on, notice.opens_by_itself = None, False
        return _keep(notice, before, by=by, now=now)


def end_pause(*, version: int, by: User | None, now: datetime) -> PauseNotice:
    """End the pause, or call off the announced one; where there is none nothing changes.

    Raises PauseChangedMeanwhile for an old `version`.
    """
    return change_pause(values={"active": False}, version=version, by=by, now=now)


def undo_last(*, version: int, by: User | None, now: datetime) -> PauseNotice:
    """Put every field back as it was before the last change. This is a change like any: undone, it is done again.

    Raises PauseChangedMeanwhile for an old `version`, NothingToUndo where the last change is not `undoable`.
    """
    with transaction.atomic():
        notice = _locked(version, now)
        change = undoable(notice, now=now)
        if change is None:
            raise NothingToUndo
        before = _snapshot(notice)
        _restore(notice, change.before)
        return _keep(notice, before, by=by, now=now, deed=PauseDeed.UNDONE)


def undoable(notice: PauseNotice, *, now: datetime) -> PauseChange | None:
    """The last change of the pause, where undoing it would still do what one expects; else None.

    Not one older than UNDO_FOR; not where the notice has since been written past this module; not where the clock
    would take the old state away at once (a pause that opened by itself).
    """
    change = PauseChange.objects.select_related("changed_by").filter(version=notice.version).first()
    if change is None or now - change.changed_at > UNDO_FOR or change.after != _snapshot(notice):
        return None
    earlier = settings_of(change.before)
    return change if settled(earlier, now) is earlier else None


def settle_pause(*, now: datetime) -> bool:
    """Put a pause to rest that has opened by itself; True where this call did it.

    For the worker, as often as it likes. Visitors have seen the return since midnight: the state is a function of the
    clock. This makes the fields, the history and Kati's form say the same.
    """
    notice = PauseNotice.objects.first()
    if notice is None or settled(notice.settings, now) == notice.settings:
        return False
    with transaction.atomic():
        return _settle(PauseNotice.objects.select_for_update().get(pk=notice.pk), now)


def settings_of(snapshot: Mapping[str, Any]) -> PauseSettings:
    """What home.pause takes, of the JSON of a PauseChange."""
    values = _values(snapshot)
    return PauseSettings(
        active=values["active"],
        begins_on=values["begins_on"],
        returns_on=values["returns_on"],
        opens_by_itself=values["opens_by_itself"],
        ended_on=values["ended_on"],
        welcome_days=values["welcome_days"],
        form_mode=FormMode(values["form_mode"]),
    )


def _locked(version: int, now: datetime) -> PauseNotice:
    """The one row, held until the transaction's end, with what the clock has done to it written down."""
    notice = PauseNotice.objects.select_for_update().get(pk=PauseNotice.load().pk)
    if notice.version != version:
        raise PauseChangedMeanwhile
    _settle(notice, now)
    return notice


def _settle(notice: PauseNotice, now: datetime) -> bool:
    rested = settled(notice.settings, now)
    if rested == notice.settings:
        return False
    before = _snapshot(notice)
    put_to_rest(notice, now=now)
    _keep(notice, before, by=None, now=now, deed=PauseDeed.OPENED_BY_ITSELF)
    return True


def put_to_rest(notice: PauseNotice, *, now: datetime) -> None:
    """Give `notice` the fields that the clock has made true (home.pause.rules); nothing is stored."""
    rested = settled(notice.settings, now)
    for name in ("active", "ended_on", "begins_on", "returns_on", "opens_by_itself"):
        setattr(notice, name, getattr(rested, name))


def _keep(
    notice: PauseNotice, before: dict[str, Any], *, by: User | None, now: datetime, deed: PauseDeed | None = None
) -> PauseNotice:
    """Store the notice with its next version and what was done; nothing where nothing is different."""
    old = settings_of(before)
    if deed is None:
        # A pause that really stood and stands no more ended today, whichever button did it.
        if pause_state(old, now).is_paused and not pause_state(notice.settings, now).is_paused:
            notice.ended_on = calendar_day(now)
        deed = _deed(pause_state(old, now), pause_state(notice.settings, now))
    after = _snapshot(notice)
    if after == before:
        return notice
    notice.version += 1
    notice.save()
    PauseChange.objects.create(
        changed_at=now, changed_by=by, deed=deed, before=before, after=after, version=notice.version
    )
    return notice


def _deed(old: PauseState, new: PauseState) -> PauseDeed:
    if new.is_paused:
        return PauseDeed.CHANGED if old.is_paused else PauseDeed.BEGUN
    if new is PauseState.UPCOMING:
        return PauseDeed.CHANGED if old is PauseState.UPCOMING else PauseDeed.PLANNED
    if old.is_paused:
        return PauseDeed.ENDED
    return PauseDeed.CANCELLED if old is PauseState.UPCOMING else PauseDeed.CHANGED


def _snapshot(notice: PauseNotice) -> dict[str, Any]:
    """The kept fields as JSON: days as ISO 8601."""
    values = {name: getattr(notice, name) for name in _KEPT}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def _values(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: date.fromisoformat(snapshot[name]) if name in _DAYS and snapshot[name] else snapshot[name]
        for name in _KEPT
    }


def _restore(notice: PauseNotice, snapshot: Mapping[str, Any]) -> None:
    for name, value in _values(snapshot).items():
        setattr(notice, name, value)
