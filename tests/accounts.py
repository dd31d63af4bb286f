"""Accounts of the admin, as tests make them."""

import time
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from django.utils.text import slugify

from aijuu_site.accounts.models import User

PASSWORD = "x"


def confirmed(client: Client) -> Client:
    """A client that was asked for its password just now, and is not asked again for a while."""
    session = client.session
    session["password_confirmed_at"] = timezone.now().isoformat()
    session.save()
    return client


def passed_second_step(client: Client, user: User) -> Client:
    """A signed-in client that gave a code or a passkey when it signed in."""
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time(), "type": "totp"}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def make_user(name: str = "Kati", *, email: str = "", password: str = PASSWORD, group: str = "", **fields: Any) -> User:
    """An account in a group, if any is named. Its address is made of its name where none is given."""
    address = email or f"{slugify(name)[:60]}@example.fi"
    user = User.objects.create_user(address, password, name=name, **fields)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user
