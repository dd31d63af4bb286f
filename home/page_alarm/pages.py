"""The important pages of this room: the front page, and those that the contact details name."""

from collections.abc import Callable

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from wagtail.models import Page, Site

from home.important_pages import ImportantPage
from home.models import ContactDetails


def named_pages() -> list[ImportantPage]:
    return [
        ImportantPage(
            key="front",
            page=_front_page,
            stops=_("The whole site disappears: visitors find nothing at its address."),
            missing=_("The site has no front page."),
            address=lambda: reverse("wagtailadmin_explore_root"),
        ),
        ImportantPage(
            key="contact-link",
            page=lambda: ContactDetails.load().contact_page,
            stops=_("The links “Ota yhteyttä” disappear from every page."),
            missing=_("No contact page has been chosen in the contact details."),
            address=_field("contact_page"),
        ),
        ImportantPage(
            key="privacy",
            page=lambda: ContactDetails.load().privacy_page,
            stops=_(
                "The forms and the mails no longer lead to the privacy notice, although people have a right to read it "
                "before they write to you."
            ),
            missing=_("No privacy page has been chosen in the contact details."),
            address=_field("privacy_page"),
        ),
    ]


def _front_page() -> Page | None:
    site = Site.objects.filter(is_default_site=True, root_page__depth__gt=1).select_related("root_page").first()
    return site.root_page if site else None


def _field(name: str) -> Callable[[], str]:
    def address() -> str:
        details = ContactDetails.load()
        return f"{reverse('wagtailsettings:edit', args=['home', 'contactdetails', details.pk])}#id_{name}"

    return address
