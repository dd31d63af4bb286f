"""The pause settings, their history, and the state of the pause for a request."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, Panel
from wagtail.contrib.settings.models import register_setting
from wagtail.fields import RichTextField
from wagtail.models import Page, PreviewableMixin, Site

from home.compiled_rows import QuickSetting
from home.contact_details import ContactDetails
from home.dates import DayField, finnish_day
from home.editors_text import SHORT_FEATURES, editors_html, expanded, has_visible_text, hide_emails
from home.pause.rules import (
    FormMode,
    PauseSettings,
    PauseState,
    TimelineEntry,
    form_modes,
    pause_state,
    settings_for_state,
    validation_errors,
)
from home.pause.wording import PauseStatus, PauseWords, next_change, past_days, pause_status


class PastDayWarningPanel(Panel):
    """A warning at the top of the form while a notice is shown and a day in the settings or texts has passed."""

    class BoundPanel(Panel.BoundPanel):  # type: ignore[misc]
        template_name = "home/pause/past_days.html"

        def is_shown(self) -> bool:
            return bool(super().is_shown() and (self._passed_return_day() or self._passed_days_in_texts()))

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            return {
                **super().get_context_data(parent_context),
                "announced": self._passed_return_day(),
                "written": self._passed_days_in_texts(),
            }

        def _passed_return_day(self) -> str:
            notice = self.instance
            if pause_state(notice.settings, timezone.now()) is not PauseState.OVERDUE:
                return ""
            return finnish_day(notice.returns_on)

        def _passed_days_in_texts(self) -> list[str]:
            now, notice = timezone.now(), self.instance
            if pause_state(notice.settings, now) is PauseState.OPEN:
                return []
            texts = [getattr(notice, name) for name in TEXT_FIELDS]
            return list(dict.fromkeys(day for text in texts for day in past_days(text, now=now)))


PREVIEW_STATES: list[tuple[PauseState, str | Promise]] = [
    (PauseState.OPEN, _("Aijuu open")),
    (PauseState.FULL, _("Full")),
    (PauseState.UPCOMING, _("Pause announced")),
    (PauseState.PAUSED, _("On a pause")),
    (PauseState.OVERDUE, _("The announced day has passed")),
    (PauseState.RESUMED, _("Returned")),
]


class PreviewAudience(models.TextChoices):
    EDITORS = "editors", _("those who may change the pause")
    EVERYBODY = "everybody", _("everybody who works in the admin")


@register_setting(icon="time")
class PauseNotice(PreviewableMixin, QuickSetting):  # type: ignore[misc]
    """The settings of the pause (on or off, days, wording, mode of the contact page), and whether Aijuu is full.

    Only home.pause.services writes here, so that every change is recorded and can be undone.
    """

    full = models.BooleanField(
        _("Aijuu is full"),
        default=False,
        help_text=_(
            "The site then says that no new work supervision is started, and takes people on the waiting list. All "
            "else goes on as usual. During a pause the notice of the pause is shown. A pause that opens by itself "
            "unticks this."
        ),
    )
    active = models.BooleanField(
        _("the practice is on a pause"),
        default=False,
        help_text=_("The notice is shown on every page. Leave the day empty if the return is not known."),
    )
    begins_on = DayField(
        _("begins"),
        null=True,
        blank=True,
        help_text=_("Leave empty to begin at once. A day ahead is announced until it comes."),
    )
    returns_on = DayField(
        _("new work starts from"),
        null=True,
        blank=True,
        help_text=_(
            "When the day has come, the notice goes on without a day until you open, unless you tick the next box."
        ),
    )
    opens_by_itself = models.BooleanField(
        _("opens by itself on that day"),
        default=False,
        help_text=_("Otherwise nothing is announced without you: you are reminded by e-mail and in the admin."),
    )
    form_mode = models.CharField(
        _("meanwhile the contact page"),
        max_length=20,
        choices=FormMode,
        default=FormMode.AS_USUAL,
        help_text=_("A way to write stays in each: people have the right to ask about their details."),
    )
    full_message = RichTextField(
        _("own wording when Aijuu is full"),
        blank=True,
        features=SHORT_FEATURES,
        help_text=_("Leave empty for the usual wording. The way to the waiting list is added by itself."),
    )
    upcoming_message = RichTextField(
        _("own wording before the pause"),
        blank=True,
        features=SHORT_FEATURES,
        help_text=_("Leave empty for the usual wording. The days are added by themselves."),
    )
    message = RichTextField(
        _("own wording"),
        blank=True,
        features=SHORT_FEATURES,
        help_text=_("Leave empty for the usual wording. The day and the link to Facebook are added by themselves."),
    )
    overdue_message = RichTextField(
        _("own wording when the announced day has passed"),
        blank=True,
        features=SHORT_FEATURES,
        help_text=_("Leave empty to go on with the wording above, without the day."),
    )
    resumed_message = RichTextField(
        _("own wording after the return"),
        blank=True,
        features=SHORT_FEATURES,
        help_text=_("Leave empty for the usual wording."),
    )
    welcome_days = models.PositiveSmallIntegerField(
        _("days the return is told"),
        default=30,
        validators=[MaxValueValidator(365)],
        help_text=_("The notice of the return goes away by itself after this many days. 0 leaves it out."),
    )
    preview_audience = models.CharField(
        _("who may see previews"),
        max_length=20,
        choices=PreviewAudience,
        default=PreviewAudience.EDITORS,
        help_text=_("A preview shows the site in another state of the pause. Visitors never see it."),
    )
    ended_on = models.DateField(null=True, blank=True, editable=False)
    full_ended_on = models.DateField(null=True, blank=True, editable=False)
    # Incremented by every change: a form opened on an older version is refused.
    version = models.PositiveIntegerField(default=1, editable=False)

    panels: ClassVar[list[Any]] = [
        PastDayWarningPanel(),
        MultiFieldPanel([FieldPanel("full")], heading=_("Free times")),
        MultiFieldPanel(
            [
                FieldPanel("active"),
                FieldPanel("begins_on"),
                FieldPanel("returns_on"),
                FieldPanel("opens_by_itself"),
                FieldPanel("form_mode"),
            ],
            heading=_("Pause"),
        ),
        MultiFieldPanel(
            [
                FieldPanel("full_message"),
                FieldPanel("upcoming_message"),
                FieldPanel("message"),
                FieldPanel("overdue_message"),
                FieldPanel("resumed_message"),
                FieldPanel("welcome_days"),
            ],
            heading=_("What the notice says"),
        ),
        FieldPanel("preview_audience"),
    ]

    class Meta:
        verbose_name = _("pause notice")
        verbose_name_plural = _("pause notices")
        constraints = [
            models.CheckConstraint(condition=models.Q(form_mode__in=FormMode.values), name="pause_form_mode_known"),
        ]

    @property
    def preview_modes(self) -> list[tuple[str, str]]:
        """The preview modes: each page of `previewed_pages` with these settings now, and in each of the six states."""
        states = [("", _("now")), *PREVIEW_STATES]
        return [
            (f"{key}-{state}", f"{title}: {label}")
            for key, title, _page in previewed_pages()
            for state, label in states
        ]

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        """Return a page of the site. Wagtail has set these settings, with unsaved values, on `request`."""
        key, _dash, state = mode_name.partition("-")
        page = next((page for name, _title, page in previewed_pages() if name == key), None)
        if page is None or (state and state not in dict(PREVIEW_STATES)):
            raise Http404
        if state:
            self.settings = settings_for_state(self.settings, PauseState(state), timezone.now())
        response: HttpResponse = page.serve_preview(request, page.default_preview_mode)
        return response

    @property
    def settings(self) -> PauseSettings:
        """The fields that decide the state, for the functions of home.pause.rules."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(PauseSettings)}
        return PauseSettings(**{**values, "form_mode": FormMode(self.form_mode)})

    @settings.setter
    def settings(self, settings: PauseSettings) -> None:
        for name, value in dataclasses.asdict(settings).items():
            setattr(self, name, value)

    @property
    def words(self) -> PauseWords:
        """Kati's own wording of each state, as HTML for a template."""
        return PauseWords(
            full=_rendered(self.full_message),
            upcoming=_rendered(self.upcoming_message),
            paused=_rendered(self.message),
            overdue=_rendered(self.overdue_message),
            resumed=_rendered(self.resumed_message),
        )

    def status(self, *, now: datetime, facebook_url: str = "") -> PauseStatus:
        """Return the state and the wording at `now` (aware)."""
        return pause_status(self.settings, words=self.words, facebook_url=facebook_url, now=now)

    def next_change(self, *, now: datetime) -> datetime | None:
        """Return the first moment after `now` (aware) at which status() changes; None if it never does."""
        return next_change(self.settings, words=self.words, now=now)

    def clean(self) -> None:
        """Raise ValidationError for values that can't be set together (home.pause.rules)."""
        super().clean()
        stored = type(self).objects.filter(pk=self.pk).first() or type(self)()
        errors = validation_errors(stored.settings, self.settings, timezone.now())
        if errors:
            raise ValidationError(
                {name: ValidationError(str(message), code=code) for name, (code, message) in errors.items()}
            )


def previewed_pages() -> list[tuple[str, str | Promise, Page]]:
    """Return the pages that show what the pause changes, with a key and a title: front page and contact page."""
    site = Site.objects.filter(is_default_site=True).select_related("root_page").first()
    contact = ContactDetails.load().contact_page
    pages = [
        ("front", _("The front page"), site.root_page if site else None),
        ("contact", _("The contact page"), contact if contact and contact.live else None),
    ]
    return [(key, title, page.specific) for key, title, page in pages if page is not None]


# The fields of the pause, by use. Code that reads or stores all of them uses these lists.
SNAPSHOT_FIELDS = tuple(
    field for field in PauseNotice._meta.concrete_fields if not field.primary_key and field.name != "version"
)
EDITABLE = tuple(field.name for field in SNAPSHOT_FIELDS if field.editable)
TEXT_FIELDS = tuple(field.name for field in SNAPSHOT_FIELDS if isinstance(field, RichTextField))


def _rendered(rich_text: str) -> str:
    """Return the HTML of a rich text; "" where it has no text."""
    return hide_emails(editors_html(expanded(rich_text))) if rich_text and has_visible_text(rich_text) else ""


class PauseAction(models.TextChoices):
    """The kind of a recorded change."""

    PLANNED = "planned", _("A pause was announced")
    BEGUN = "begun", _("The pause began")
    CHANGED = "changed", _("The pause was changed")
    CANCELLED = "cancelled", _("The announced pause was called off")
    ENDED = "ended", _("The pause ended")
    OPENED_BY_ITSELF = "opened_by_itself", _("The pause ended by itself on its day")
    FILLED = "filled", _("Aijuu became full")
    HAS_ROOM = "has_room", _("Aijuu takes new people again")
    UNDONE = "undone", _("The last change was undone")


class PauseChange(models.Model):
    """One recorded change of the pause, for the history and for undoing the last change."""

    changed_at = models.DateTimeField(_("changed"), db_index=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    action = models.CharField(_("what happened"), max_length=20, choices=PauseAction)
    # SNAPSHOT_FIELDS as JSON before and after, and the version after the change.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    version = models.PositiveIntegerField(unique=True)

    class Meta:
        ordering = ["-version"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=models.Q(action__in=PauseAction.values), name="pause_action_known"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.action}"


def snapshot_values(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of SNAPSHOT_FIELDS in `before` or `after` of a PauseChange."""
    return {field.name: field.to_python(snapshot[field.name]) for field in SNAPSHOT_FIELDS}


def settings_from_snapshot(snapshot: Mapping[str, Any]) -> PauseSettings:
    """Return the settings in `before` or `after` of a PauseChange."""
    return PauseNotice(**snapshot_values(snapshot)).settings


_STATUS_ON_REQUEST = "_pause_status"


def current_pause(request: HttpRequest) -> PauseStatus:
    """Return the state and wording, the same throughout a request, also across midnight.

    Read from the database once per request: a change is visible on the next page view in every process.
    """
    status = getattr(request, _STATUS_ON_REQUEST, None)
    if not isinstance(status, PauseStatus):
        details = ContactDetails.load(request)
        status = PauseNotice.load(request).status(now=timezone.now(), facebook_url=details.facebook_url)
        setattr(request, _STATUS_ON_REQUEST, status)
    return status


def preview_attributes(status: PauseStatus) -> dict[str, PauseStatus]:
    """Return request attributes that make current_pause() return `status`, for a preview of another state."""
    return {_STATUS_ON_REQUEST: status}


def offered_recently(mode: FormMode, *, within: timedelta, now: datetime) -> bool:
    """Return whether the contact page has this mode now, or had it at any time during the last `within`."""
    changes = list(PauseChange.objects.filter(changed_at__gte=now - within).order_by("version"))
    entries = [TimelineEntry(settings_from_snapshot(change.before), None) for change in changes[:1]]
    entries += [TimelineEntry(settings_from_snapshot(change.after), change.changed_at) for change in changes[:-1]]
    # The notice itself has the result of the latest change.
    entries.append(TimelineEntry(PauseNotice.load().settings, changes[-1].changed_at if changes else None))
    return mode in form_modes(entries, now - within, now)
