"""The kept changes as the pure functions of home.pause take them."""

from collections.abc import Iterable

from home.models import PauseChange, PauseDeed, PauseNotice
from home.pause.periods import Held
from home.services.pausing import settings_of


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
