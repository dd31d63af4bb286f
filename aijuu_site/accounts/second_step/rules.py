"""Who must pass a second step at login, who has, and which second steps there are."""

from urllib.parse import urlsplit

from allauth.account.authentication import get_authentication_records
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

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
