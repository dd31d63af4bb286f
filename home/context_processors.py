"""Context of every template. All values are lazy."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from home.contact_details import ContactDetails, cache_contact
from home.menus import Menus, build_menus, front_page_address
from home.pause.selectors import current_pause
from home.pause.wording import next_step


def site(request: HttpRequest) -> dict[str, Any]:
    """Return what the base template needs, each fetched at most once per request."""

    def details() -> ContactDetails:
        loaded = ContactDetails.load(request)
        cache_contact(loaded)
        return loaded

    def step() -> str:
        url = details().contact_url
        # No link to the contact page on the contact page itself and below it.
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
        # In bytes: Django refuses a longer POST before a view sees it.
        "largest_post": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    }
