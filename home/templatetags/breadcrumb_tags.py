"""Where a page that lies deeper stands in the site."""

from typing import Any

from django import template
from wagtail.models import Page

from home.menus import build_breadcrumbs

register = template.Library()


@register.inclusion_tag("components/breadcrumbs.html", takes_context=True)
def breadcrumbs(context: template.Context, here: str = "") -> dict[str, Any]:
    """`{% breadcrumbs %}` for the page of the context; `here` names a view below it that is no page of its own.

    Nothing where there is no page, as on an error page.
    """
    page, request = context.get("page"), context.get("request")
    way = build_breadcrumbs(request, page, here) if request is not None and isinstance(page, Page) else []
    return {"breadcrumbs": way}
