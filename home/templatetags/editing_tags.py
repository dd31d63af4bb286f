"""What a page tells the editor's content checker; see home.content_checker."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from wagtail.models import Page

from home.content_checker import ATTRIBUTE
from home.editing_checks import page_faults

register = template.Library()


@register.simple_tag(takes_context=True)
def editing_faults(context: dict[str, Any]) -> SafeString:
    """`<body{% editing_faults %}>`: the faults of the page beside the editor; nothing on a visitor's page."""
    page, request = context.get("page"), context.get("request")
    if not isinstance(page, Page) or not getattr(request, "in_preview_panel", False):
        return mark_safe("")
    return format_html(' {}="{}"', mark_safe(ATTRIBUTE), " ".join(fault.key for fault in page_faults(page)))  # noqa: S308
