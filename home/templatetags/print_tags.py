"""What the printed leaflet must know of a text."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_BARE_LINK = re.compile(r'<a (?=href="(https?://[^"]+)">\1</a>)')
_OWN_LINK = re.compile(r'<a (?=href="(/[^"/#][^"#]*)["#])')


@register.filter
def mark_bare_links(html: Any) -> SafeString:
    """Give a link whose words are its own address the class `bare-link`: print adds the address to all others.

    A link of the site's own gets `data-address`, which can be typed from paper: aijuu.fi/yksilotyonohjaus/.
    """
    marked = _BARE_LINK.sub('<a class="bare-link" ', conditional_escape(html))
    host = escape(urlsplit(settings.SITE_URL).netloc)
    return mark_safe(_OWN_LINK.sub(rf'<a data-address="{host}\1" ', marked))  # noqa: S308
