"""Telling an account's owner of a login with a browser that it was not used with before."""

import re
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from aijuu_site.accounts.models import AttemptTrace, User
from aijuu_site.accounts.passwords import attempt_key
from intake.choices import MailPurpose
from intake.mail.queue import Addresses, Handling, NewMail, queue_mail, register

_KNOWN_FOR = timedelta(days=365)
# The first that fits: others name themselves after these.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
             ("FxiOS", "Firefox"), ("Chrome/", "Chrome"), ("CriOS", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
            ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip
_VALUE = re.compile(r"[\w-]{20,100}")


def is_new_device(*, device: str, known: Collection[str]) -> bool:
    """A browser is new to an account unless its cookie is one that the account was signed in with in the last year."""
    return device not in known


def device_words(user_agent: str) -> str:
    """Return browser and system as their makers call them, such as "Firefox, Windows"; "" where neither is known."""
    names = [next((name for sign, name in signs if sign in user_agent), "") for signs in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in names if name)


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
            _queue_notice(user, device_words(request.headers.get("User-Agent", "")))
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


def _queue_notice(user: User, device: str) -> None:
    now = timezone.now()
    context = {
        "account": user.email,
        "device": device,
        "at": now,
        "reset_url": settings.SITE_URL + reverse("wagtailadmin_password_reset"),
        "sessions_url": settings.SITE_URL + reverse("usersessions_list"),
    }
    queue_mail(
        NewMail(
            purpose=MailPurpose.NEW_LOGIN,
            deduplication_key=get_random_string(40),
            recipient=user.email,
            subject=_("Login with a new browser: %(site)s") % {"site": settings.WAGTAIL_SITE_NAME},
            context=context,
        ),
        now=now,
    )


register(MailPurpose.NEW_LOGIN, handling=Handling(addresses=lambda mail: Addresses(recipient=mail.recipient)))
