"""Telling an account's owner of a login with a browser that it was not used with before."""

import re
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from aijuu_site.accounts.login_notices import queue_login_notice
from aijuu_site.accounts.models import AttemptTrace, User
from aijuu_site.accounts.passwords import attempt_key
from intake.choices import MailPurpose

_KNOWN_FOR = timedelta(days=365)
_VALUE = re.compile(r"[\w-]{20,100}")


def is_new_device(*, device: str, known: Collection[str]) -> bool:
    """A browser is new to an account unless its cookie is one that the account was signed in with in the last year."""
    return device not in known


def remember_device(*, request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Tell the owner if the browser is new, and know it from now on. It skips no step of a login."""
    now = timezone.now()
    sent = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    # One browser may be known to several accounts by the same value.
    value = sent if _VALUE.fullmatch(sent) else secrets.token_urlsafe(32)
    key = _key(user, value)
    with transaction.atomic():
        known = AttemptTrace.objects.filter(key=key, expires_at__gt=now).values_list("key", flat=True)
        if is_new_device(device=key, known=set(known)):
            queue_login_notice(
                MailPurpose.NEW_LOGIN, _("Login with a new browser: %(site)s"), request=request, user=user, now=now
            )
        AttemptTrace.objects.filter(key=key).delete()
        AttemptTrace.objects.create(key=key, attempted_at=now, expires_at=now + _KNOWN_FOR)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        value,
        max_age=_KNOWN_FOR,
        path=settings.ADMIN_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _key(user: User, value: str) -> str:
    return attempt_key("device", str(user.pk), value)
