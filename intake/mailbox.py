"""Keyed hashes, and comparing mailboxes without storing their addresses."""

import re
import secrets

from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from home.compiled_rows import row_by_pk
from home.text_input import address_as_sent

_SINGLE_ROW_ID = 1
PURPOSE = "intake.recipient"
# A leading plus sign starts no tag: "+358401111111@sms.esimerkki.fi" is a telephone number.
_MAILBOX = re.compile(r"\+*[^+]*")


class HashKey(models.Model):
    """The key of the hashes in this database, in one row."""

    secret = models.CharField(max_length=100)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


def database_key() -> str:
    """Return this database's key, for callers that make several hashes with hash_with()."""
    key = row_by_pk(HashKey, _SINGLE_ROW_ID)
    if key is None:
        key, _created = HashKey.objects.get_or_create(pk=_SINGLE_ROW_ID, defaults={"secret": new_key()})
    return key.secret


def keyed_hash(purpose: str, words: str) -> str:
    """Return the hash of `words` for this purpose, under this database's key."""
    return hash_with(database_key(), purpose, words)


def hash_with(key: str, purpose: str, words: str) -> str:
    """Like keyed_hash(), with the database's key given as `key`."""
    return salted_hmac(purpose, words, secret=key, algorithm="sha256").hexdigest()


def new_key() -> str:
    """Return a key of 384 random bits."""
    return secrets.token_urlsafe(48)


def mailbox_of(address: str) -> str:
    """Return the mailbox that mail to `address` reaches: without letter case and +tag.

    Based on the encoded address, so that different spellings of a domain give the same mailbox.
    """
    try:
        sent = address_as_sent(address)
    except ValueError:
        # No mail can be sent there, but it still counts as a mailbox.
        sent = address
    local, _at, domain = sent.casefold().rpartition("@")
    (mailbox,) = _MAILBOX.findall(local)[:1]
    return f"{mailbox}@{domain}"


def mailbox_key(address: str, *, key: str = "") -> str:
    """Return a keyed hash of the mailbox; stable within one database. `key`: the database's, if the caller has it."""
    return hash_with(key or database_key(), PURPOSE, mailbox_of(address))


def same_address(field: str, address: str) -> Q:
    """Return the condition that `field` holds this address, as is_same_address() compares."""
    return Q(**{f"{field}__iexact": address})


def is_same_address(one: str, other: str) -> bool:
    """Whether two addresses are equal, ignoring letter case. Unlike in mailbox_of(), a +tag makes a difference."""
    return one.casefold() == other.casefold()
