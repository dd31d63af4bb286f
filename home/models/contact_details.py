"""How the practice is reached, in one place for every page."""

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from phonenumbers import PhoneNumber
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, PageChooserPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting

from home.phone_numbers import parse_phone, phone_display, phone_uri


def validate_phone(text: str) -> None:
    """Refuse what can't be dialled."""
    try:
        parse_phone(text)
    except ValueError as error:
        raise ValidationError(
            _("Check the phone number. The right form is, for example, 050 123 4567."), code="phone"
        ) from error


def validate_facebook_url(url: str) -> None:
    """Only https://…facebook.com/…: the address becomes a link on every page during a pause."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or not (host == "facebook.com" or host.endswith(".facebook.com")):
        raise ValidationError(_("Write an address that starts with https://www.facebook.com/."), code="facebook")


@register_setting(icon="mail")
class ContactDetails(BaseGenericSetting):
    """Facts about the practice. Only the name is needed; a fact is shown when it is filled."""

    business_name = models.CharField(_("name of the practice"), max_length=120)
    person_name = models.CharField(_("name of the supervisor"), max_length=120, blank=True)
    email = models.EmailField(
        _("e-mail address"),
        blank=True,
        help_text=_("Shown so that people can tap it but simple harvesters can't read it."),
    )
    phone = models.CharField(_("phone number"), max_length=40, blank=True, validators=[validate_phone])
    facebook_url = models.URLField(
        _("address of the Facebook page"),
        blank=True,
        validators=[validate_facebook_url],
        help_text=_("When this is filled, the pause notice links to it."),
    )
    areas = models.CharField(_("areas"), max_length=250, blank=True, help_text=_("Where supervision is offered."))
    places = models.CharField(_("places"), max_length=250, blank=True, help_text=_("Where people meet."))
    response_time = models.CharField(
        _("response time"),
        max_length=120,
        blank=True,
        help_text=_("Continues the sentence “Kati answers …”, for example “within a few working days”."),
    )
    official_name = models.CharField(_("official name of the business"), max_length=160, blank=True)
    business_id = models.CharField(_("business ID"), max_length=20, blank=True)
    postal_address = models.CharField(_("postal address"), max_length=250, blank=True)
    contact_page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("contact page"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Where “Ota yhteyttä” leads on every page."),
    )
    privacy_page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("privacy page"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    select_related: ClassVar[list[str]] = ["contact_page", "privacy_page"]

    panels: ClassVar[list[Any]] = [
        MultiFieldPanel(
            [
                FieldPanel("business_name"),
                FieldPanel("person_name"),
                FieldPanel("email"),
                FieldPanel("phone"),
                FieldPanel("facebook_url"),
                FieldPanel("response_time"),
            ],
            heading=_("Contact"),
        ),
        MultiFieldPanel([FieldPanel("areas"), FieldPanel("places")], heading=_("Where")),
        MultiFieldPanel(
            [FieldPanel("official_name"), FieldPanel("business_id"), FieldPanel("postal_address")],
            heading=_("Facts about the business"),
            help_text=_("Shown only when filled."),
        ),
        MultiFieldPanel(
            [PageChooserPanel("contact_page"), PageChooserPanel("privacy_page")], heading=_("Important pages")
        ),
    ]

    class Meta:
        verbose_name = _("contact details")
        verbose_name_plural = _("contact details")

    @property
    def phone_uri(self) -> str:
        """`tel:+358505348567`; "" when no number is known or the stored one can't be dialled."""
        number = self._phone_number()
        return "" if number is None else phone_uri(number)

    @property
    def phone_display(self) -> str:
        """`050 534 8567`; a number that can't be read is shown as it was stored."""
        number = self._phone_number()
        return self.phone if number is None else phone_display(number)

    def _phone_number(self) -> PhoneNumber | None:
        # A number that was valid when it was saved must not break every page after an upgrade of the numbering plan.
        try:
            return parse_phone(self.phone) if self.phone else None
        except ValueError:
            return None

    @property
    def contact_url(self) -> str:
        """The address of the contact page, "" when there is none or it is not published."""
        return self._published_url("contact_page")

    @property
    def privacy_url(self) -> str:
        """The address of the privacy page, "" when there is none or it is not published."""
        return self._published_url("privacy_page")

    def _published_url(self, field: str) -> str:
        page = getattr(self, field)
        return (page.url or "") if page is not None and page.live else ""
