"""What every template may ask for. Nothing is fetched before a template asks."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from home.menus import Menus, build_menus
from home.models import ContactDetails, PauseNotice
from home.pause import PauseStatus


def site(request: HttpRequest) -> dict[str, Any]:
    """`contact_details`, `contact_url`, `pause`, `main_menu`, `footer_menu`: lazy, fetched once a request.

    The pause is read from the database each time, so that a switch holds from the next page view in every process.
    """

    def details() -> ContactDetails:
        return ContactDetails.load(request)

    def pause() -> PauseStatus:
        return PauseNotice.load(request).status(now=timezone.now(), facebook_url=details().facebook_url)

    menus: Menus = SimpleLazyObject(lambda: build_menus(request))  # type: ignore[assignment]
    return {
        "contact_details": SimpleLazyObject(details),
        "contact_url": SimpleLazyObject(lambda: details().contact_url),
        "pause": SimpleLazyObject(pause),
        "main_menu": SimpleLazyObject(lambda: menus.main),
        "footer_menu": SimpleLazyObject(lambda: menus.footer),
    }
