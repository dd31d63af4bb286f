"""Accounts and signing them in."""

from django.contrib.auth.models import Permission
from django.test import Client

from aijuu_site.accounts.models import User
from tests.accounts import make_user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def user_with(*permissions: str) -> User:
    """A user with permissions named "app.codename" and no group."""
    user = make_user("-".join(permissions) or "tavallinen")
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user
