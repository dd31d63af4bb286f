"""Checking a password: counted before it is hashed, and one at a time.

A hash takes half a second of a processor on purpose. Without a limit whoever sends wrong passwords would take the
processors, and the threads, from everybody who reads the site.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar, cast

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aijuu_site.accounts.limits import Limit, TooManyAttempts, attempt_key, count_attempt, forget_attempt
from aijuu_site.accounts.models import AttemptTrace
from aijuu_site.accounts.names import normalised
from intake.spam.source import address_key

Found = TypeVar("Found")

AT_ONCE = 1
# So many more wait for their turn; with the one that is hashed they leave half of the web server's threads free.
WAITING = 3
_WAIT_SECONDS = 3

# From one address at one account; from one address at any; at one account from anywhere. The last is loose and short,
# and not for addresses from which the account was signed in to lately: nobody shall be locked out by strangers.
_PAIR, _ADDRESS, _ACCOUNT = 5, 20, 30
_WINDOW = timedelta(minutes=15)
_ACCOUNT_WINDOW = timedelta(minutes=5)
_KNOWN_FOR = timedelta(days=30)

_hashing = threading.BoundedSemaphore(AT_ONCE)
_in_line = threading.BoundedSemaphore(AT_ONCE + WAITING)


class Busy(Exception):
    """So many passwords are being checked that this one could not be looked at. It was not counted."""

    seconds = 5


@contextmanager
def turn_to_hash() -> Iterator[None]:
    """Wait a moment for the one place where passwords are hashed. Raises Busy."""
    if not _in_line.acquire(blocking=False):
        raise Busy
    try:
        if not _hashing.acquire(timeout=_WAIT_SECONDS):
            raise Busy
        try:
            yield
        finally:
            _hashing.release()
    finally:
        _in_line.release()


def check_counted(*, request: HttpRequest, account: str, check: Callable[[], Found]) -> Found:
    """Run `check`, which hashes, as one attempt at an account, and return what it returns.

    What is true forgives this address its earlier attempts. Raises TooManyAttempts without running it, and Busy.
    """
    now = timezone.now()
    account, address = normalised(account), address_key(request)
    pair, known = attempt_key("pair", account, address), attempt_key("known", account, address)
    limits = [Limit(pair, _PAIR, _WINDOW), Limit(attempt_key("address", address), _ADDRESS, _WINDOW)]
    if not AttemptTrace.objects.filter(key=known, expires_at__gt=now).exists():
        limits.append(Limit(attempt_key("account", account), _ACCOUNT, _ACCOUNT_WINDOW))
    traces = count_attempt(limits=limits, now=now)
    try:
        with turn_to_hash():
            found = check()
    except Busy:
        forget_attempt(traces=traces)
        raise
    if found:
        with transaction.atomic():
            forget_attempt(traces=traces)
            trust_address(request=request, account=account)
    return found


def trust_address(*, request: HttpRequest, account: str) -> None:
    """Forgive this address its wrong passwords for an account: who asks from there has shown that it is theirs."""
    now, parts = timezone.now(), (normalised(account), address_key(request))
    pair, known = attempt_key("pair", *parts), attempt_key("known", *parts)
    with transaction.atomic():
        forget_attempt(keys=[pair, known])
        AttemptTrace.objects.create(key=known, attempted_at=now, expires_at=now + _KNOWN_FOR)


def is_own_password(request: HttpRequest, password: str) -> bool:
    """Return whether this is the password of whoever is signed in. Raises TooManyAttempts and Busy.

    The answer is kept for the request: a form that comes back is validated again to show its errors.
    """
    answers: dict[str, bool] = request.__dict__.setdefault("_password_answers", {})
    if password not in answers:
        user = cast(AbstractBaseUser, request.user)
        # Not the account's own method: it may store a stronger hash, which looks like a changed password.
        answers[password] = check_counted(
            request=request, account=user.get_username(), check=lambda: check_password(password, user.password)
        )
    return answers[password]


def refusal_words(refusal: TooManyAttempts | Busy) -> str:
    """What a person reads whose password was not looked at."""
    if isinstance(refusal, Busy):
        return _("Many passwords are being checked just now. Wait a moment and try again.")
    return ngettext(
        "Too many wrong passwords. Wait %(minutes)d minute and try again.",
        "Too many wrong passwords. Wait %(minutes)d minutes and try again.",
        refusal.minutes,
    ) % {"minutes": refusal.minutes}
