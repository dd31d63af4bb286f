"""How often something may be tried: counted in the database before the work begins, whatever runs at the same time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac

from aijuu_site.accounts.models import AttemptTrace
from intake.services.locks import lock_attempts

# Requests read the clock before they wait for the lock. What lies further ahead was written by a clock that was wrong.
_CLOCK_TOLERANCE = timedelta(minutes=1)


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
