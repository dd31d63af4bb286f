"""Addresses that are secrets (intake.urls): no cache keeps what stands there, no link or log tells them on."""

import logging
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

PRIVATE_PREFIX = "/jatka/"
# The prefix as mail programs and people change it: with more slashes before it, or with capital letters. Django's
# reverse() can't read "(?i:…)", and its checks take a slash at the beginning for a mistake.
ANY_PRIVATE_PREFIX = "[/]*" + "".join(f"[{letter}{letter.upper()}]" for letter in PRIVATE_PREFIX.strip("/")) + "/"
_IS_PRIVATE = re.compile(ANY_PRIVATE_PREFIX)
# A private link, and a link for a new password: up to the next slash, whatever was copied along or broke it in two.
_SECRET = re.compile(rf"(/{ANY_PRIVATE_PREFIX}|/password_reset/confirm/[\w%-]+/)/*[^/\n]+")

_HEADERS = {
    "Cache-Control": "no-store, private",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}


class PrivateAddressesMiddleware:
    """Set the headers on every answer under the prefix, however it is spelt: pages, redirects, refusals and errors."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if _IS_PRIVATE.match(request.path):
            for name, value in _HEADERS.items():
                response[name] = value
        return response


class SecretRedactingFormatter(logging.Formatter):
    """Leaves the secret out of a line and its traceback: Django logs the address of every answer of 500 and above."""

    def format(self, record: logging.LogRecord) -> str:
        return _SECRET.sub(r"\1…", super().format(record))
