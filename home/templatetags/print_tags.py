"""What the printed leaflet must know of a text."""

import re
from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_BARE_LINK = re.compile(r'<a (?=href="(https?://[^"]+)">\1</a>)')


@register.filter
def mark_bare_links(html: Any) -> SafeString:
    """Give a link whose words are its own address the class `bare-link`: print adds the address to all others."""
    return mark_safe(_BARE_LINK.sub('<a class="bare-link" ', conditional_escape(html)))  # noqa: S308
