"""The pause settings, and their history."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, Panel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting
from wagtail.fields import RichTextField

from home.dates import DayField
from home.editors_text import editors_html
from home.pause.rules import FormMode, PauseSettings, PauseState, faults, pause_state
from home.pause.wording import PauseStatus, PauseWords, past_days, pause_status
from home.rich_text import SHORT_FEATURES, expanded


class PastDayPanel(Panel):
    """A warning at the top of the pause notice's form while the notice stands and a day in it has gone by."""

    class BoundPanel(Panel.BoundPanel):  # type: ignore[misc]
        template_name = "home/pause/past_days.html"

        def is_shown(self) -> bool:
            return bool(super().is_shown() and (self._announced() or self._written()))

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            return {
                **super().get_context_data(parent_context),
                "announced": self._announced(),
                "written": self._written(),
            }

        def _announced(self) -> str:
            notice = self.instance
            if pause_state(notice.settings, timezone.now()) is not PauseState.OVERDUE:
                return ""
            return date_format(notice.returns_on, "j.n.Y")

        def _written(self) -> list[str]:
            now, notice = timezone.now(), self.instance
            if pause_state(notice.settings, now) is PauseState.OPEN:
                return []
            wordings = (notice.upcoming_message, notice.message, notice.overdue_message, notice.resumed_message)
            return list(dict.fromkeys(day for words in wordings for day in past_days(words, now=now)))


class PreviewAudience(models.TextChoices):
    EDITORS = "editors", _("those who may change the pause")
    EVERYBODY = "everybody", _("everybody who works in the admin")


@register_setting(icon="time")
class PauseNotice(BaseGenericSetting):
    """On or off, its days, own words or the usual ones, and what the contact page does meanwhile.

    Only home.pause.services writes here, so that each change is kept and can be undone.
    """

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
    # Grows with every change, so that an old tab can't undo a newer one unseen.
    version = models.PositiveIntegerField(default=1, editable=False)

    panels: ClassVar[list[Any]] = [
        PastDayPanel(),
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
    def settings(self) -> PauseSettings:
        """What the pure functions of home.pause take."""
        return PauseSettings(
            active=self.active,
            begins_on=self.begins_on,
            returns_on=self.returns_on,
            opens_by_itself=self.opens_by_itself,
            ended_on=self.ended_on,
            welcome_days=self.welcome_days,
            form_mode=FormMode(self.form_mode),
        )

    @property
    def words(self) -> PauseWords:
        """Kati's own wording of each state, ready to show."""
        return PauseWords(
            upcoming=_ready(self.upcoming_message),
            paused=_ready(self.message),
            overdue=_ready(self.overdue_message),
            resumed=_ready(self.resumed_message),
        )

    def status(self, *, now: datetime, facebook_url: str = "") -> PauseStatus:
        """The state and wording at the aware moment `now`."""
        return pause_status(self.settings, words=self.words, facebook_url=facebook_url, now=now)

    def clean(self) -> None:
        """Refuse what can't be set together (home.pause.rules), beside the field where it is mended."""
        super().clean()
        stored = type(self).objects.filter(pk=self.pk).first() or type(self)()
        found = faults(stored.settings, self.settings, timezone.now())
        if found:
            raise ValidationError(
                {name: ValidationError(str(words), code=code) for name, (code, words) in found.items()}
            )


def _ready(rich_text: str) -> str:
    """The HTML to show of a rich text; "" where it has no words."""
    return editors_html(expanded(rich_text)) if strip_tags(rich_text).strip() else ""


class PauseDeed(models.TextChoices):
    """What a change of the pause was."""

    PLANNED = "planned", _("A pause was announced")
    BEGUN = "begun", _("The pause began")
    CHANGED = "changed", _("The pause was changed")
    CANCELLED = "cancelled", _("The announced pause was called off")
    ENDED = "ended", _("The pause ended")
    OPENED_BY_ITSELF = "opened_by_itself", _("The pause ended by itself on its day")
    UNDONE = "undone", _("The last change was undone")


class PauseChange(models.Model):
    """One change of the pause: kept, so that the history can be read and the last change undone."""

    changed_at = models.DateTimeField(_("changed"), db_index=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    deed = models.CharField(_("what happened"), max_length=20, choices=PauseDeed)
    # The notice's fields as JSON (home.pause.services), and its version after the change.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    version = models.PositiveIntegerField(unique=True)

    class Meta:
        ordering = ["-version"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=models.Q(deed__in=PauseDeed.values), name="pause_deed_known"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.deed}"
