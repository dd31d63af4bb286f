"""The enquiries' points on the getting-started checklist."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from home.checklist.items import ChecklistItem
from home.models import ContactDetails, PauseNotice
from home.pause import FormMode
from intake.models.settings import IntakeSettings


def enquiry_items() -> list[ChecklistItem]:
    """Return this room's points: without an address nobody hears of a new enquiry, and during a pause somebody has to
    decide what becomes of those who write."""
    return [
        ChecklistItem(
            key="notification-address",
            title=_("Where you hear of new enquiries"),
            why=_("A notice of each new enquiry is sent to this address."),
            permission="intake.change_intakesettings",
            address=lambda details: _field(),
            is_done=lambda details: _has_address(details),
        ),
        ChecklistItem(
            key="contact-page-in-pause",
            title=_("What the contact page does during a pause"),
            why=_("It can take messages as usual, take people on the waiting list, or show the contact details only."),
            permission="home.change_pausenotice",
            address=lambda details: _form_mode(),
            # "As usual" may be her decision too: then she takes the point off the list.
            is_done=lambda details: PauseNotice.load().form_mode != FormMode.AS_USUAL,
        ),
    ]


def _has_address(details: ContactDetails) -> bool:
    return bool(IntakeSettings.load().notification_email or details.email)


def _form_mode() -> str:
    return f"{reverse('wagtailsettings:edit', args=['home', 'pausenotice', PauseNotice.load().pk])}#id_form_mode"


def _field() -> str:
    settings = IntakeSettings.load()
    return f"{reverse('wagtailsettings:edit', args=['intake', 'intakesettings', settings.pk])}#id_notification_email"
