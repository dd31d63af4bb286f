"""schema.org as JSON-LD. It states what the page shows and nothing else; a fact that is not filled leaves no trace.

E-mail addresses are left out: these lines are the first that a harvester reads.
"""

import json
import re
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from wagtail.models import Page

from home.discovery.addresses import absolute
from home.discovery.descriptions import introduction, plain_lines
from home.editors_words import editors_text
from home.email_obfuscation import hide_emails_in_json
from home.models import ContactDetails, ServicePage
from home.pause import PauseStatus

Node = dict[str, Any]

LANGUAGE = "fi"
# Areas that the contact details can name (shown at the foot of every page). "Etelä-Suomessa" is not all of Finland.
_AREAS: tuple[tuple[re.Pattern[str], Node], ...] = (
    (re.compile(r"\bsatakun(?:ta|na)", re.IGNORECASE), {"@type": "AdministrativeArea", "name": "Satakunta"}),
    (
        re.compile(r"(?<![\w-])(?:koko\s+suome|suomi\b|suomessa\b)", re.IGNORECASE),
        {"@type": "Country", "name": "Suomi", "identifier": "FI"},
    ),
)
# As Django's json_script: nothing in the text can end the element or begin a comment.
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


def page_graph(page: Page, *, address: str, details: ContactDetails, pause: PauseStatus) -> Node:
    """The whole statement of a page: the practice, the service if the page is one, its questions if it has any."""
    nodes = [_practice(details)]
    if isinstance(page, ServicePage):
        nodes.append(_service(page, address, details, pause))
    if questions := _questions(page):
        nodes.append({"@type": "FAQPage", "@id": f"{address}#faq", "inLanguage": LANGUAGE, "mainEntity": questions})
    return {"@context": "https://schema.org", "@graph": nodes}


def as_script_text(graph: Node) -> SafeString:
    """JSON that is safe between <script type="application/ld+json"> and its end."""
    text = json.dumps(graph, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    return mark_safe(hide_emails_in_json(text))  # noqa: S308


def _filled(node: Node) -> Node:
    return {name: value for name, value in node.items() if value}


def _practice_id() -> str:
    return absolute("/#aijuu")


def _practice(details: ContactDetails) -> Node:
    """ProfessionalService is a kind of LocalBusiness, which needs a public address; without one, an Organization."""
    return _filled(
        {
            "@type": "ProfessionalService" if details.postal_address else "Organization",
            "@id": _practice_id(),
            "name": details.business_name,
            "legalName": details.official_name,
            "identifier": details.business_id,
            "url": absolute("/"),
            "telephone": details.phone_uri.removeprefix("tel:"),
            "address": editors_text(details.postal_address),
            "areaServed": _areas(details),
            "founder": _filled({"@type": "Person", "name": details.person_name}) if details.person_name else None,
            "sameAs": details.facebook_url,
        }
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
            # How to apply. Nobody can while the practice is on a pause.
            "availableChannel": None if pause.is_paused else _channel(details),
        }
    )


def _channel(details: ContactDetails) -> Node | None:
    ways = _filled({"serviceUrl": absolute(details.contact_url) if details.contact_url else "", "servicePhone": None})
    if details.phone_uri:
        ways["servicePhone"] = {"@type": "ContactPoint", "telephone": details.phone_uri.removeprefix("tel:")}
    return {"@type": "ServiceChannel", **ways, "availableLanguage": LANGUAGE} if ways else None


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
