"""The contact details last read in this process, for error pages, which must not query the database."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.db.models.signals import post_save

from home.contact_details import ContactDetails


@dataclass(frozen=True, slots=True)
class CachedContact:
    """Phone and e-mail of the practice; "" for what is not known."""

    phone_uri: str = ""
    phone_display: str = ""
    email: str = ""


# One per process. Every page shows the details in its footer, so they are as recent as the last page.
_cached = CachedContact()


def cached_contact() -> CachedContact:
    return _cached


def cache_contact(details: ContactDetails) -> None:
    global _cached
    _cached = CachedContact(details.phone_uri, details.phone_display if details.phone_uri else "", details.email)


def fill_contact_cache() -> None:
    """Read the details once, when a process starts. The cache stays empty while the database can't be reached."""
    with suppress(DatabaseError):
        cache_contact(ContactDetails.load())


def connect_contact_cache() -> None:
    """Update the cache whenever the details are saved in this process."""
    post_save.connect(_update_cache, sender=ContactDetails, dispatch_uid="home.contact_cache")


def _update_cache(instance: ContactDetails, **_kwargs: Any) -> None:
    cache_contact(instance)
