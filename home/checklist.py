"""The getting-started checklist: its items with their state, and its views in the admin."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.components import Component
from wagtail.images import get_image_model
from wagtail.models import Page, ReferenceIndex, Site

from home.contact_details import ContactDetails
from home.models import ChecklistMark, LoadedContent

# A Wagtail hook: a function without arguments that returns a list of ChecklistItem.
ITEMS_HOOK = "register_checklist_items"
Text: TypeAlias = str | Promise


@dataclass(frozen=True)
class ChecklistItem:
    """An item of the checklist. `is_done` and `address` are called with the current contact details on each view.

    `is_done` is None for an item that is marked done by hand.
    `address` is the admin URL of the field, or "".
    `permission` is needed to see and mark the item.
    """

    key: str
    title: Text
    why: Text
    permission: str
    address: Callable[[ContactDetails], str]
    is_done: Callable[[ContactDetails], bool] | None = None


def all_items() -> list[ChecklistItem]:
    """Return the items of all apps, in the order of the hooks. Raises ValueError for a duplicate key."""
    providers: Iterable[Callable[[], list[ChecklistItem]]] = hooks.get_hooks(ITEMS_HOOK)
    items = [item for provider in providers for item in provider()]
    if len({item.key for item in items}) < len(items):
        raise ValueError("Two points of the checklist share a key.")
    return items


User = AbstractBaseUser | AnonymousUser | PermissionsMixin


@dataclass(frozen=True)
class Point:
    """An item with its state. `is_done` follows from the data or a mark, `is_set_aside` from a mark."""

    item: ChecklistItem
    address: str
    is_done: bool
    is_set_aside: bool

    @property
    def is_open(self) -> bool:
        return not (self.is_done or self.is_set_aside)

    @property
    def is_marked_by_hand(self) -> bool:
        """Whether the item is marked done by hand, not by a filled field."""
        return self.item.is_done is None


@dataclass(frozen=True)
class Checklist:
    """The items that a user may see, in order."""

    points: tuple[Point, ...]

    @cached_property
    def open(self) -> list[Point]:
        return [point for point in self.points if point.is_open]

    @property
    def total(self) -> int:
        return len(self.points)

    @property
    def handled(self) -> int:
        return self.total - len(self.open)


def checklist_for(user: User) -> Checklist:
    """Return the checklist of the items that `user` has permission for."""
    items = [item for item in all_items() if user.has_perm(item.permission)]  # type: ignore[union-attr]
    if not items:
        return Checklist(())
    details = ContactDetails.load()
    marks = dict(ChecklistMark.objects.values_list("key", "state"))
    return Checklist(tuple(_point(item, details, marks.get(item.key)) for item in items))


def _point(item: ChecklistItem, details: ContactDetails, mark: str | None) -> Point:
    done = item.is_done(details) if item.is_done else mark == ChecklistMark.State.DONE
    # A filled field overrides an old "does not concern me".
    set_aside = not done and mark == ChecklistMark.State.SET_ASIDE
    return Point(item, item.address(details), is_done=done, is_set_aside=set_aside)


def mark_point(*, item: ChecklistItem, state: str) -> None:
    """Store the state of an item: a `ChecklistMark.State`, or "open" to reopen it.

    Raises ValueError for another state, and for "done" where `is_done` decides that.
    """
    if state == "open":
        ChecklistMark.objects.filter(key=item.key).delete()
        return
    if state not in ChecklistMark.State.values or (state == ChecklistMark.State.DONE and item.is_done):
        raise ValueError(f"{state!r} is no mark for {item.key!r}.")
    with transaction.atomic():
        ChecklistMark.objects.update_or_create(key=item.key, defaults={"state": state})


CHANGE_DETAILS = "home.change_contactdetails"


def page_checklist_items() -> list[ChecklistItem]:
    """Return the checklist items of this app. Titles name the field; `why` is one sentence."""
    return [
        _details(
            "facebook",
            gettext_lazy("Facebook address"),
            gettext_lazy("The pause notice then links to the page."),
            "facebook_url",
        ),
        ChecklistItem(
            key="surname",
            title=gettext_lazy("Your full name"),
            why=gettext_lazy(
                "Until then visitors see your first name only. The privacy page must tell who answers for people's "
                "details."
            ),
            permission=CHANGE_DETAILS,
            address=_field("person_name"),
            is_done=lambda details: len(details.person_name.split()) > 1,
        ),
        _details(
            "response-time",
            gettext_lazy("Response time"),
            gettext_lazy("Whoever writes to you then knows when to expect an answer."),
            "response_time",
        ),
        _details(
            "official-name",
            gettext_lazy("Official name of the business"),
            gettext_lazy("It stands on the privacy page and at the foot of every page."),
            "official_name",
        ),
        _details(
            "business-id",
            gettext_lazy("Business ID"),
            gettext_lazy("It tells customers with whom they deal. It is also shown at the foot of every page."),
            "business_id",
        ),
        _details(
            "postal-address",
            gettext_lazy("Postal address"),
            gettext_lazy("The privacy page tells where to write on paper. It is also shown at the foot of every page."),
            "postal_address",
        ),
        _details(
            "server",
            gettext_lazy("Who runs the server, and where it is"),
            gettext_lazy("The privacy page must tell who handles people's details and in which country."),
            "server_provider",
            "data_location",
        ),
        _details(
            "mail",
            gettext_lazy("Who delivers your e-mail"),
            gettext_lazy(
                "The mail service sees the addresses of those who write to you, so the privacy page names it."
            ),
            "mail_provider",
        ),
        ChecklistItem(
            key="own-picture",
            title=gettext_lazy("A picture of your own"),
            why=gettext_lazy(
                "A photo of you tells whom one is writing to. Add it here, then choose it as the picture of the front "
                "page. Until then the pages have drawings."
            ),
            permission=CHANGE_DETAILS,
            address=lambda details: reverse("wagtailimages:add_multiple"),
            is_done=lambda details: uses_own_image(),
        ),
        ChecklistItem(
            key="training",
            title=gettext_lazy("Your training and membership"),
            why=gettext_lazy(
                "Write on the front page, where you are told of, how you were trained as a supervisor and to which "
                "association you belong. Then mark this. Until then visitors do not learn it."
            ),
            permission=CHANGE_DETAILS,
            address=_front_page,
        ),
        ChecklistItem(
            key="price",
            title=gettext_lazy("The price, or how it is agreed"),
            why=gettext_lazy(
                "Write it on the front page, for example among the questions: “What does work supervision cost?” "
                "Then mark this. Until then visitors have to ask you."
            ),
            permission=CHANGE_DETAILS,
            address=_front_page,
        ),
        ChecklistItem(
            key="accessibility",
            title=gettext_lazy("Assessment of accessibility"),
            why=gettext_lazy(
                "The accessibility page should tell who tried the site and how. Write it there, then mark this."
            ),
            permission=CHANGE_DETAILS,
            address=_accessibility_page,
        ),
    ]


def _details(key: str, title: Text, why: Text, *fields: str) -> ChecklistItem:
    """Return an item that is done when all of these fields of the contact details are filled."""

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


def uses_own_image() -> bool:
    """Return whether a page uses an image that is not from the first content."""
    image = get_image_model()
    loaded = LoadedContent.objects.exclude(image=None).values("image")
    own = [str(key) for key in image.objects.exclude(pk__in=loaded).values_list("pk", flat=True)]
    used = ReferenceIndex.objects.filter(
        to_content_type=_content_type(image), base_content_type=_content_type(Page), to_object_id__in=own
    )
    return used.exists()


def _content_type(model: type[Model]) -> ContentType:
    return ContentType.objects.get_for_model(model)


def _front_page(_details: ContactDetails) -> str:
    site = Site.objects.filter(is_default_site=True).first()
    return reverse("wagtailadmin_pages:edit", args=[site.root_page_id]) if site else ""


def _accessibility_page(details: ContactDetails) -> str:
    page = details.accessibility_page
    return reverse("wagtailadmin_pages:edit", args=[page.pk]) if page else _field("accessibility_page")(details)


class ChecklistPanel(Component):
    """The open items on the dashboard. Renders nothing where none is open."""

    name = "checklist"
    template_name = "home/checklist/panel.html"
    order = 60

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        request = parent_context["request"]
        checklist = checklist_for(request.user)
        # The CSRF cookie is set only where there is a form.
        return {"checklist": checklist, "csrf_token": get_token(request) if checklist.open else ""}


@require_safe
def full_checklist(request: HttpRequest) -> HttpResponse:
    """Show every item with its state. Items that were set aside can be reopened here."""
    checklist = checklist_for(request.user)
    if not checklist.points:
        raise PermissionDenied
    return TemplateResponse(request, "home/checklist/list.html", {"checklist": checklist})


@require_POST
def mark(request: HttpRequest, key: str) -> HttpResponse:
    """Set the state of the item `key` and redirect to the page that has the button."""
    item = next((item for item in all_items() if item.key == key), None)
    if item is None:
        raise Http404
    if not request.user.has_perm(item.permission):  # type: ignore[union-attr]
        raise PermissionDenied
    state = request.POST.get("state", "")
    try:
        mark_point(item=item, state=state)
    except ValueError:
        return HttpResponseBadRequest()
    message = {
        ChecklistMark.State.SET_ASIDE: _("“%(point)s” was taken off the list. It is still under Help, Checklist."),
        ChecklistMark.State.DONE: _("“%(point)s” was marked done."),
    }.get(state, _("“%(point)s” is on the list again."))  # type: ignore[call-overload]
    messages.success(request, message % {"point": item.title})
    return redirect("checklist" if request.POST.get("from") == "list" else "wagtailadmin_home")


hooks.register(ITEMS_HOOK, page_checklist_items)


@hooks.register("register_admin_urls")
def register_checklist_urls() -> list[URLPattern]:
    return [
        path("aloituslista/", full_checklist, name="checklist"),
        path("aloituslista/<slug:key>/", mark, name="checklist_mark"),
    ]


# Wagtail sorts panels by their `order`. Inserted early, this one comes before other panels of the same order.
@hooks.register("construct_homepage_panels", order=-1)
def add_checklist(request: HttpRequest, panels: list[Any]) -> None:
    panels.insert(0, ChecklistPanel())


class ChecklistMenuItem(MenuItem):
    """The link to the full checklist."""

    def is_shown(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE_DETAILS)  # type: ignore[union-attr]


@hooks.register("register_help_menu_item")
def checklist_menu_item() -> MenuItem:
    return ChecklistMenuItem(
        gettext_lazy("Checklist"), reverse_lazy("checklist"), name="checklist", icon_name="list-ul", order=150
    )
