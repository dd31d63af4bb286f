"""The contact details of the practice: a setting that every page uses, and a cached part of it for error pages."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import DatabaseError, models
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, PageChooserPanel
from wagtail.contrib.settings.models import register_setting
from wagtail.models import Page

from home.compiled_rows import QuickSetting
from home.dates import finnish_moment
from home.shown_values import SeenValues
from home.site_pages import visitor_urls
from home.text_input import EmailAddressField, parse_phone, phone_display, phone_uri
from home.typography import in_sentence, remembered

_FORM = re.compile(r"(\d{7})-(\d)", re.ASCII)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2)


def is_business_id(text: str) -> bool:
    """Return whether `text` has the form 1234567-1 and a valid check digit."""
    found = _FORM.fullmatch(text)
    if found is None:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, found[1], strict=True))
    return (total + int(found[2])) % 11 == 0


def validate_phone(text: str) -> None:
    """Raise ValidationError for a number that is not in use."""
    try:
        parse_phone(text)
    except ValueError as error:
        raise ValidationError(
            _("Check the phone number. The right form is, for example, 050 123 4567."), code="phone"
        ) from error


def validate_facebook_url(url: str) -> None:
    """Raise ValidationError unless `url` is https://…facebook.com/…: it becomes a link on every page in a pause."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or not (host == "facebook.com" or host.endswith(".facebook.com")):
        raise ValidationError(_("Write an address that starts with https://www.facebook.com/."), code="facebook")


def validate_business_id(text: str) -> None:
    """Raise ValidationError for an invalid Finnish business ID."""
    if not is_business_id(text):
        raise ValidationError(
            _("Check the business ID. The right form is, for example, 1234567-1."), code="business_id"
        )


@remembered
def _phone(text: str) -> tuple[str, str]:
    """Return the URI of a phone number and how it is shown; ("", text) for one that is not valid."""
    # A number that was valid when saved may be invalid after an upgrade of the numbering plan.
    try:
        number = parse_phone(text)
    except ValueError:
        return "", text
    return phone_uri(number), phone_display(number)


def _disappears_at(page: Page) -> datetime | None:
    """Return when the page or its scheduled version expires; None if neither does."""
    scheduled = page.scheduled_revision
    stored = parse_datetime(scheduled.content.get("expire_at") or "") if scheduled else None
    return page.expire_at or stored


class _ContactDetailsForm(SeenValues, WagtailAdminModelForm):  # type: ignore[misc]
    """The form of the setting. Many checklist items link to it, so it may be open in two windows (SeenValues)."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in ("contact_page", "privacy_page", "accessibility_page"):
            page = cleaned.get(name)
            # The dashboard warns about the expiry of a page that was chosen before.
            if page is None or page.pk == self._stored.get(name):
                continue
            # Publishing a scheduled version fails if it sets an expiry date for an important page (refuse_expiry).
            if moment := _disappears_at(page):
                refusal = gettext(
                    "The page “%(title)s” is timed to disappear on %(moment)s. Take the time away from the page first, "
                    "or choose another one."
                ) % {"title": page.title, "moment": finnish_moment(moment)}
                self.add_error(name, ValidationError(refusal, code="disappears"))
        return cleaned


@register_setting(icon="mail")
class ContactDetails(QuickSetting):
    """Facts about the practice. Only the name is required; the others are shown where they are filled."""

    business_name = models.CharField(
        _("name of the practice"), max_length=120, help_text=_("The name that people know. Stands on every page.")
    )
    person_name = models.CharField(
        _("name of the supervisor"),
        max_length=120,
        blank=True,
        help_text=_("Stands at the foot of every page and under the mails that go out."),
    )
    email = EmailAddressField(
        _("e-mail address"),
        blank=True,
        help_text=_("Shown so that people can tap it but simple harvesters can't read it."),
    )
    phone = models.CharField(
        _("phone number"),
        max_length=40,
        blank=True,
        validators=[validate_phone],
        help_text=_("For example 050 123 4567. People call it with one tap."),
    )
    facebook_url = models.URLField(
        _("address of the Facebook page"),
        blank=True,
        validators=[validate_facebook_url],
        help_text=_("Begins with https://www.facebook.com/. The pause notice and the contact details then link to it."),
    )
    areas = models.CharField(_("areas"), max_length=250, blank=True, help_text=_("Where supervision is offered."))
    places = models.CharField(_("places"), max_length=250, blank=True, help_text=_("Where people meet."))
    response_time = models.CharField(
        _("response time"),
        max_length=120,
        blank=True,
        help_text=_("Continues the sentence “Kati answers …”, for example “within a few working days”."),
    )
    official_name = models.CharField(
        _("official name of the business"),
        max_length=160,
        blank=True,
        help_text=_("As it stands in the trade register, for example “Tmi Maija Meikäläinen”."),
    )
    business_id = models.CharField(
        _("business ID"),
        max_length=20,
        blank=True,
        validators=[validate_business_id],
        help_text=_("For example 1234567-1."),
    )
    postal_address = models.CharField(
        _("postal address"),
        max_length=250,
        blank=True,
        help_text=_(
            "Everybody sees it, search engines too. Leave it empty if it is your home and you want to keep it private."
        ),
    )
    server_provider = models.CharField(
        _("who runs the server"),
        max_length=160,
        blank=True,
        help_text=_("The name of the company. Ask whoever set up the site."),
    )
    data_location = models.CharField(
        _("where the server is"), max_length=160, blank=True, help_text=_("The country, for example Finland.")
    )
    mail_provider = models.CharField(
        _("who delivers the e-mail"),
        max_length=160,
        blank=True,
        help_text=_("The name of the company that keeps your mailbox."),
    )
    contact_page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("contact page"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="contact_page_of",
        help_text=_("Where “Ota yhteyttä” leads on every page."),
    )
    privacy_page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("privacy page"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="privacy_page_of",
        help_text=_("Where the link to the privacy notice leads, beside the form and in the mails."),
    )
    accessibility_page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("accessibility page"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="accessibility_page_of",
        help_text=_("The footer always leads to this page and to the privacy page."),
    )

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
            heading=_("How you are reached"),
            help_text=_("In the texts of pages, write {puhelin}, {sähköposti} or {nimi} where one of these belongs."),
        ),
        MultiFieldPanel([FieldPanel("areas"), FieldPanel("places")], heading=_("Where")),
        MultiFieldPanel(
            [FieldPanel("official_name"), FieldPanel("business_id"), FieldPanel("postal_address")],
            heading=_("Facts about the business"),
            help_text=_("Stand at the foot of every page, each when it is filled."),
        ),
        MultiFieldPanel(
            [FieldPanel("server_provider"), FieldPanel("data_location"), FieldPanel("mail_provider")],
            heading=_("For the privacy page"),
            help_text=_("Shown at the end of the privacy page, together with the facts above, when filled."),
        ),
        MultiFieldPanel(
            [
                PageChooserPanel("contact_page"),
                PageChooserPanel("privacy_page"),
                PageChooserPanel("accessibility_page"),
            ],
            heading=_("Important pages"),
        ),
    ]

    base_form_class = _ContactDetailsForm

    class Meta:
        verbose_name = _("contact details")
        verbose_name_plural = _("contact details")

    def clean(self) -> None:
        """Refuse a contact page that takes no messages: every button would lead to a page without a form."""
        super().clean()
        if self.contact_page and not getattr(self.contact_page.specific_class, "takes_messages", False):
            raise ValidationError({"contact_page": _("Choose the page that has the form for messages.")})

    @property
    def phone_uri(self) -> str:
        """`tel:+358505348567`; "" where there is no number, or the stored one is invalid."""
        return _phone(self.phone)[0]

    @property
    def phone_display(self) -> str:
        """`050 534 8567`; an invalid number as it was stored."""
        return _phone(self.phone)[1]

    @property
    def answers_within(self) -> str:
        """The response time for the middle of a sentence: “Kati answers …”."""
        return in_sentence(self.response_time)

    @property
    def has_statement_facts(self) -> bool:
        """Whether there are facts for the privacy page (templates/home/statement_facts.html)."""
        facts = (self.official_name, self.business_id, self.postal_address)
        return any((*facts, self.server_provider, self.data_location, self.mail_provider))

    @property
    def contact_url(self) -> str:
        """The URL of the contact page; "" where there is none or it is not published."""
        return visitor_urls([self.contact_page_id])[0]

    @property
    def privacy_url(self) -> str:
        """The URL of the privacy page; "" where there is none or it is not published."""
        return visitor_urls([self.privacy_page_id])[0]


@dataclass(frozen=True, slots=True)
class CachedContact:
    """The details last read in this process, for error pages, which must not query the database.

    An unknown value is "".
    """

    phone_uri: str = ""
    phone_display: str = ""
    email: str = ""


# One per process. Every page shows the details in its footer, so the cache is as recent as the last rendered page.
_cached = CachedContact()


def cached_contact() -> CachedContact:
    return _cached


def cache_contact(details: ContactDetails) -> None:
    global _cached
    _cached = CachedContact(details.phone_uri, details.phone_display if details.phone_uri else "", details.email)


def fill_contact_cache() -> None:
    """Read the details once, when a process starts. The cache stays empty while the database can't be reached."""
    with suppress(DatabaseError):
        cache_contact(ContactDetails.load())


@receiver(post_save, sender=ContactDetails)
def _update_cache(instance: ContactDetails, **_kwargs: Any) -> None:
    cache_contact(instance)
