"""What the first step carries: the secret of the mapping's private address, signed, so that only ours begin one."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.core import signing

_SALT = "intake.mapping-start"


@dataclass(frozen=True, kw_only=True)
class Start:
    """One opening of the first step."""

    secret: str
    opened_at: datetime


def new_start_token(secret: str, now: datetime) -> str:
    """Return a token for a first step opened at `now` (aware)."""
    return signing.dumps([secret, int(now.timestamp())], salt=_SALT)


def read_start_token(token: str) -> Start | None:
    """Return what the token says, however old it is; None for a token that this site did not sign."""
    try:
        secret, opened_at = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return Start(secret=secret, opened_at=datetime.fromtimestamp(opened_at, UTC))
