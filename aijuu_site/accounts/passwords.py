"""Password checks: guesses are counted in the database, one is hashed at a time, and common passwords are refused."""

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
# In the form that common_core() returns. People who must change a password often choose months and seasons.
_FINNISH = {
    "aijuu", "tyonohjaus", "tyonohjaaja", "katilevola", "kati", "levola", "pori", "satakunta", "suomi", "finland",
    "helsinki", "sauna", "juhannus", "joulu", "salasana", "salainen", "kayttaja", "yllapito", "yllapitaja",
    "tervetuloa", "kirjaudu", "rakkaus", "rakas", "kulta", "aurinko", "kissa", "koira", "hevonen", "perhe", "mummo",
    "lapset", "kukka", "mansikka", "mustikka", "metsa", "jarvi", "kesa", "talvi", "syksy", "kevat", "tammikuu",
    "helmikuu", "maaliskuu", "huhtikuu", "toukokuu", "kesakuu", "heinakuu", "elokuu", "syyskuu", "lokakuu",
    "marraskuu", "joulukuu", "maanantai", "perjantai", "lauantai", "perkele", "saatana", "vittu", "paska", "lumiukko",
    "jaakiekko",
}  # fmt: skip
# Requests read the clock before they wait for the lock, so an attempt can lie slightly in the future. One that lies
# further ahead was recorded by a wrong clock.
_CLOCK_TOLERANCE = timedelta(minutes=1)


def common_core(password: str) -> str:
    """Return a password in lower case, without diacritics, and without digits and signs at its ends."""
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
    """A limit is reached; the next attempt is allowed after `wait`."""

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
    """Return a keyed hash, so that the table contains no account name and no network address."""
    return salted_hmac(f"accounts.{purpose}", "\0".join(parts), algorithm="sha256").hexdigest()


def count_attempt(*, limits: Sequence[Limit], now: datetime) -> list[int]:
    """Count one attempt under every limit, and return ids with which `forget_attempt` takes it back.

    Raises TooManyAttempts if a limit is reached. The attempt is not counted then, so that trying again does not
    lengthen the wait.
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
    """Remove the attempts `traces`, and all attempts that were counted under `keys`."""
    AttemptTrace.objects.filter(Q(pk__in=traces) | Q(key__in=keys)).delete()


def _wait(limit: Limit, now: datetime) -> timedelta | None:
    counted = AttemptTrace.objects.filter(key=limit.key, attempted_at__gt=now - limit.window)
    times = list(counted.order_by("attempted_at").values_list("attempted_at", flat=True))
    if len(times) < limit.most:
        return None
    return max(times[-limit.most] + limit.window - now, timedelta(seconds=1))


def normalised(name: str) -> str:
    """Return a name in the form in which it is compared; an e-mail address in the form in which mail is sent to it."""
    try:
        return address_as_sent(name).casefold()
    except ValueError:
        return unicodedata.normalize("NFKC", strip_invisible(name).strip()).casefold()


Found = TypeVar("Found")
AT_ONCE = 1
# How many further requests may wait for their turn. With the one that hashes, they must not occupy all threads of the
# web server (serving.shell).
WAITING = 3
_WAIT_SECONDS = 3
_KNOWN_FOR = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """How often a kind of secret may be guessed.

    `pair`: from one network address at one account; `address`: from one network address at any account (both within
    `window`); `account`: at one account from anywhere. The last limit does not apply to a network address from which
    the right secret came recently, so that strangers can't lock the owner out.
    """

    kind: str
    pair: int = 5
    address: int = 20
    window: timedelta = timedelta(minutes=15)
    account: int
    account_window: timedelta


PASSWORDS = Guesses(kind="", account=30, account_window=timedelta(minutes=5))
# Whoever guesses a code already has the password, and there are few possible codes.
CODES = Guesses(kind="code ", account=10, account_window=timedelta(minutes=15))
_hashing = threading.BoundedSemaphore(AT_ONCE)
_in_line = threading.BoundedSemaphore(AT_ONCE + WAITING)


class Busy(Exception):
    """Too many passwords are being checked, so this one was not checked. It was not counted either."""

    seconds = 5


@contextmanager
def turn_to_hash() -> Iterator[None]:
    """Wait a moment for the turn to hash a password. Raises Busy if it does not come."""
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
    """Run `check`, which hashes, as one counted attempt at an account, and return its result.

    A true result clears the earlier attempts from this network address at the account. Raises TooManyAttempts or Busy
    without running `check`.
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
    """Clear the wrong guesses from this network address at an account, and remember it as the owner's."""
    now = timezone.now()
    pair, known = _keys(guesses, normalised(account), address_key(request))
    with transaction.atomic():
        forget_attempt(keys=[pair, known])
        AttemptTrace.objects.create(key=known, attempted_at=now, expires_at=now + _KNOWN_FOR)


def is_own_password(request: HttpRequest, password: str) -> bool:
    """Return whether this is the password of the signed-in person. Raises TooManyAttempts and Busy.

    The answer is stored on the request: a form with errors is validated a second time to show them.
    """
    answers: dict[str, bool] = request.__dict__.setdefault("_password_answers", {})
    if password not in answers:
        user = cast(User, request.user)
        # Not user.check_password(), which may store a stronger hash: that would be reported as a changed password.
        # The address is read from the database, because a form may have put a new one on this object already.
        account = User.objects.values_list("email", flat=True).get(pk=user.pk)
        answers[password] = check_counted(
            request=request, account=account, check=lambda: check_password(password, user.password)
        )
    return answers[password]


def refusal_words(refusal: TooManyAttempts | Busy) -> str:
    """Return the message for a person whose password was not checked."""
    if isinstance(refusal, Busy):
        return _("Many passwords are being checked just now. Wait a moment and try again.")
    return ngettext(
        "Too many wrong passwords. Wait %(minutes)d minute and try again.",
        "Too many wrong passwords. Wait %(minutes)d minutes and try again.",
        refusal.minutes,
    ) % {"minutes": refusal.minutes}


def code_refusal_words(refusal: TooManyAttempts | Busy) -> str:
    """Return the message for a person whose code of the second step was not checked."""
    if isinstance(refusal, Busy):
        return refusal_words(refusal)
    return ngettext(
        "Too many wrong codes. Wait %(minutes)d minute and try again.",
        "Too many wrong codes. Wait %(minutes)d minutes and try again.",
        refusal.minutes,
    ) % {"minutes": refusal.minutes}


class CountingBackend(ModelBackend):
    """Django's backend behind the limits. A refusal is stored on the request as `refused_sign_in`."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        account = kwargs.get(User.USERNAME_FIELD) if username is None else username
        # A call without a request comes from a program of ours, not from a login.
        if request is None or account is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        check = super().authenticate
        try:
            return check_counted(request=request, account=account, check=lambda: check(request, account, password))
        except (TooManyAttempts, Busy) as refusal:
            request.refused_sign_in = refusal  # type: ignore[attr-defined]
            raise PermissionDenied from refusal
