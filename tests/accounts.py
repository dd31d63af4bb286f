"""Helpers that create admin accounts and sign them in."""

import time
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from django.utils.text import slugify

from aijuu_site.accounts.models import User

PASSWORD = "x"


def confirmed(client: Client) -> Client:
    """Return the client after marking its session: the password was confirmed just now, so it is not asked again."""
    session = client.session
    session["password_confirmed_at"] = timezone.now().isoformat()
    session.save()
    return client


def passed_second_step(client: Client, user: User) -> Client:
    """Return the signed-in client after marking its session: the second step was passed."""
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time(), "type": "totp"}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def make_user(name: str = "Kati", *, email: str = "", password: str = PASSWORD, group: str = "", **fields: Any) -> User:
    """Create an account, in `group` if one is given. Without `email`, the address is derived from the name."""
    address = email or f"{slugify(name)[:60]}@example.fi"
    user = User.objects.create_user(address, password, name=name, **fields)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user
