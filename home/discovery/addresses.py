"""Addresses with the host name that visitors use, whatever host a request came to."""

from django.conf import settings
from django.http import HttpRequest
from wagtail.models import Page


def absolute(path: str) -> str:
    """`https://…/polku/` of a path on this site; an address that is absolute already is returned as it is."""
    return path if "://" in path else f"{settings.SITE_URL}{path}"


def page_address(page: Page, request: HttpRequest | None = None) -> str:
    """The one address of a page; "" for a page that belongs to no site."""
    parts = page.get_url_parts(request)
    if parts is None:
        return ""
    _site, _root, path = parts
    return absolute(path) if path else ""
