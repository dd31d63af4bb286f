"""Telling mailboxes apart without keeping their addresses."""

from intake.keyed_hash import keyed_hash

PURPOSE = "intake.recipient"


def mailbox_of(address: str) -> str:
    """Return the mailbox that an address leads to: letter case and a +tag lead to the same one."""
    local, _at, domain = address.casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def mailbox_key(address: str) -> str:
    """Return a keyed hash of the mailbox. It is the same for as long as the database lives."""
    return keyed_hash(PURPOSE, mailbox_of(address))


def is_same_address(one: str, other: str) -> bool:
    """Whether mail to both goes to one address: letter case aside, what stands behind a + tells addresses apart."""
    return one.casefold() == other.casefold()
