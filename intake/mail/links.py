"""Private links in mails. The secret is generated when the mail is sent; only its digest is stored."""

import hashlib
import secrets
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.crypto import salted_hmac

from intake.mail.models import OutgoingMail

_SECRET_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class PrivateLink:
    """A kind of private link. `placeholder` stands in for the secret in a queued mail.

    A mail with a placeholder never contains text that a visitor wrote: it could contain the placeholder.
    """

    name: str
    placeholder: str
    view_name: str

    def url(self, *args: str) -> str:
        """Return the URL for a queued mail, with the placeholder in place of the secret."""
        return settings.SITE_URL + reverse(self.view_name, args=[*args, self.placeholder])


MakeSecret = Callable[[OutgoingMail, datetime], str]
_registered: dict[PrivateLink, MakeSecret] = {}


def register_link(link: PrivateLink, make_secret: MakeSecret) -> None:
    """Register a kind of link. `make_secret` is called for each delivery attempt and returns a new secret."""
    _registered[link] = make_secret


def links_in(text: str) -> frozenset[str]:
    """Return the names of the private links in the text of a queued mail."""
    return frozenset(link.name for link in _registered if link.placeholder in text)


def fill_in_secrets(mail: OutgoingMail, now: datetime) -> None:
    """Replace the placeholders in this instance, which is sent but not saved, with new secrets."""
    for link, make_secret in _registered.items():
        if link.placeholder in mail.text:
            secret = make_secret(mail, now)
            mail.text, mail.html = (part.replace(link.placeholder, secret) for part in (mail.text, mail.html))


class StoredLink(models.Model):
    """A private link that leads somewhere. Only the digest of its secret is stored."""

    secret_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


def new_secret() -> str:
    """Return a URL-safe secret of 256 random bits."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def derived_secret(purpose: str, identifier: uuid.UUID) -> str:
    """Return a secret of 256 bits that only this site can compute, the same each time, so it need not be stored."""
    digest = salted_hmac(purpose, identifier.hex, algorithm="sha256").digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def secret_digest(secret: str) -> str:
    """Return the digest to store. The secret is long and random, so an unsalted hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
