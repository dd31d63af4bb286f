"""Keyed hashes, and telling mailboxes apart without keeping their addresses."""

import re
import secrets

from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from home.email_address import address_as_sent


class HashKey(models.Model):
    """The key of the hashes that stand in this database, in one row (intake.mailbox)."""

    secret = models.CharField(max_length=100)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


_ONLY = 1


def keyed_hash(purpose: str, words: str) -> str:
    """Return the hash of `words` for this purpose, under this database's key."""
    key, _created = HashKey.objects.get_or_create(pk=_ONLY, defaults={"secret": new_key()})
    return hash_with(key.secret, purpose, words)


def hash_with(key: str, purpose: str, words: str) -> str:
    """Return what keyed_hash() returns where the database's key is `key`."""
    return salted_hmac(purpose, words, secret=key, algorithm="sha256").hexdigest()


def new_key() -> str:
    """Return a key of 384 random bits."""
    return secrets.token_urlsafe(48)


PURPOSE = "intake.recipient"
# A plus sign at the beginning separates nothing: "+358401111111@sms.esimerkki.fi" is somebody's telephone.
_MAILBOX = re.compile(r"\+*[^+]*")


def mailbox_of(address: str) -> str:
    """Return the mailbox that mail to `address` reaches: letter case and a +tag lead to the same one.

    Made of the address as it is sent, so that no way of writing makes a second mailbox of it.
    """
    try:
        sent = address_as_sent(address)
    except ValueError:
        # Nothing can be sent there; it is a mailbox of its own all the same.
        sent = address
    local, _at, domain = sent.casefold().rpartition("@")
    (mailbox,) = _MAILBOX.findall(local)[:1]
    return f"{mailbox}@{domain}"


def mailbox_key(address: str) -> str:
    """Return a keyed hash of the mailbox. It is the same for as long as the database lives."""
    return keyed_hash(PURPOSE, mailbox_of(address))


def same_address(field: str, address: str) -> Q:
    """Return what finds the rows whose `field` holds this address, as `is_same_address` tells it."""
    return Q(**{f"{field}__iexact": address})


def is_same_address(one: str, other: str) -> bool:
    """Whether mail to both goes to one address: letter case aside, what stands behind a + tells addresses apart."""
    return one.casefold() == other.casefold()
