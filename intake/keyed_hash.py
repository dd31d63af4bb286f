"""Hashes that stand in the database, made with a key that stands there too.

So they mean the same on every machine of the site, in a restored copy, and after a change of SECRET_KEY. The key keeps
them from being compared with those of any other site; it is no secret from somebody who has the whole database.
"""

import secrets

from django.utils.crypto import salted_hmac

from intake.models.traces import HashKey

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
