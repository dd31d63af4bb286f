"""The supervisor's settings for enquiries."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, HelpPanel, MultiFieldPanel
from wagtail.contrib.settings.models import register_setting

from home.compiled_rows import QuickSetting
from home.text_input import EmailAddressField

LONGEST_WAITING_MONTHS = 12


class _ConfirmationPanel(FieldPanel):  # type: ignore[misc]
    """Shown only while the form asks for a confirmation (intake.desk.settings)."""

    class BoundPanel(FieldPanel.BoundPanel):  # type: ignore[misc]
        def is_shown(self) -> bool:
            return self.form.asks_to_confirm and super().is_shown()


@register_setting(icon="mail", order=300)
class IntakeSettings(QuickSetting):
    notification_email = EmailAddressField(
        _("notifications to"),
        blank=True,
        help_text=_("Where a notice of a new enquiry is sent. Leave empty to use the e-mail of the contact details."),
    )
    retention_months = models.PositiveSmallIntegerField(
        _("months kept after closing"),
        default=6,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text=_(
            "A closed enquiry is removed after this many months. If you change it, check the privacy page too."
        ),
    )
    spam_days = models.PositiveSmallIntegerField(
        _("days spam is kept after closing"),
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_(
            "An enquiry closed as spam is removed after this many days. If you change it, check the privacy page too."
        ),
    )
    waiting_months = models.PositiveSmallIntegerField(
        _("months between asking whether somebody is still waiting"),
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_WAITING_MONTHS)],
        help_text=_(
            "After two questions without an answer, and as long again, a waiting enquiry is removed with a last note. "
            "If you change it, check the privacy page too."
        ),
    )

    # When a retention time was last shortened. A day later it applies to stored enquiries too (intake.desk.settings).
    shortened_at = models.DateTimeField(null=True, blank=True, editable=False)

    panels = [
        FieldPanel("notification_email"),
        MultiFieldPanel(
            [
                HelpPanel(content=_("The times are shown to visitors beside the form and on the privacy page.")),
                FieldPanel("retention_months"),
                FieldPanel("spam_days"),
                FieldPanel("waiting_months"),
                _ConfirmationPanel("removal_confirmed"),
            ],
            heading=_("Removal"),
        ),
    ]

    class Meta:
        verbose_name = _("enquiry settings")
        default_permissions = ("change",)

    def __str__(self) -> str:
        return str(_("Enquiry settings"))
