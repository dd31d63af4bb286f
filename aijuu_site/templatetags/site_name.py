"""The name of the site, for places where Wagtail shows its own."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def site_name() -> str:
    """Return WAGTAIL_SITE_NAME."""
    name: str = settings.WAGTAIL_SITE_NAME
    return name
