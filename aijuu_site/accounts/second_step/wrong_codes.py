"""Telling an account's owner that codes are being guessed: whoever does it has the password."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from aijuu_site.accounts.devices import device_words
from aijuu_site.accounts.models import User
from aijuu_site.accounts.passwords import CODES, Limit, TooManyAttempts, attempt_key, count_attempt
from intake.choices import MailPurpose
from intake.mail.queue import Addresses, Handling, NewMail, queue_mail, register

# As many as are refused when they come from one address, from wherever they come.
TOLD_AT = CODES.pair
_AT_MOST_EVERY = timedelta(hours=1)


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
            queue_notice(user, device_words(request.headers.get("User-Agent", "")), now=now)
    except TooManyAttempts:
        return


def queue_notice(user: User, device: str, *, now: datetime) -> None:
    context = {
        "account": user.email,
        "device": device,
        "at": now,
        "count": TOLD_AT,
        "reset_url": settings.SITE_URL + reverse("wagtailadmin_password_reset"),
        "sessions_url": settings.SITE_URL + reverse("usersessions_list"),
    }
    queue_mail(
        NewMail(
            purpose=MailPurpose.WRONG_CODES,
            deduplication_key=get_random_string(40),
            recipient=user.email,
            subject=_("Wrong codes at the login: %(site)s") % {"site": settings.WAGTAIL_SITE_NAME},
            context=context,
        ),
        now=now,
    )


register(MailPurpose.WRONG_CODES, handling=Handling(addresses=lambda mail: Addresses(recipient=mail.recipient)))
