"""Pages that the site needs: what stops working while one is missing or hidden. Each room hands in its own.

Wagtail lets every page be hidden and deleted. Whoever does it to one of these is told first what stops (`what_stops`),
and the first page of the admin says so for as long as it is so (home.page_alarm).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from wagtail import hooks
from wagtail.models import Page

# A hook of Wagtail's kind: a function without arguments that returns important pages.
IMPORTANT_PAGES_HOOK = "register_important_pages"

Text: TypeAlias = str | Promise


@dataclass(frozen=True)
class ImportantPage:
    """`page` is asked anew each time. `stops` is a whole sentence in the present tense.

    `missing` says that there is no such page, and `address` leads to where one is made or chosen.
    """

    key: str
    page: Callable[[], Page | None]
    stops: Text
    missing: Text
    address: Callable[[], str]


def important_pages() -> list[ImportantPage]:
    """Return every room's pages, in the order of the hooks."""
    offers: Iterable[Callable[[], list[ImportantPage]]] = hooks.get_hooks(IMPORTANT_PAGES_HOOK)
    return [one for offer in offers for one in offer()]


def what_stops(*pages: Page) -> list[Text]:
    """Return what stops working when these pages, and those below them, can't be read any more."""
    needed = [(one, one.page()) for one in important_pages()]
    return [
        one.stops
        for one, page in needed
        if page is not None and any(page.path.startswith(gone.path) for gone in pages if gone.path)
    ]


def refuse_expiry(page: Any) -> None:
    """Raise ValidationError where the page is to disappear by the clock, when nobody is there to be warned."""
    stops = what_stops(page) if page.expire_at and page.path else []
    if stops:
        told = _("This page can't be timed to disappear. Without it: %(stops)s")
        raise ValidationError({"expire_at": told % {"stops": " ".join(str(one) for one in stops)}})
