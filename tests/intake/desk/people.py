"""Accounts and signing them in."""

from django.contrib.auth.models import Permission, User
from django.test import Client


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def user_with(*permissions: str) -> User:
    """A user with permissions named "app.codename" and no group."""
    user = User.objects.create_user("-".join(permissions) or "tavallinen", password="x")
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user
