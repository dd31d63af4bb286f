"""The site's own name, where Wagtail would put its name."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def site_name() -> str:
    """Return the name that Wagtail itself uses on the dashboard and when it asks to confirm a deletion."""
    name: str = settings.WAGTAIL_SITE_NAME
    return name
