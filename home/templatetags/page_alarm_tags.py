"""The warning on the admin's pages that ask before a page is hidden, moved or deleted."""

from typing import Any

from django import template
from wagtail.models import Page

from home.important_pages import what_stops

register = template.Library()


@register.inclusion_tag("home/page_alarm/warning.html")
def page_warning(page: Page) -> dict[str, Any]:
    return {"stops": what_stops(page)}


@register.inclusion_tag("home/page_alarm/warning.html")
def pages_warning(items: list[dict[str, Any]]) -> dict[str, Any]:
    """For the pages of a bulk action, as Wagtail lists them."""
    return {"stops": what_stops(*(item["item"] for item in items))}
