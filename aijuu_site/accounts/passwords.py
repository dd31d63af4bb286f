"""Checking passwords: guesses are counted in the database, one is hashed at a time, and common ones are refused."""

import string
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import CommonPasswordValidator as DjangoValidator
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aijuu_site.accounts.models import AttemptTrace, User
from home.text_input import address_as_sent, strip_invisible
from intake.locks import lock_attempts
from intake.rate_limit import address_key

_ENDS = string.digits + string.punctuation + string.whitespace
# As common_core() leaves them. Months and seasons are what people take who must change a password often.
_FINNISH = {
    "aijuu", "tyonohjaus", "tyonohjaaja", "katilevola", "kati", "levola", "pori", "satakunta", "suomi", "finland",
    "helsinki", "sauna", "juhannus", "joulu", "salasana", "salainen", "kayttaja", "yllapito", "yllapitaja",
    "tervetuloa", "kirjaudu", "rakkaus", "rakas", "kulta", "aurinko", "kissa", "koira", "hevonen", "perhe", "mummo",
    "lapset", "kukka", "mansikka", "mustikka", "metsa", "jarvi", "kesa", "talvi", "syksy", "kevat", "tammikuu",
    "helmikuu", "maaliskuu", "huhtikuu", "toukokuu", "kesakuu", "heinakuu", "elokuu", "syyskuu", "lokakuu",
    "marraskuu", "joulukuu", "maanantai", "perjantai", "lauantai", "perkele", "saatana", "vittu", "paska", "lumiukko",
    "jaakiekko",
}  # fmt: skip
# Requests read the clock before they wait for the lock. What lies further ahead was written by a clock that was wrong.
_CLOCK_TOLERANCE = timedelta(minutes=1)


def common_core(password: str) -> str:
    """Return a password without the digits and signs at its ends, in lower case, with a for ä."""
    folded = unicodedata.normalize("NFKD", password).casefold()
    return "".join(sign for sign in folded if not unicodedata.combining(sign)).strip(_ENDS)


class CommonPasswordValidator(DjangoValidator):
    def validate(self, password: str, user: object = None) -> None:
        super().validate(password, user)  # type: ignore[arg-type]
        core = common_core(password)
        if core in _FINNISH or core in self.passwords:
            raise ValidationError(self.get_error_message(), code="password_too_common")


@dataclass(frozen=True)
class Limit:
    """At most `most` attempts under `key` in any `window`."""

    key: str
    most: int
    window: timedelta


class TooManyAttempts(Exception):
    """A limit is used up; one attempt is free again after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait

    @property
    def seconds(self) -> int:
        return self.minutes * 60

    @property
    def minutes(self) -> int:
        """Whole minutes to wait, rounded up."""
        return max(1, -(-int(self.wait.total_seconds()) // 60))


def attempt_key(purpose: str, *parts: str) -> str:
    """Return a keyed hash, so that the table holds no account name and no address."""
    return salted_hmac(f"accounts.{purpose}", "\0".join(parts), algorithm="sha256").hexdigest()


def count_attempt(*, limits: Sequence[Limit], now: datetime) -> list[int]:
    """Count one attempt under every limit, and return what `forget_attempt` takes back.

    Raises TooManyAttempts where one is used up; the attempt is not counted then, so nobody waits longer for knocking.
    """
    with transaction.atomic():
        lock_attempts()
        AttemptTrace.objects.filter(Q(expires_at__lte=now) | Q(attempted_at__gt=now + _CLOCK_TOLERANCE)).delete()
        waits = [wait for limit in limits if (wait := _wait(limit, now))]
        if waits:
            raise TooManyAttempts(max(waits))
        return [
            AttemptTrace.objects.create(key=limit.key, attempted_at=now, expires_at=now + limit.window).pk
            for limit in limits
        ]


def forget_attempt(*, traces: Sequence[int] = (), keys: Sequence[str] = ()) -> None:
    """Take back an attempt that needs no counting, and all that was counted under `keys`."""
    AttemptTrace.objects.filter(Q(pk__in=traces) | Q(key__in=keys)).delete()


def _wait(limit: Limit, now: datetime) -> timedelta | None:
    counted = AttemptTrace.objects.filter(key=limit.key, attempted_at__gt=now - limit.window)
    times = list(counted.order_by("attempted_at").values_list("attempted_at", flat=True))
    if len(times) < limit.most:
        return None
    return max(times[-limit.most] + limit.window - now, timedelta(seconds=1))


def normalised(name: str) -> str:
    """A name or an address as it is compared; what is an address, by where its mail goes."""
    try:
        return address_as_sent(name).casefold()
    except ValueError:
        return unicodedata.normalize("NFKC", strip_invisible(name).strip()).casefold()


Found = TypeVar("Found")
AT_ONCE = 1
# So many more wait for their turn; with the one that is hashed they leave half of the web server's threads free.
WAITING = 3
_WAIT_SECONDS = 3
_KNOWN_FOR = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """How often a kind of secret may be guessed: from one address at one account, from one address at any account (both
    in `window`), and at one account from anywhere.

    The last does not count for addresses from which the right one came lately: nobody shall be locked out by strangers.
    """

    kind: str
    pair: int = 5
    address: int = 20
    window: timedelta = timedelta(minutes=15)
    account: int
    account_window: timedelta


PASSWORDS = Guesses(kind="", account=30, account_window=timedelta(minutes=5))
# Only who has the password guesses a code, of which there are few.
CODES = Guesses(kind="code ", account=10, account_window=timedelta(minutes=15))
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


def check_counted(
    *, request: HttpRequest, account: str, check: Callable[[], Found], guesses: Guesses = PASSWORDS
) -> Found:
    """Run `check`, which hashes, as one attempt at an account, and return what it returns.

    What is true forgives this address its earlier attempts. Raises TooManyAttempts without running it, and Busy.
    """
    now = timezone.now()
    account, address = normalised(account), address_key(request)
    pair, known = _keys(guesses, account, address)
    limits = [
        Limit(pair, guesses.pair, guesses.window),
        Limit(attempt_key(f"{guesses.kind}address", address), guesses.address, guesses.window),
    ]
    if not AttemptTrace.objects.filter(key=known, expires_at__gt=now).exists():
        limits.append(Limit(attempt_key(f"{guesses.kind}account", account), guesses.account, guesses.account_window))
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
            trust_address(request=request, account=account, guesses=guesses)
    return found


def _keys(guesses: Guesses, account: str, address: str) -> tuple[str, str]:
    return attempt_key(f"{guesses.kind}pair", account, address), attempt_key(f"{guesses.kind}known", account, address)


def trust_address(*, request: HttpRequest, account: str, guesses: Guesses = PASSWORDS) -> None:
    """Forgive this address its wrong guesses at an account: who asks from there has shown that it is theirs."""
    now = timezone.now()
    pair, known = _keys(guesses, normalised(account), address_key(request))
    with transaction.atomic():
        forget_attempt(keys=[pair, known])
        AttemptTrace.objects.create(key=known, attempted_at=now, expires_at=now + _KNOWN_FOR)


def is_own_password(request: HttpRequest, password: str) -> bool:
    """Return whether this is the password of whoever is signed in. Raises TooManyAttempts and Busy.

    The answer is kept for the request: a form that comes back is validated again to show its errors.
    """
    answers: dict[str, bool] = request.__dict__.setdefault("_password_answers", {})
    if password not in answers:
        user = cast(User, request.user)
        # Not the account's own method: it may store a stronger hash, which looks like a changed password.
        # A form that changes the own address may have put what was typed on this object already.
        account = User.objects.values_list("email", flat=True).get(pk=user.pk)
        answers[password] = check_counted(
            request=request, account=account, check=lambda: check_password(password, user.password)
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


def code_refusal_words(refusal: TooManyAttempts | Busy) -> str:
    """What a person reads whose code of the second step was not looked at."""
    if isinstance(refusal, Busy):
        return refusal_words(refusal)
    return ngettext(
        "Too many wrong codes. Wait %(minutes)d minute and try again.",
        "Too many wrong codes. Wait %(minutes)d minutes and try again.",
        refusal.minutes,
    ) % {"minutes": refusal.minutes}


class CountingBackend(ModelBackend):
    """Django's own, behind the limits. What was refused stands on the request as `refused_sign_in`."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        account = kwargs.get(User.USERNAME_FIELD) if username is None else username
        # Without a request it is a program of ours that asks.
        if request is None or account is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        check = super().authenticate
        try:
            return check_counted(request=request, account=account, check=lambda: check(request, account, password))
        except (TooManyAttempts, Busy) as refusal:
            request.refused_sign_in = refusal  # type: ignore[attr-defined]
            raise PermissionDenied from refusal
