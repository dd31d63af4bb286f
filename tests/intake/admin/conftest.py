"""The people who come to the admin, each signed in, none a superuser."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from intake.models import Enquiry
from tests.intake.admin.people import signed_in, user_with
from tests.intake.enquiries import received


@pytest.fixture
def kati(db: None) -> Client:
    """The supervisor by her group alone."""
    user = User.objects.create_user("kati", password="x", first_name="Kati", last_name="Levola")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    return signed_in(user)


@pytest.fixture
def editor(db: None) -> Client:
    """Somebody who writes pages and has nothing to do with enquiries."""
    user = User.objects.create_user("sisko", password="x")
    user.groups.add(Group.objects.get(name="Sisällöntuottaja"))
    return signed_in(user)


@pytest.fixture
def reader(db: None) -> Client:
    """Somebody who may read enquiries and do nothing else."""
    return signed_in(user_with("wagtailadmin.access_admin", "intake.view_enquiry"))


@pytest.fixture
def stranger(db: None) -> Client:
    """An account without a way into the admin, though it has the enquiries' permissions."""
    return signed_in(user_with("intake.view_enquiry", "intake.change_enquiry", "intake.delete_enquiry"))


@pytest.fixture
def enquiry(db: None) -> Enquiry:
    """An ordinary enquiry with its two mails waiting."""
    return received(
        name="Pirkko Salaisuus", email="pirkko.salaisuus@esimerkki.fi", message="Kukaan muu ei saa lukea tätä."
    )
