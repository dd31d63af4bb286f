"""Whoever has given only a password is nobody yet, on every page of the site."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from aijuu_site.accounts.models import User
from aijuu_site.accounts.second_step.rules import has_passed, is_required


class SecondStepMiddleware:
    """Where a second step is required, a session without one has no user.

    A login makes no such session; this is for those from before SITE_URL became https. Public pages that don't ask who
    is signed in do nothing for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_required():
            signed_in = request.user
            request.user = SimpleLazyObject(lambda: _with_second_step(request, signed_in))  # type: ignore[assignment]
        return self.get_response(request)


def _with_second_step(request: HttpRequest, user: User | AnonymousUser) -> User | AnonymousUser:
    if not user.is_authenticated or has_passed(request, user):
        return user
    return AnonymousUser()
