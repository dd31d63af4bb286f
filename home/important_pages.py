"""Pages that the site needs: the permissions that protect them, and warnings where visitors can't read them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail import hooks
from wagtail.admin.ui.components import Component
from wagtail.models import Page, PagePermissionTester, Site

from home.contact_details import ContactDetails
from home.dates import finnish_moment
from home.site_pages import visitor_url

FRONT_PAGE_PROTECTED = gettext_lazy(
    "The front page can't be deleted, moved or hidden: the whole site would disappear with it. "
    "Change its content instead."
)
DEFAULT_SITE_PROTECTED = gettext_lazy(
    "This is the site itself. It can't be deleted, it stays the default, and it keeps its front page: otherwise "
    "visitors would find nothing."
)
# A Wagtail hook: a function without arguments that returns a list of ImportantPage.
IMPORTANT_PAGES_HOOK = "register_important_pages"


def contains_front_page(page: Page) -> bool:
    """Return whether `page` is the front page of a site or an ancestor of one."""
    return bool(Site.objects.filter(root_page__path__startswith=page.path).exists())


Text: TypeAlias = str | Promise


@dataclass(frozen=True)
class ImportantPage:
    """A page that a feature depends on.

    `page` is called on every check. `stops` states in one sentence what stops working without the page. Where there is
    no page, `missing` is shown, with the admin URL `address` where one can be created or chosen.
    """

    key: str
    page: Callable[[], Page | None]
    stops: Text
    missing: Text
    address: Callable[[], str]


def important_pages() -> list[ImportantPage]:
    """Return the pages that all apps have registered, in the order of the hooks."""
    offers: Iterable[Callable[[], list[ImportantPage]]] = hooks.get_hooks(IMPORTANT_PAGES_HOOK)
    return [one for offer in offers for one in offer()]


def consequences_without(*pages: Page) -> list[Text]:
    """Return the `stops` sentences of the important pages among `pages` and their descendants."""
    needed = [(one, one.page()) for one in important_pages()]
    return [
        one.stops
        for one, page in needed
        if page is not None and any(page.path.startswith(gone.path) for gone in pages if gone.path)
    ]


def refuse_expiry(page: Any) -> None:
    """Raise ValidationError for an important page with an expiry date."""
    stops = consequences_without(page) if page.expire_at and page.path else []
    if stops:
        message = _("This page can't be timed to disappear. Without it: %(stops)s")
        raise ValidationError({"expire_at": message % {"stops": " ".join(str(one) for one in stops)}})


class PageRights(PagePermissionTester):
    def can_delete(self, ignore_bulk: bool = False) -> bool:
        return super().can_delete(ignore_bulk) and not contains_front_page(self.page)

    def can_move(self) -> bool:
        # Moving is offered only where another page may be the parent of this page type.
        return super().can_move() and _other_parents(self.page)

    def can_move_to(self, destination: Page) -> bool:
        return super().can_move_to(destination) and not contains_front_page(self.page)

    def can_unpublish(self) -> bool:
        return super().can_unpublish() and not contains_front_page(self.page)

    def can_copy(self) -> bool:
        # A copy would have another address, while the site's links still lead to the original.
        return super().can_copy() and not _is_only_one(self.page) and not consequences_without(self.page)

    def can_set_view_restrictions(self) -> bool:
        # A password would hide an important page from visitors.
        return super().can_set_view_restrictions() and not consequences_without(self.page)


def _is_only_one(page: Page) -> bool:
    """Return whether the page type has reached its `max_count`."""
    kind = page.specific_class
    return kind is not None and kind.max_count is not None and kind.objects.count() >= kind.max_count


def _other_parents(page: Page) -> bool:
    """Return whether a page other than its parent may be the parent of `page`."""
    kind = page.specific_class
    if kind is None:
        return True
    parents = Page.objects.exact_type(*kind.allowed_parent_page_models()).not_descendant_of(page, inclusive=True)
    parent = page.get_parent()
    return bool(parents.exclude(pk=parent.pk if parent else None).exists())


def site_important_pages() -> list[ImportantPage]:
    return [
        ImportantPage(
            key="front",
            page=_front_page,
            stops=gettext_lazy("The whole site disappears: visitors find nothing at its address."),
            missing=gettext_lazy("The site has no front page."),
            address=lambda: reverse("wagtailadmin_explore_root"),
        ),
        ImportantPage(
            key="contact-link",
            page=lambda: ContactDetails.load().contact_page,
            stops=gettext_lazy("The links “Ota yhteyttä” disappear from every page."),
            missing=gettext_lazy("No contact page has been chosen in the contact details."),
            address=_field("contact_page"),
        ),
        ImportantPage(
            key="privacy",
            page=lambda: ContactDetails.load().privacy_page,
            stops=gettext_lazy(
                "The forms and the mails no longer lead to the privacy notice, although people have a right to read it "
                "before they write to you."
            ),
            missing=gettext_lazy("No privacy page has been chosen in the contact details."),
            address=_field("privacy_page"),
        ),
        ImportantPage(
            key="accessibility",
            page=lambda: ContactDetails.load().accessibility_page,
            stops=gettext_lazy(
                "The footer no longer leads to the accessibility statement, although people have a right to find it."
            ),
            missing=gettext_lazy("No accessibility page has been chosen in the contact details."),
            address=_field("accessibility_page"),
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


@dataclass(frozen=True)
class Alarm:
    """A warning: `what` is wrong, what `stops` working, and the `address` where it is fixed.

    `page` is None where the page is missing.
    """

    what: str
    stops: list[str]
    address: str
    page: Page | None


def page_alarms() -> list[Alarm]:
    """Return one alarm for each important page that is missing, or that visitors can't read now or soon."""
    alarms: dict[object, Alarm] = {}
    for one in important_pages():
        for alarm in _alarms_of(one):
            # A page that is important for two reasons gets one alarm.
            known = alarms.setdefault(alarm.page.pk if alarm.page else one.key, alarm)
            if known is not alarm:
                known.stops.extend(alarm.stops)
    return list(alarms.values())


def _alarms_of(one: ImportantPage) -> Iterator[Alarm]:
    page = one.page()
    if page is None:
        yield Alarm(str(one.missing), [str(one.stops)], one.address(), None)
    elif what := _what_hides(page):
        yield Alarm(what, [str(one.stops)], reverse("wagtailadmin_pages:edit", args=[page.pk]), page)


def _what_hides(page: Page) -> str:
    title = {"title": page.title}
    if not page.live:
        return _("The page “%(title)s” is hidden from visitors.") % title
    if not visitor_url(page):
        return _("The page “%(title)s” is outside the site, so visitors don't find it.") % title
    if page.specific.get_view_restrictions().exists():
        return _("The page “%(title)s” is behind a password, so visitors can't read it.") % title
    if page.expire_at:
        moment = finnish_moment(page.expire_at)
        return _("The page “%(title)s” disappears from the site on %(moment)s. Then:") % {**title, "moment": moment}
    return ""


class PageAlarmPanel(Component):
    """The warnings on the dashboard, above all other panels. Empty where nothing is wrong."""

    name = "page-alarm"
    template_name = "home/page_alarm/panel.html"
    order = 10

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        return {"alarms": page_alarms()}
