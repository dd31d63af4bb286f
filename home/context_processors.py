"""What every template may ask for. Nothing is fetched before a template asks."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from home.menus import Menus, build_menus
from home.models import ContactDetails
from home.pause_now import current_pause


def site(request: HttpRequest) -> dict[str, Any]:
    """`contact_details`, `contact_url`, `pause`, `main_menu`, `footer_menu`: lazy, fetched once a request."""

    def details() -> ContactDetails:
        return ContactDetails.load(request)

    menus: Menus = SimpleLazyObject(lambda: build_menus(request))  # type: ignore[assignment]
    return {
        "contact_details": SimpleLazyObject(details),
        "contact_url": SimpleLazyObject(lambda: details().contact_url),
        "pause": SimpleLazyObject(lambda: current_pause(request)),
        "main_menu": SimpleLazyObject(lambda: menus.main),
        "footer_menu": SimpleLazyObject(lambda: menus.footer),
    }
