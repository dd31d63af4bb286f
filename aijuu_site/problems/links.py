"""Links inside the site that lead nowhere, as a visitor would find them."""

from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.test import Client
from wagtail.models import Page

from home.pages import linked_pages
from home.site_pages import visitor_url, visitor_urls

# Files have names that are made for them, and the admin is not for visitors.
_UNCHECKED = (settings.STATIC_URL, settings.MEDIA_URL, settings.ADMIN_PATH)
_MOST_REDIRECTS = 5


@dataclass(frozen=True)
class DeadLink:
    """A published page with a link that leads nowhere. `target` is "" for one to a page that is gone or hidden."""

    page: str
    address: str
    target: str


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def dead_links() -> Iterator[DeadLink]:
    """Yield the dead links of all published pages. Asks the program itself, not the network."""
    client = Client(raise_request_exception=False)
    alive: dict[str, bool] = {}
    for page in Page.objects.live().public().order_by("path").specific():
        address = visitor_url(page)
        if not address:
            continue
        if not all(visitor_urls(list(linked_pages(page)))):
            yield DeadLink(page.title, address, "")
        links = _Links()
        shown = _get(client, address)
        links.feed("" if shown.streaming else shown.content.decode("utf-8", errors="replace"))
        for target in dict.fromkeys(_inside(link, address) for link in links.found):
            if not target:
                continue
            if target not in alive:
                alive[target] = _leads_somewhere(client, target)
            if not alive[target]:
                yield DeadLink(page.title, address, target)


def _inside(link: str, page: str) -> str:
    """Return the path of a link that stays inside the site; "" for any other."""
    try:
        parts = urlsplit(urljoin(f"{settings.SITE_URL}{page}", link))
    except ValueError:
        return ""
    own = urlsplit(settings.SITE_URL)
    if (parts.scheme, parts.netloc) != (own.scheme, own.netloc) or parts.path.startswith(_UNCHECKED):
        return ""
    return parts.path


def _leads_somewhere(client: Client, target: str) -> bool:
    """Return whether a visitor gets a page at the end of the redirects, or is led out of the site."""
    for _ in range(_MOST_REDIRECTS):
        answer = _get(client, target)
        if not 300 <= answer.status_code < 400:
            return answer.status_code < 400
        target = _inside(answer.headers.get("Location", ""), target)
        if not target:
            return True
    return False


def _get(client: Client, path: str) -> Any:
    own = urlsplit(settings.SITE_URL)
    headers = {"host": own.netloc, "x-forwarded-proto": own.scheme}
    return client.get(path, headers=headers, secure=settings.HTTPS)
