"""What stands in the head of a page for search engines and for sharing."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.safestring import SafeString
from wagtail.models import Page

from home.discovery.addresses import page_address
from home.discovery.descriptions import page_description
from home.discovery.share_picture import SharePicture, share_picture
from home.discovery.structured_data import as_script_text, page_graph
from home.editors_words import editors_text
from home.models import ContactDetails
from home.pause import PauseStatus


@dataclass(frozen=True, slots=True)
class PageHead:
    """`address` is the canonical one."""

    title: str
    description: str
    address: str
    site_name: str
    picture: SharePicture
    structured_data: SafeString


def page_head(page: Page, request: HttpRequest, *, details: ContactDetails, pause: PauseStatus) -> PageHead | None:
    """The head of a page as visitors find it; None for one that has no public address (yet)."""
    address = page_address(page, request)
    if not address:
        return None
    return PageHead(
        title=editors_text(page.seo_title or page.title),
        description=page_description(page),
        address=address,
        site_name=details.business_name or settings.WAGTAIL_SITE_NAME,
        picture=share_picture(page),
        structured_data=as_script_text(page_graph(page, address=address, details=details, pause=pause)),
    )
