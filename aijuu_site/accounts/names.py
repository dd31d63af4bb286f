"""Which account somebody means who types a name: a phone begins it with a capital and ends it with a blank."""

import unicodedata

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from home.email_address import address_as_sent
from home.unseen_characters import without_unseen


def normalised(name: str) -> str:
    """A name or an address as it is compared; what is an address, by where its mail goes."""
    try:
        return address_as_sent(name).casefold()
    except ValueError:
        return unicodedata.normalize("NFKC", without_unseen(name).strip()).casefold()


def account_named(typed: str) -> User | None:
    """Return the account that is meant: by its name to the letter, else by its name, else by its e-mail address.

    Only one that is active. None where none is meant, or more than one: nobody signs in by guessing.
    """
    users = list(get_user_model().objects.filter(is_active=True).only("pk", "username", "email"))
    wanted = normalised(typed)
    exact = [user for user in users if user.get_username() == typed]
    by_name = [user for user in users if normalised(user.get_username()) == wanted]
    by_address = [user for user in users if wanted and normalised(user.email) == wanted]
    meant = exact or by_name or by_address
    return meant[0] if len(meant) == 1 else None


def name_is_taken(name: str) -> bool:
    """Return whether some account, in use or not, has this name in some spelling."""
    names = get_user_model().objects.values_list("username", flat=True)
    return normalised(name) in map(normalised, names)
