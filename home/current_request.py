"""The request for a public page that is being answered, for code that templates call without it: filters, rich text.

What is the same for a whole page is read once and kept on the request.
"""

from collections.abc import Callable
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

_request: ContextVar[HttpRequest | None] = ContextVar("public_request", default=None)


def current_request() -> HttpRequest | None:
    """Return the request for a public page; None outside of one, as in the admin, in the worker and in commands."""
    return _request.get()


class CurrentRequestMiddleware:
    """Set current_request(). Not in the admin, where a request may change what it has read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # The admin answers a preview by a request for the page within its own.
        token = _request.set(None if request.path.startswith(settings.ADMIN_PATH) else request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)
