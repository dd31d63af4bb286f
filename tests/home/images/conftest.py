"""Fixture: the signed-in supervisor, who uploads pictures."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.accounts import make_user


@pytest.fixture
def kati(client: Client) -> Client:
    """The supervisor: an editor, not a superuser."""
    user = make_user()
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    client.force_login(user)
    # An unhandled exception becomes a 500 response, as in production.
    client.raise_request_exception = False
    return client
