"""Telling an account's owner that codes are being guessed: whoever does it has the password."""

from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from aijuu_site.accounts.login_notices import queue_login_notice
from aijuu_site.accounts.models import User
from aijuu_site.accounts.passwords import CODES, Limit, TooManyAttempts, attempt_key, count_attempt
from intake.choices import MailPurpose

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
