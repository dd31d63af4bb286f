"""Warnings in the admin about important pages that are missing, hidden, or scheduled to expire."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail import hooks
from wagtail.admin.ui.components import Component
from wagtail.models import Page, Site

from home.contact_details import ContactDetails
from home.dates import finnish_moment
from home.important_pages import IMPORTANT_PAGES_HOOK, ImportantPage, important_pages
from home.site_pages import visitor_url


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


hooks.register(IMPORTANT_PAGES_HOOK, site_important_pages)


class PageAlarmPanel(Component):
    """The warnings on the dashboard, above all other panels. Empty where nothing is wrong."""

    name = "page-alarm"
    template_name = "home/page_alarm/panel.html"
    order = 10

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        return {"alarms": page_alarms()}


@hooks.register("construct_homepage_panels", order=200)
def add_page_alarm(request: HttpRequest, panels: list[Any]) -> None:
    panels.insert(0, PageAlarmPanel())
