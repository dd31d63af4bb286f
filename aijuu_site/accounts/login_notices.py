"""Mails to an account's owner about its logins: when, with which browser, and what to do if it was somebody else."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import get_random_string

from aijuu_site.accounts.models import User
from intake.choices import MailPurpose
from intake.mail.queue import Addresses, Handling, NewMail, queue_mail, register

# The first that fits: others name themselves after these.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
             ("FxiOS", "Firefox"), ("Chrome/", "Chrome"), ("CriOS", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
            ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


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


for _purpose in (MailPurpose.NEW_LOGIN, MailPurpose.WRONG_CODES):
    register(_purpose, handling=Handling(addresses=lambda mail: Addresses(recipient=mail.recipient)))
