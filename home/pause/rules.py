"""What may be set together: faults beside the field where Kati mends them."""

from datetime import datetime
from typing import TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from home.pause.settling import settled
from home.pause.states import PauseSettings, calendar_day
from home.written_days import is_plausible

# Code and words of a fault, by the name of the field.
Faults: TypeAlias = dict[str, tuple[str, str | Promise]]
FAR_DAY = _("Check the year. Write the day for example 1.2.2027.")


def faults(before: PauseSettings, after: PauseSettings, now: datetime) -> Faults:
    """What speaks against changing `before` to `after` at the aware moment `now`; {} where nothing does.

    A day that stood there before and has since come is no reason to refuse: the rest must stay editable.
    """
    before = settled(before, now)
    if not after.active:
        return _without_a_pause(before, after)
    today = calendar_day(now)
    # The days of a pause that is over mean nothing to the one that begins.
    kept_begin = before.active and after.begins_on == before.begins_on
    kept_return = before.active and after.returns_on == before.returns_on
    kept_by_itself = before.active and after.opens_by_itself == before.opens_by_itself
    found: Faults = {}
    if after.begins_on is not None and after.begins_on < today and not kept_begin:
        found["begins_on"] = ("past", _("Choose today or a day ahead, or leave the day empty."))
    if after.returns_on is None:
        if after.opens_by_itself:
            found["opens_by_itself"] = ("no_day", _("Choose the day on which Aijuu opens, or leave this unticked."))
    elif after.returns_on <= today and not (kept_return and (kept_by_itself or not after.opens_by_itself)):
        found["returns_on"] = ("past", _("Choose a day that is still ahead, or leave the day empty."))
    elif after.begins_on is not None and after.returns_on <= after.begins_on:
        found["returns_on"] = ("order", _("Choose a day that comes after the beginning of the pause."))
    for name, day in (("begins_on", after.begins_on), ("returns_on", after.returns_on)):
        if day is None or name in found or day == getattr(before, name):
            continue
        if not is_plausible(day, today=today):
            found[name] = ("far", FAR_DAY)
    return found


def _without_a_pause(before: PauseSettings, after: PauseSettings) -> Faults:
    """Days that are left over from the pause that ends here, or from an earlier one, are let go without a word."""
    if before.active or _days(after) in (_days(before), (None, None, False)):
        return {}
    return {"active": ("days_without_pause", _("Tick this so that the days take effect, or empty the days."))}


def _days(settings: PauseSettings) -> tuple[object, object, bool]:
    return settings.begins_on, settings.returns_on, settings.opens_by_itself
