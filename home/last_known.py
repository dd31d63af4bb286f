"""How the practice is reached, as a page last said it: for the pages that must not ask the database."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.db.models.signals import post_save

from home.contact_details import ContactDetails


@dataclass(frozen=True, slots=True)
class Reach:
    """What a person needs who finds nothing else. "" for what is not known."""

    phone_uri: str = ""
    phone_display: str = ""
    email: str = ""


# Of this process. Every page has the details at its foot, so it is as new as the last page.
_last = Reach()


def remember(details: ContactDetails) -> None:
    global _last
    _last = Reach(details.phone_uri, details.phone_display if details.phone_uri else "", details.email)


def recall() -> None:
    """At the start of a process, before it has shown a page. While the database is away, nothing is known."""
    with suppress(DatabaseError):
        remember(ContactDetails.load())


def watch_contact_details() -> None:
    post_save.connect(_saved, sender=ContactDetails, dispatch_uid="home.last_known")


def _saved(instance: ContactDetails, **_kwargs: Any) -> None:
    remember(instance)


def last_known() -> Reach:
    return _last
