"""Telling mailboxes apart without keeping their addresses."""

from django.utils.crypto import salted_hmac


def mailbox_key(address: str) -> str:
    """Return a keyed hash of the mailbox: letter case and a +tag lead to the same one."""
    local, _at, domain = address.casefold().rpartition("@")
    mailbox = f"{local.partition('+')[0]}@{domain}"
    return salted_hmac("intake.recipient", mailbox, algorithm="sha256").hexdigest()
