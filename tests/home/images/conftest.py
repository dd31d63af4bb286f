"""Who uploads pictures."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.accounts import make_user


@pytest.fixture
def kati(client: Client) -> Client:
    """The supervisor as she works: an editor without a superuser's rights."""
    user = make_user()
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    client.force_login(user)
    # What would be a 500 in real life is one here.
    client.raise_request_exception = False
    return client
