"""What a page says of itself in its head; see home.discovery."""

from typing import Any

from django import template
from wagtail.models import Page

from home.discovery import addresses
from home.discovery.head import page_head as head_of

register = template.Library()


@register.inclusion_tag("components/page_head.html", takes_context=True)
def page_head(context: dict[str, Any]) -> dict[str, Any]:
    """`{% page_head %}`: nothing for an answer that is no page, and nothing in an editor's preview."""
    page, request = context.get("page"), context.get("request")
    if not isinstance(page, Page) or request is None or getattr(request, "is_preview", False):
        return {"head": None}
    return {
        "head": head_of(page, request, details=context["contact_details"], pause=context["pause"]),
    }


@register.filter
def page_address(page: Page) -> str:
    """`{{ page|page_address }}`: the address to print; "" for an answer that is no page."""
    return addresses.page_address(page) if isinstance(page, Page) else ""
