"""Metadata for search engines and link previews: description, share picture, structured data, sitemap."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from wagtail.models import Page, Site

from home.contact_details import ContactDetails
from home.editors_text import editors_html, editors_text, hide_emails_in_json
from home.pages import BasePage, ServicePage
from home.pause.wording import PauseStatus
from home.typography import remembered

LONGEST_DESCRIPTION = 155
# The fields in which the page types keep their introduction.
_INTRODUCTIONS = ("lead", "intro")
_ELLIPSIS = "…"
_ABBREVIATIONS = ("esim", "mm", "n", "ns", "puh", "ks", "vrt", "yms", "ym", "jne", "eli", "klo", "tri", "prof", "os")
# Not the full stop of a date, a number or an abbreviation.
_SENTENCE_END = re.compile(
    rf"(?<!\d){''.join(rf'(?<!{chr(92)}b{word})' for word in _ABBREVIATIONS)}[.!?][”\")]?(?=\s+[A-ZÅÄÖ0-9”\"(])"
)
# Not \s: a no-break space is part of the text.
_WHITESPACE = re.compile(r"[ \t\r\n\f]+")
_ENDS_A_PART = re.compile(r"</(?:p|li|h[1-6]|ul|ol)>|<br\s*/?>", re.IGNORECASE)
WIDTH, HEIGHT = 1200, 630
DEFAULT = "aijuu-tyonohjaus"
# The title of the page is part of its picture, so the key is the title's slug: a renamed page gets the default.
# Drawn by `python -m tests.tools.share_pictures`.
PICTURES: dict[str, Promise] = {
    DEFAULT: _("“Aijuu työnohjaus” and a drawing: two people look at the same path."),
    "yksilotyonohjaus": _("“Yksilötyönohjaus” and a drawing: two people side by side, the sun between them."),
    "ryhmatyonohjaus": _("“Ryhmätyönohjaus” and a drawing: five people around a round table."),
    "tyoyhteison-tyonohjaus": _("“Työyhteisön työnohjaus” and a drawing: people in front of their house."),
    "ota-yhteytta": _("“Ota yhteyttä” and a drawing: a letter rises from its envelope."),
    "alkukartoitus": _("“Alkukartoitus” and a drawing: a path runs across an unfolded map to a sun-coloured mark."),
    "tietosuoja": _("“Tietosuoja” and a drawing: an envelope, a keyhole in its seal."),
    "saavutettavuus": _("“Saavutettavuus” and a drawing: a wide path leads through an open door."),
}
LANGUAGE = "fi"
_LOGO = "img/icons/icon-512.png"
# As in Django's json_script: the text can't close the element or open a comment.
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


def absolute(path: str) -> str:
    """Return the absolute URL of a path on this site. An absolute URL is returned unchanged."""
    return path if "://" in path else f"{settings.SITE_URL}{path}"


def page_address(page: Page, request: HttpRequest | None = None) -> str:
    """Return the canonical URL of a page; "" for a page outside every site. An alias has that of its source."""
    if page.alias_of_id is not None and (address := page_address(page.alias_of, request)):
        return address
    parts = page.get_url_parts(request)
    if parts is None:
        return ""
    _site, _root, path = parts
    return absolute(path) if path else ""


def plain_lines(html: str) -> list[str]:
    """Return the plain text of rich text: one line for each paragraph, heading or list item."""
    return list(_lines(editors_html(html)))


@remembered
def _lines(html: str) -> tuple[str, ...]:
    lines = (_one_line(unescape(strip_tags(part))) for part in _ENDS_A_PART.split(html))
    return tuple(line for line in lines if line)


def _one_line(text: str) -> str:
    return _WHITESPACE.sub(" ", text).strip(" ")


def plain_text(html: str) -> str:
    """Return the plain text of rich text in one line."""
    return " ".join(plain_lines(html))


def shorten(text: str, longest: int = LONGEST_DESCRIPTION) -> str:
    """Return at most `longest` characters of `text`.

    A longer text is cut after a sentence if that leaves more than half of the length, else after a word, with "…".
    """
    if len(text) <= longest:
        return text
    ends = [end for match in _SENTENCE_END.finditer(text) if (end := match.end()) <= longest]
    if ends and ends[-1] > longest / 2:
        return text[: ends[-1]]
    start = text[:longest]
    words = start[: start.rindex(" ")] if " " in start else start[: longest - len(_ELLIPSIS)]
    return words.rstrip(" ,;:–-") + _ELLIPSIS


def introduction(page: Page) -> str:
    """Return the visible introduction of a page as plain text; "" where there is none."""
    return next((text for name in _INTRODUCTIONS if (text := plain_text(getattr(page, name, "")))), "")


def page_title(page: Page, pause: PauseStatus) -> str:
    """Return the title for search engines and for the browser's tab, without the name of the site."""
    return (_follows_pause(page) and pause.contact_title) or editors_text(page.seo_title or page.title)


def _follows_pause(page: Page) -> bool:
    return isinstance(page, BasePage) and page.head_follows_pause


def page_description(page: Page) -> str:
    """Return the search description, else the start of the introduction, else of the first text in the body."""
    if written := _one_line(page.search_description):
        return editors_text(written)
    return shorten(introduction(page) or _first_text(page))


def _first_text(page: Page) -> str:
    texts = (plain_text(block.value["text"].source) for block in page.body if block.block_type == "text")
    return next((text for text in texts if text), "")


@dataclass(frozen=True, slots=True)
class SharePicture:
    """A PNG of WIDTH × HEIGHT: its absolute URL and alternative text."""

    url: str
    alt: str
    width: int = WIDTH
    height: int = HEIGHT


def share_picture(page: Page) -> SharePicture:
    """Return the picture for the title of the page, else the default."""
    name = slugify(page.title)
    if name not in PICTURES:
        name = DEFAULT
    return SharePicture(url=absolute(static(f"img/share/{name}.png")), alt=str(PICTURES[name]))


Node = dict[str, Any]
# Areas recognised in the contact details. "Etelä-Suomessa" does not match all of Finland.
_AREAS: tuple[tuple[re.Pattern[str], Node], ...] = (
    (re.compile(r"\bsatakun(?:ta|na)", re.IGNORECASE), {"@type": "AdministrativeArea", "name": "Satakunta"}),
    (
        re.compile(r"(?<![\w\-\u2010-\u2015])(?:koko\s+suome|suomi\b|suomessa\b)", re.IGNORECASE),
        {"@type": "Country", "name": "Suomi", "identifier": "FI"},
    ),
)


def page_graph(page: Page, *, address: str, details: ContactDetails, pause: PauseStatus) -> Node:
    """Return the JSON-LD of a page: the practice, the service of a ServicePage, and its FAQ questions."""
    nodes = [_practice(details)]
    if isinstance(page, ServicePage):
        nodes.append(_service(page, address, details, pause))
    if questions := _questions(page):
        nodes.append({"@type": "FAQPage", "@id": f"{address}#faq", "inLanguage": LANGUAGE, "mainEntity": questions})
    return {"@context": "https://schema.org", "@graph": nodes}


def as_script_text(graph: Node) -> SafeString:
    """Return JSON that is safe inside <script type="application/ld+json">."""
    text = json.dumps(graph, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    return mark_safe(hide_emails_in_json(text))  # noqa: S308


def _filled(node: Node) -> Node:
    return {name: value for name, value in node.items() if value}


def _practice_id() -> str:
    return absolute("/#aijuu")


def _practice(details: ContactDetails) -> Node:
    # A ProfessionalService is a LocalBusiness, which requires a public address; without one, an Organization.
    return _filled(
        {
            "@type": "ProfessionalService" if details.postal_address else "Organization",
            "@id": _practice_id(),
            "name": details.business_name,
            "legalName": details.official_name,
            "identifier": details.business_id,
            "url": absolute("/"),
            "logo": absolute(static(_LOGO)),
            "telephone": details.phone_uri.removeprefix("tel:"),
            "address": editors_text(details.postal_address),
            "areaServed": _areas(details),
            "contactPoint": _contact_point(details),
            "founder": _filled({"@type": "Person", "name": details.person_name}) if details.person_name else None,
            "sameAs": details.facebook_url,
        }
    )


def _contact_point(details: ContactDetails) -> Node | None:
    """Return how the practice is reached, also in a pause; None without a phone number and an e-mail address."""
    reached = _filled({"telephone": details.phone_uri.removeprefix("tel:"), "email": details.email})
    if not reached:
        return None
    return _filled(
        {"@type": "ContactPoint", **reached, "availableLanguage": LANGUAGE, "areaServed": _areas(details)},
    )


def _areas(details: ContactDetails) -> list[Node]:
    return [dict(area) for pattern, area in _AREAS if pattern.search(details.areas)]


def _service(page: ServicePage, address: str, details: ContactDetails, pause: PauseStatus) -> Node:
    return _filled(
        {
            "@type": "Service",
            "@id": f"{address}#palvelu",
            "url": address,
            "name": editors_text(page.title),
            "serviceType": editors_text(page.title),
            "description": introduction(page),
            "provider": {"@id": _practice_id()},
            "areaServed": _areas(details),
            # The way to apply is given only while new supervision is started.
            "availableChannel": _channel(details) if pause.takes_new_clients else None,
        }
    )


def _channel(details: ContactDetails) -> Node | None:
    channel = _filled(
        {"serviceUrl": absolute(details.contact_url) if details.contact_url else "", "servicePhone": None}
    )
    if details.phone_uri:
        channel["servicePhone"] = {"@type": "ContactPoint", "telephone": details.phone_uri.removeprefix("tel:")}
    return {"@type": "ServiceChannel", **channel, "availableLanguage": LANGUAGE} if channel else None


def _questions(page: Page) -> list[Node]:
    return [
        {
            "@type": "Question",
            "name": editors_text(item["question"]),
            "acceptedAnswer": {"@type": "Answer", "text": answer},
        }
        for block in page.body
        if block.block_type == "faq"
        for item in block.value["questions"]
        if (answer := "\n".join(plain_lines(item["answer"].source)))
    ]


@dataclass(frozen=True, slots=True)
class PageHead:
    """The metadata in the <head> of a page. `address` is the canonical URL."""

    title: str
    description: str
    address: str
    site_name: str
    picture: SharePicture
    structured_data: SafeString


def page_head(page: Page, request: HttpRequest, *, details: ContactDetails, pause: PauseStatus) -> PageHead | None:
    """Return the metadata of a page; None for a page without a public URL."""
    address = page_address(page, request)
    if not address:
        return None
    return PageHead(
        title=page_title(page, pause),
        description=(_follows_pause(page) and pause.contact_description) or page_description(page),
        address=address,
        site_name=details.business_name or settings.WAGTAIL_SITE_NAME,
        picture=share_picture(page),
        structured_data=as_script_text(page_graph(page, address=address, details=details, pause=pause)),
    )


class PageSitemap(Sitemap[Page]):
    """All published, public pages, with URLs under SITE_URL. Without aliases, whose canonical URL is their source's."""

    def items(self) -> QuerySet[Page]:
        site = Site.objects.filter(is_default_site=True).select_related("root_page").first()
        if site is None:
            return Page.objects.none()
        below = site.root_page.get_descendants(inclusive=True)
        pages: QuerySet[Page] = below.live().public().filter(alias_of=None).order_by("path")
        return pages

    def location(self, item: Page) -> str:
        return urlsplit(page_address(item)).path

    def lastmod(self, item: Page) -> datetime | None:
        published: datetime | None = item.last_published_at
        return published

    def get_protocol(self, protocol: str | None = None) -> str:
        return urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site: object = None) -> str:
        return urlsplit(settings.SITE_URL).netloc
