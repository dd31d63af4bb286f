"""The enquiries' point on the getting-started checklist."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from home.checklist.items import ChecklistItem
from home.models import ContactDetails
from intake.models.settings import IntakeSettings


def enquiry_items() -> list[ChecklistItem]:
    """Return the one point of this room: without an address, nobody hears of a new enquiry."""
    return [
        ChecklistItem(
            key="notification-address",
            title=_("Where you hear of new enquiries"),
            why=_("A notice of each new enquiry is sent to this address."),
            permission="intake.change_intakesettings",
            address=lambda details: _field(),
            is_done=lambda details: _has_address(details),
        )
    ]


def _has_address(details: ContactDetails) -> bool:
    return bool(IntakeSettings.load().notification_email or details.email)


def _field() -> str:
    settings = IntakeSettings.load()
    return f"{reverse('wagtailsettings:edit', args=['intake', 'intakesettings', settings.pk])}#id_notification_email"
