"""Private links in mails: the secret is made when the mail goes out, and only its digest is stored."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from intake.mail.models import OutgoingMail

_SECRET_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class PrivateLink:
    """A kind of private link. `placeholder` stands for the secret in a queued mail.

    No mail with a placeholder holds a word that a visitor wrote.
    """

    name: str
    placeholder: str
    view_name: str

    def url(self, *args: str) -> str:
        """Return the address for a mail that is being queued, with the placeholder in it."""
        return settings.SITE_URL + reverse(self.view_name, args=[*args, self.placeholder])


MakeSecret = Callable[[OutgoingMail, datetime], str]
_registered: dict[PrivateLink, MakeSecret] = {}


def register_link(link: PrivateLink, make_secret: MakeSecret) -> None:
    """Let `make_secret` return a new secret for each attempt to deliver a mail with this link."""
    _registered[link] = make_secret


def links_in(text: str) -> frozenset[str]:
    """Return the names of the private links in a queued mail."""
    return frozenset(link.name for link in _registered if link.placeholder in text)


def fill_in_secrets(mail: OutgoingMail, now: datetime) -> None:
    """Put new secrets into this copy, which goes out; the stored mail keeps its placeholders."""
    for link, make_secret in _registered.items():
        if link.placeholder in mail.text:
            secret = make_secret(mail, now)
            mail.text, mail.html = (part.replace(link.placeholder, secret) for part in (mail.text, mail.html))


def new_secret() -> str:
    """Return a secret of 256 random bits for an address."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def secret_digest(secret: str) -> str:
    """Return the digest to store. The secret is long and random, so a plain hash tells nothing of it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
