"""Who must pass a second step at login, who has, which second steps there are; and that nobody comes in without."""

from collections.abc import Callable
from urllib.parse import urlsplit

from allauth.account.authentication import get_authentication_records
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from aijuu_site.accounts.models import User

# Recovery codes stand in for one of these, they are none themselves.
STEPS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_required() -> bool:
    """Return whether nobody gets into the admin with a password alone: wherever people visit the site."""
    return bool(settings.SITE_URL.startswith("https://"))


def passkey_host() -> str:
    """Return the host name that passkeys are bound to (WebAuthn's RP ID). Where it is an address there are none."""
    return urlsplit(settings.SITE_URL).hostname or ""


def passkeys_work() -> bool:
    return Authenticator.Type.WEBAUTHN in app_settings.SUPPORTED_TYPES


def has_step(user: User) -> bool:
    return Authenticator.objects.filter(user=user, type__in=STEPS).exists()


def has_passed(request: HttpRequest, user: User) -> bool:
    """Return whether this session passed a second step of this user."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, user))


def may_remove(authenticator: Authenticator) -> bool:
    """The last second step stays where one is required."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=STEPS).exclude(pk=authenticator.pk)
    return not is_required() or others.exists()


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
