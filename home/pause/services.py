"""The only writers of the pause. Each works in one transaction, checks the version, and records the change."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from home.editors_text import has_visible_text
from home.pause.models import (
    EDITABLE,
    SNAPSHOT_FIELDS,
    TEXT_FIELDS,
    PauseAction,
    PauseChange,
    PauseNotice,
    settings_from_snapshot,
    snapshot_values,
)
from home.pause.rules import (
    NO_DAYS,
    PauseSettings,
    PauseState,
    after_elapsed_return,
    announced_pause,
    calendar_day,
    pause_state,
)

# An older change can't be undone: other decisions may depend on it.
UNDO_FOR = timedelta(hours=24)


class PauseChangedMeanwhile(Exception):
    """The pause was changed after this page was opened, by somebody else or in another tab."""


class NothingToUndo(Exception):
    """There is no `undoable` change."""


def change_pause(*, values: Mapping[str, Any], version: int, by: AbstractBaseUser | None, now: datetime) -> PauseNotice:
    """Set the fields in `values` and return the notice. Equal values record no change.

    Switching the pause off empties its days. Raises PauseChangedMeanwhile for an old `version`, ValidationError for
    values that can't be set together (home.pause.rules), ValueError for a field that is not EDITABLE.
    """
    if unknown := set(values) - set(EDITABLE):
        raise ValueError(f"not a field of the pause's form: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        notice = _locked(version, now)
        before = _snapshot(notice)
        for name, value in values.items():
            # An empty editor sends an empty paragraph with a new key each time.
            setattr(notice, name, "" if name in TEXT_FIELDS and not has_visible_text(value) else value)
        notice.full_clean()
        if not notice.active:
            _set(notice, NO_DAYS)
        return _store(notice, before, by=by, now=now)


def begin_pause(*, version: int, by: AbstractBaseUser | None, now: datetime) -> PauseNotice:
    """Begin a pause now, or the announced one before its day. Changes nothing during a pause.

    A day of return in the future is kept, one in the past is emptied. Raises PauseChangedMeanwhile for an old
    `version`.
    """
    with transaction.atomic():
        notice = _locked(version, now)
        before = _snapshot(notice)
        if not pause_state(notice.settings, now).is_paused:
            notice.active, notice.begins_on = True, None
            if notice.returns_on is None or notice.returns_on <= calendar_day(now):
                notice.returns_on, notice.opens_by_itself = None, False
        return _store(notice, before, by=by, now=now)


def end_pause(*, version: int, by: AbstractBaseUser | None, now: datetime) -> PauseNotice:
    """End the pause, or cancel the announced one. Changes nothing where there is none.

    Raises PauseChangedMeanwhile for an old `version`.
    """
    return change_pause(values={"active": False}, version=version, by=by, now=now)


def set_full(*, full: bool, version: int, by: AbstractBaseUser | None, now: datetime) -> PauseNotice:
    """Stop starting new supervision, or start it again. Changes nothing where `full` has this value already.

    Raises PauseChangedMeanwhile for an old `version`.
    """
    return change_pause(values={"full": full}, version=version, by=by, now=now)


def undo_last(*, version: int, by: AbstractBaseUser | None, now: datetime) -> PauseNotice:
    """Restore every field to its value before the last change. Recorded as a change, so it can be undone too.

    Raises PauseChangedMeanwhile for an old `version`, NothingToUndo where the last change is not `undoable`.
    """
    with transaction.atomic():
        notice = _locked(version, now)
        change = undoable(notice, now=now)
        if change is None:
            raise NothingToUndo
        before = _snapshot(notice)
        _set(notice, snapshot_values(change.before))
        return _store(notice, before, by=by, now=now, action=PauseAction.UNDONE)


def undoable(notice: PauseNotice, *, now: datetime) -> PauseChange | None:
    """Return the last change if it can be undone, else None.

    It can't when it is older than UNDO_FOR, when the notice was written outside this module since, or when the
    restored pause would open by itself at once.
    """
    change = PauseChange.objects.select_related("changed_by").filter(version=notice.version).first()
    if change is None or now - change.changed_at > UNDO_FOR or change.after != _snapshot(notice):
        return None
    earlier = settings_from_snapshot(change.before)
    return change if after_elapsed_return(earlier, now) is earlier else None


def record_elapsed_return(*, now: datetime) -> bool:
    """Switch off a pause that has opened by itself and record it. Return whether this call did so. Idempotent.

    Visitors see the return from midnight on, because the state depends on the clock. This function then updates the
    fields and the history.
    """
    notice = PauseNotice.objects.first()
    if notice is None or after_elapsed_return(notice.settings, now) == notice.settings:
        return False
    with transaction.atomic():
        return _record_elapsed_return(PauseNotice.objects.select_for_update().get(pk=notice.pk), now)


def _locked(version: int, now: datetime) -> PauseNotice:
    """Return the row, locked until the end of the transaction, with an elapsed return recorded."""
    notice = PauseNotice.objects.select_for_update().get(pk=PauseNotice.load().pk)
    if notice.version != version:
        raise PauseChangedMeanwhile
    _record_elapsed_return(notice, now)
    return notice


def _record_elapsed_return(notice: PauseNotice, now: datetime) -> bool:
    if after_elapsed_return(notice.settings, now) == notice.settings:
        return False
    before = _snapshot(notice)
    apply_elapsed_return(notice, now=now)
    _store(notice, before, by=None, now=now, action=PauseAction.OPENED_BY_ITSELF)
    return True


def apply_elapsed_return(notice: PauseNotice, *, now: datetime) -> None:
    """Switch `notice` off where it has opened by itself (home.pause.rules). Does not save it."""
    notice.settings = after_elapsed_return(notice.settings, now)


def _store(
    notice: PauseNotice,
    before: dict[str, Any],
    *,
    by: AbstractBaseUser | None,
    now: datetime,
    action: PauseAction | None = None,
) -> PauseNotice:
    """Save the notice with its next version and record the change. Saves nothing where no field differs."""
    if action is None:
        old = settings_from_snapshot(before)
        was, is_now = pause_state(old, now), pause_state(notice.settings, now)
        # A pause, or being full, that applied before this change and no longer does has ended today.
        if was.is_paused and not is_now.is_paused:
            notice.ended_on = calendar_day(now)
        if was is PauseState.FULL and is_now.takes_new_clients:
            notice.full_ended_on = calendar_day(now)
        action = _action(old, notice.settings, now)
    after = _snapshot(notice)
    if after == before:
        return notice
    notice.version += 1
    notice.save()
    PauseChange.objects.create(
        changed_at=now,
        changed_by_id=by.pk if by else None,
        action=action,
        before=before,
        after=after,
        version=notice.version,
    )
    return notice


def _action(before: PauseSettings, after: PauseSettings, now: datetime) -> PauseAction:
    old, new = pause_state(before, now), pause_state(after, now)
    was_announced, is_announced = announced_pause(before, now) is not None, announced_pause(after, now) is not None
    if new.is_paused:
        return PauseAction.CHANGED if old.is_paused else PauseAction.BEGUN
    if is_announced and not was_announced:
        return PauseAction.PLANNED
    if old.is_paused:
        return PauseAction.ENDED
    if was_announced and not is_announced:
        return PauseAction.CANCELLED
    if (old is PauseState.FULL) is not (new is PauseState.FULL):
        return PauseAction.FILLED if new is PauseState.FULL else PauseAction.HAS_ROOM
    return PauseAction.CHANGED


def _snapshot(notice: PauseNotice) -> dict[str, Any]:
    """Return SNAPSHOT_FIELDS for a JSON field: days as ISO 8601."""
    values = {field.name: getattr(notice, field.name) for field in SNAPSHOT_FIELDS}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def _set(notice: PauseNotice, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(notice, name, value)
