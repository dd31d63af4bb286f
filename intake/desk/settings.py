"""The form of the enquiry settings: a shorter retention asks before it removes anything."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail.admin.forms import WagtailAdminModelForm

from intake.choices import Status
from intake.enquiry.models import Enquiry
from intake.enquiry.rules import RetentionTimes, removal_date
from intake.enquiry.services import retention_times
from intake.jobs.schedule import is_from_future
from intake.settings import IntakeSettings
from intake.waiting.models import WaitingPlace
from intake.waiting.upkeep import leaving_sooner

# Time to notice a slip and to set the old time again.
HOLDS_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Times:
    """The times that the supervisor sets."""

    retention_months: int
    spam_days: int
    waiting_months: int


def is_shorter(new: Times, old: Times) -> bool:
    """Whether one of the times is shorter than before."""
    return (
        new.retention_months < old.retention_months
        or new.spam_days < old.spam_days
        or new.waiting_months < old.waiting_months
    )


def removed_by(new: Times, *, now: datetime) -> int:
    """Return how many stored enquiries would go a day from now, that would not go by then without these times."""
    at = now + HOLDS_AFTER
    day = timezone.localdate(at)
    times = RetentionTimes(months=new.retention_months, spam_days=new.spam_days)
    closed = Enquiry.objects.filter(status=Status.CLOSED, remove_on__gt=day).values_list("closed_at", "outcome")
    days = (removal_date(closed_at=closed_at, outcome=outcome, times=times) for closed_at, outcome in closed.iterator())
    return sum(on is not None and on <= day for on in days) + leaving_sooner(months=new.waiting_months, at=at)


def apply_shortened_times(*, now: datetime) -> int:
    """Let shorter times hold for what was stored before, once a day has passed. Returns how many records changed.

    A longer time changes nothing: their senders were told the shorter one.
    """
    chosen = IntakeSettings.load()
    since = chosen.shortened_at
    if since is None:
        return 0
    if is_from_future(since, now):
        # The clock was ahead: the day begins now.
        IntakeSettings.objects.filter(pk=chosen.pk, shortened_at=since).update(shortened_at=now)
        return 0
    if now < since + HOLDS_AFTER:
        return 0
    times = retention_times()
    changed = WaitingPlace.objects.filter(months__gt=chosen.waiting_months).update(months=chosen.waiting_months)
    rows = Enquiry.objects.filter(status=Status.CLOSED).values_list("pk", "closed_at", "outcome")
    for pk, closed_at, outcome in rows.iterator():
        day = removal_date(closed_at=closed_at, outcome=outcome, times=times)
        # Reopened or closed anew meanwhile: then it is not this one any more.
        same = Enquiry.objects.filter(pk=pk, closed_at=closed_at, outcome=outcome)
        changed += same.filter(remove_on__gt=day).update(remove_on=day)
    IntakeSettings.objects.filter(pk=chosen.pk, shortened_at=since).update(shortened_at=None)
    return changed


class IntakeSettingsForm(WagtailAdminModelForm):
    """Asks for a tick where a shorter time would remove stored enquiries; the tick holds for the number it named."""

    data: Any
    removes_at_most = forms.IntegerField(required=False, widget=forms.HiddenInput)
    removal_confirmed = forms.BooleanField(
        required=False,
        label=_("Yes, remove them"),
        help_text=_(
            "Asked only when a shorter time would remove stored enquiries. They go a day after saving at the earliest; "
            "until then you can set the old time again."
        ),
    )

    # Whether the tick is asked for: the page shows it only then.
    asks_to_confirm = False

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        new = self._times(cleaned)
        if new is None or not is_shorter(new, self._stored_times()):
            return cleaned
        removed = removed_by(new, now=timezone.now())
        confirmed = cleaned.get("removal_confirmed") and (cleaned.get("removes_at_most") or 0) >= removed
        if removed and not confirmed:
            self.asks_to_confirm = True
            # What is confirmed is this number, and no tick of an earlier one.
            self.data = self.data.copy()
            self.data["removes_at_most"] = str(removed)
            self.data.pop("removal_confirmed", None)
            self.add_error(
                "removal_confirmed",
                ngettext(
                    "With this time %(count)d enquiry is removed in a day. Tick the box if that is what you want, "
                    "and save again.",
                    "With this time %(count)d enquiries are removed in a day. Tick the box if that is what you want, "
                    "and save again.",
                    removed,
                )
                % {"count": removed},
            )
        return cleaned

    def save(self, commit: bool = True) -> IntakeSettings:
        new = self._times(self.cleaned_data)
        if new is not None and is_shorter(new, self._stored_times()):
            self.instance.shortened_at = timezone.now()
        saved: IntakeSettings = super().save(commit=commit)
        return saved

    def _times(self, values: dict[str, Any]) -> Times | None:
        """Return the times of the form; None where one of them is not valid."""
        times = {name: values.get(name) for name in Times.__dataclass_fields__}
        return Times(**times) if all(value is not None for value in times.values()) else None  # type: ignore[arg-type]

    def _stored_times(self) -> Times:
        # Not the instance: the form has written the new times into it.
        stored = IntakeSettings.objects.get(pk=self.instance.pk)
        return Times(**{name: getattr(stored, name) for name in Times.__dataclass_fields__})
