"""What every template may ask for. Nothing is fetched before a template asks."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from home.contact_cache import cache_contact
from home.contact_details import ContactDetails
from home.menus import Menus, build_menus, front_page_address
from home.pause.selectors import current_pause
from home.pause.wording import next_step


def site(request: HttpRequest) -> dict[str, Any]:
    """What each page's frame is made of: lazy, fetched once a request."""

    def details() -> ContactDetails:
        known = ContactDetails.load(request)
        cache_contact(known)
        return known

    def step() -> str:
        url = details().contact_url
        # Who is on the contact page, or below it, is there already.
        return next_step(current_pause(request), "" if url and request.path.startswith(url) else url)

    menus: Menus = SimpleLazyObject(lambda: build_menus(request))  # type: ignore[assignment]
    return {
        "front_url": SimpleLazyObject(lambda: front_page_address(request)),
        "contact_details": SimpleLazyObject(details),
        "contact_url": SimpleLazyObject(lambda: details().contact_url),
        "pause": SimpleLazyObject(lambda: current_pause(request)),
        "pause_next_step": SimpleLazyObject(step),
        "main_menu": SimpleLazyObject(lambda: menus.main),
        "footer_menu": SimpleLazyObject(lambda: menus.footer),
        # In bytes: what is longer comes to no view.
        "largest_post": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    }
