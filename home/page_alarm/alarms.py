"""What is wrong with the important pages just now."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from wagtail.models import Page

from home.important_pages import ImportantPage, important_pages
from home.references import open_address


@dataclass(frozen=True)
class Alarm:
    """`what` is wrong, what `stops` for that, and the `address` where it is mended. `page` is None where none is."""

    what: str
    stops: list[str]
    address: str
    page: Page | None


def page_alarms() -> list[Alarm]:
    """One for each page that visitors can't read, or soon can't; and for each that is missing."""
    alarms: dict[object, Alarm] = {}
    for one in important_pages():
        for alarm in _alarms_of(one):
            # A page that serves two ends is told of once.
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
    if not open_address(page):
        return _("The page “%(title)s” is outside the site, so visitors don't find it.") % title
    if page.specific.get_view_restrictions().exists():
        return _("The page “%(title)s” is behind a password, so visitors can't read it.") % title
    if page.expire_at:
        moment = date_format(localtime(page.expire_at), "j.n.Y \\k\\l\\o G.i")
        return _("The page “%(title)s” disappears from the site on %(moment)s. Then:") % {**title, "moment": moment}
    return ""
