"""The history of the pause: who changed what and when, and the pauses that came of it."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Field
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.html import strip_tags
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from wagtail.fields import RichTextField

from home.models import PauseChange, PauseNotice
from home.pause.periods import periods
from home.pausing_admin.rights import may_change
from home.pausing_admin.timeline import timeline
from home.services.pausing import EDITABLE


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a change in words; `now` is what it says since."""

    label: str
    now: str


@dataclass(frozen=True, slots=True)
class Line:
    """A change with its differences."""

    change: PauseChange
    differences: list[FieldChange]


@never_cache
@require_safe
def history(request: HttpRequest) -> TemplateResponse:
    """Show it, newest first."""
    if not may_change(request.user):
        raise PermissionDenied
    changes = list(PauseChange.objects.select_related("changed_by"))
    pauses = periods(timeline(PauseNotice.load(), changes), timezone.now())
    context = {
        "lines": [Line(change, differences(change.before, change.after)) for change in changes],
        "pauses": pauses[::-1],
    }
    return TemplateResponse(request, "home/pausing/history.html", context)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[FieldChange]:
    """The fields that say something else after a change. On and off is not among them: the deed says it."""
    return [
        FieldChange(capfirst(str(_field(name).verbose_name)), _in_words(name, after[name]))
        for name in EDITABLE
        if name != "active" and _in_words(name, before[name]) != _in_words(name, after[name])
    ]


def _field(name: str) -> Field[Any, Any]:
    return next(field for field in PauseNotice._meta.concrete_fields if field.name == name)


def _in_words(name: str, value: Any) -> str:
    field = _field(name)
    if isinstance(field, RichTextField):
        return _("“%(words)s”") % {"words": words} if (words := _plain(value)) else _("the usual wording")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if value is None:
        return _("no day")
    day = parse_date(value) if isinstance(value, str) else None
    return date_format(day, "j.n.Y") if day else str(value)


def _plain(html: str) -> str:
    return " ".join(strip_tags(html.replace("</p>", " ").replace("<br/>", " ")).split())
