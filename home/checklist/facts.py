"""The points about the pages: contact details, what the statements tell, a picture of her own."""

from collections.abc import Callable

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from wagtail.images import get_image_model
from wagtail.models import Page, ReferenceIndex

from home.checklist.items import ChecklistItem, Text
from home.models import ContactDetails, LoadedContent

CHANGE_DETAILS = "home.change_contactdetails"
# What the first content calls the page (home/content/41-saavutettavuus.toml).
_ACCESSIBILITY_SLUG = "saavutettavuus"


def page_items() -> list[ChecklistItem]:
    """Return the points of this room. Titles name the field; `why` is one sentence."""
    return [
        _details("facebook", _("Facebook address"), _("The pause notice then links to the page."), "facebook_url"),
        ChecklistItem(
            key="surname",
            title=_("Your surname"),
            why=_("The privacy page must tell who answers for people's details."),
            permission=CHANGE_DETAILS,
            address=_field("person_name"),
            is_done=lambda details: len(details.person_name.split()) > 1,
        ),
        _details(
            "response-time",
            _("Response time"),
            _("Whoever writes to you then knows when to expect an answer."),
            "response_time",
        ),
        _details(
            "official-name",
            _("Official name of the business"),
            _("It stands on the privacy page and at the foot of every page."),
            "official_name",
        ),
        _details(
            "business-id",
            _("Business ID"),
            _("It tells customers with whom they deal. It is also shown at the foot of every page."),
            "business_id",
        ),
        _details(
            "postal-address",
            _("Postal address"),
            _("The privacy page tells where to write on paper. It is also shown at the foot of every page."),
            "postal_address",
        ),
        _details(
            "server",
            _("Who runs the server, and where it is"),
            _("The privacy page must tell who handles people's details and in which country."),
            "server_provider",
            "data_location",
        ),
        _details(
            "mail",
            _("Who delivers your e-mail"),
            _("The mail service sees the addresses of those who write to you, so the privacy page names it."),
            "mail_provider",
        ),
        ChecklistItem(
            key="own-picture",
            title=_("A picture of your own"),
            why=_("A photo of you tells whom one is writing to. Until then the pages have drawings."),
            permission=CHANGE_DETAILS,
            address=lambda details: reverse("wagtailimages:add_multiple"),
            is_done=lambda details: own_picture_is_used(),
        ),
        ChecklistItem(
            key="accessibility",
            title=_("Assessment of accessibility"),
            why=_("The accessibility page should tell who tried the site and how. Write it there, then mark this."),
            permission=CHANGE_DETAILS,
            address=lambda details: _accessibility_page(),
        ),
    ]


def _details(key: str, title: Text, why: Text, *fields: str) -> ChecklistItem:
    """A point that is done when each of the fields of the contact details is filled."""

    def is_filled(details: ContactDetails) -> bool:
        return not _empty(details, fields)

    def address(details: ContactDetails) -> str:
        return _field(next(iter(_empty(details, fields)), fields[0]))(details)

    return ChecklistItem(key, title, why, CHANGE_DETAILS, address, is_filled)


def _empty(details: ContactDetails, fields: tuple[str, ...]) -> list[str]:
    return [field for field in fields if not str(getattr(details, field)).strip()]


def _field(name: str) -> Callable[[ContactDetails], str]:
    def address(details: ContactDetails) -> str:
        return f"{reverse('wagtailsettings:edit', args=['home', 'contactdetails', details.pk])}#id_{name}"

    return address


def own_picture_is_used() -> bool:
    """Tell whether some page shows a picture that did not come with the first content."""
    image = get_image_model()
    loaded = LoadedContent.objects.exclude(image=None).values("image")
    own = [str(key) for key in image.objects.exclude(pk__in=loaded).values_list("pk", flat=True)]
    used = ReferenceIndex.objects.filter(
        to_content_type=_content_type(image), base_content_type=_content_type(Page), to_object_id__in=own
    )
    return used.exists()


def _content_type(model: type[Model]) -> ContentType:
    return ContentType.objects.get_for_model(model)


def _accessibility_page() -> str:
    page = Page.objects.filter(slug=_ACCESSIBILITY_SLUG).first()
    return reverse("wagtailadmin_pages:edit", args=[page.pk]) if page else reverse("wagtailadmin_explore_root")
