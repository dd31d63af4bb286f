"""Mails to an account's owner about its logins: when, with which browser, and what to do if it was somebody else.

One goes out for a browser that the account was not used with before, and one while somebody guesses its codes: whoever
does that has the password.
"""

import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from aijuu_site.accounts.models import AttemptTrace, User
from aijuu_site.accounts.passwords import CODES, Limit, TooManyAttempts, attempt_key, count_attempt
from intake.choices import MailPurpose
from intake.mail.queue import Addresses, Handling, NewMail, queue_mail, register

# The first that fits: others name themselves after these.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
             ("FxiOS", "Firefox"), ("Chrome/", "Chrome"), ("CriOS", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
            ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip

_KNOWN_FOR = timedelta(days=365)
_VALUE = re.compile(r"[\w-]{20,100}")
# As many as are refused when they come from one address, from wherever they come.
TOLD_AT = CODES.pair
_AT_MOST_EVERY = timedelta(hours=1)


def device_words(user_agent: str) -> str:
    """Return browser and system as their makers call them, such as "Firefox, Windows"; "" where neither is known."""
    names = [next((name for sign, name in signs if sign in user_agent), "") for signs in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in names if name)


def queue_login_notice(
    purpose: MailPurpose, subject: str, *, request: HttpRequest, user: User, now: datetime, **context: Any
) -> None:
    """Queue the mail of this purpose. `subject` has a place for %(site)s; `context`: what its template needs too."""
    queue_mail(
        NewMail(
            purpose=purpose,
            deduplication_key=get_random_string(40),
            recipient=user.email,
            subject=subject % {"site": settings.WAGTAIL_SITE_NAME},
            context={
                "account": user.email,
                "device": device_words(request.headers.get("User-Agent", "")),
                "at": now,
                "reset_url": settings.SITE_URL + reverse("wagtailadmin_password_reset"),
                "sessions_url": settings.SITE_URL + reverse("usersessions_list"),
                **context,
            },
        ),
        now=now,
    )


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


def count_wrong_code(*, request: HttpRequest, user: User, now: datetime) -> None:
    """Count a wrong code; tell the owner when there were so many within a while, at most once an hour."""
    wrong = Limit(attempt_key("wrong code", str(user.pk)), TOLD_AT - 1, CODES.window)
    told = Limit(attempt_key("wrong codes told", str(user.pk)), 1, _AT_MOST_EVERY)
    try:
        count_attempt(limits=[wrong], now=now)
        return
    except TooManyAttempts:
        pass
    try:
        with transaction.atomic():
            count_attempt(limits=[told], now=now)
            queue_login_notice(
                MailPurpose.WRONG_CODES,
                _("Wrong codes at the login: %(site)s"),
                request=request,
                user=user,
                now=now,
                count=TOLD_AT,
            )
    except TooManyAttempts:
        return


for _purpose in (MailPurpose.NEW_LOGIN, MailPurpose.WRONG_CODES):
    register(_purpose, handling=Handling(addresses=lambda mail: Addresses(recipient=mail.recipient)))
