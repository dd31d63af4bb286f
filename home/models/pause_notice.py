"""The notice that stands on every page while the practice is on a pause."""

from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting
from wagtail.fields import RichTextField
from wagtail.rich_text import expand_db_html

from home.past_days import PastDayPanel
from home.pause import PauseStatus, calendar_day, pause_status
from home.rich_text import SHORT_FEATURES
from home.typography import finnish_html


@register_setting(icon="time")
class PauseNotice(BaseGenericSetting):
    """On or off, own words or the usual ones, and the day from which new work starts if it is known."""

    active = models.BooleanField(
        _("the practice is on a pause"),
        default=False,
        help_text=_("The notice is shown on every page. Leave the day empty if the return is not known."),
    )
    message = RichTextField(
        _("own wording"),
        blank=True,
        features=SHORT_FEATURES,
        help_text=_("Leave empty for the usual wording. The day and the link to Facebook are added by themselves."),
    )
    returns_on = models.DateField(
        _("new work starts from"),
        null=True,
        blank=True,
        help_text=_("When the day has come, the notice goes on without a day until you switch it off."),
    )

    panels: ClassVar[list[Any]] = [
        PastDayPanel(),
        FieldPanel("active"),
        FieldPanel("returns_on"),
        FieldPanel("message"),
    ]

    class Meta:
        verbose_name = _("pause notice")
        verbose_name_plural = _("pause notices")

    def status(self, *, now: datetime, facebook_url: str = "") -> PauseStatus:
        """The state and wording at the aware moment `now`."""
        message = finnish_html(expand_db_html(self.message)) if strip_tags(self.message).strip() else ""
        return pause_status(
            active=self.active, message=message, returns_on=self.returns_on, facebook_url=facebook_url, now=now
        )

    def clean(self) -> None:
        """Refuse a newly chosen day that is not ahead. A stored day that has since come is no reason to refuse:
        the rest of the notice must stay editable."""
        super().clean()
        if self.returns_on is None or self.returns_on > calendar_day(timezone.now()):
            return
        if type(self).objects.filter(pk=self.pk, returns_on=self.returns_on).exists():
            return
        raise ValidationError(
            {"returns_on": ValidationError(_("Choose a day that is still ahead, or leave the day empty."), code="past")}
        )
