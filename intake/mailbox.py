"""Telling mailboxes apart without keeping their addresses."""

import re

from django.db.models import Q

from home.email_address import address_as_sent
from intake.keyed_hash import keyed_hash

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
