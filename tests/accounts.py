"""Accounts of the admin, as tests make them."""

from typing import Any

from django.contrib.auth.models import Group
from django.utils.text import slugify

from aijuu_site.accounts.models import User

PASSWORD = "x"


def make_user(name: str = "Kati", *, email: str = "", password: str = PASSWORD, group: str = "", **fields: Any) -> User:
    """An account in a group, if any is named. Its address is made of its name where none is given."""
    address = email or f"{slugify(name)[:60]}@example.fi"
    user = User.objects.create_user(address, password, name=name, **fields)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user
