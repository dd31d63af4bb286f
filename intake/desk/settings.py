"""The form of the enquiry settings: shortening a retention time needs a confirmation if it removes enquiries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail.admin.forms import WagtailAdminModelForm

from home.shown_values import SeenValues
from intake.choices import Status
from intake.enquiry.models import Enquiry
from intake.enquiry.rules import RetentionTimes, removal_date
from intake.enquiry.services import retention_times
from intake.jobs.schedule import is_from_future
from intake.settings import IntakeSettings
from intake.waiting.models import WaitingPlace
from intake.waiting.upkeep import count_removed_sooner

# Time to notice a mistake and to restore the old time.
EFFECTIVE_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Times:
    """The retention times in the settings."""

    retention_months: int
    spam_days: int
    waiting_months: int


def is_shorter(new: Times, old: Times) -> bool:
    """Return whether any of the times is shorter than before."""
    return (
        new.retention_months < old.retention_months
        or new.spam_days < old.spam_days
        or new.waiting_months < old.waiting_months
    )


def count_removed_by(new: Times, *, now: datetime) -> int:
    """Return how many stored enquiries would be removed within a day only because of these times."""
    at = now + EFFECTIVE_AFTER
    day = timezone.localdate(at)
    times = RetentionTimes(months=new.retention_months, spam_days=new.spam_days)
    closed = Enquiry.objects.filter(status=Status.CLOSED, remove_on__gt=day).values_list("closed_at", "outcome")
    days = (removal_date(closed_at=closed_at, outcome=outcome, times=times) for closed_at, outcome in closed.iterator())
    return sum(on is not None and on <= day for on in days) + count_removed_sooner(months=new.waiting_months, at=at)


def apply_shortened_times(*, now: datetime) -> int:
    """Apply shortened times to stored enquiries, a day after they were set. Returns how many rows changed.

    Longer times are not applied: the senders were shown the shorter ones.
    """
    chosen = IntakeSettings.load()
    since = chosen.shortened_at
    if since is None:
        return 0
    if is_from_future(since, now):
        # The clock was wrong: the day starts now.
        IntakeSettings.objects.filter(pk=chosen.pk, shortened_at=since).update(shortened_at=now)
        return 0
    if now < since + EFFECTIVE_AFTER:
        return 0
    times = retention_times()
    changed = WaitingPlace.objects.filter(months__gt=chosen.waiting_months).update(months=chosen.waiting_months)
    rows = Enquiry.objects.filter(status=Status.CLOSED).values_list("pk", "closed_at", "outcome")
    for pk, closed_at, outcome in rows.iterator():
        day = removal_date(closed_at=closed_at, outcome=outcome, times=times)
        # No match if it was reopened or closed again meanwhile.
        same = Enquiry.objects.filter(pk=pk, closed_at=closed_at, outcome=outcome)
        changed += same.filter(remove_on__gt=day).update(remove_on=day)
    IntakeSettings.objects.filter(pk=chosen.pk, shortened_at=since).update(shortened_at=None)
    return changed


class IntakeSettingsForm(SeenValues, WagtailAdminModelForm):
    """Requires a ticked checkbox if a shorter time would remove stored enquiries. The tick confirms their number."""

    removes_at_most = forms.IntegerField(required=False, widget=forms.HiddenInput)
    removal_confirmed = forms.BooleanField(
        required=False,
        label=_("Yes, remove them"),
        help_text=_(
            "Asked only when a shorter time would remove stored enquiries. They go a day after saving at the earliest; "
            "until then you can set the old time again."
        ),
    )

    # Whether the checkbox is shown.
    asks_to_confirm = False

    def clean(self) -> dict[str, Any]:
        # super().clean() replaces times that were left unchanged here with those saved in another window. Only then can
        # the times be compared with the stored ones.
        cleaned = super().clean()
        new = self._times(cleaned)
        if new is None or not is_shorter(new, self._stored_times()):
            return cleaned
        removed = count_removed_by(new, now=timezone.now())
        confirmed = cleaned.get("removal_confirmed") and (cleaned.get("removes_at_most") or 0) >= removed
        if removed and not confirmed:
            self.asks_to_confirm = True
            # Confirms this number; a checkbox ticked for an earlier number does not count.
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
        """Return the times in the form; None if any of them is invalid."""
        times = {name: values.get(name) for name in Times.__dataclass_fields__}
        return Times(**times) if all(value is not None for value in times.values()) else None  # type: ignore[arg-type]

    def _stored_times(self) -> Times:
        # Not self.instance, which already has the new times.
        stored = IntakeSettings.objects.get(pk=self.instance.pk)
        return Times(**{name: getattr(stored, name) for name in Times.__dataclass_fields__})
