"""A site with a contact page, nothing else: quicker than all of the first content."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from wagtail.models import Locale, Page, Site

from home.models import ContactDetails, HomePage
from intake.models import ContactPage, Enquiry
from tests.intake.desk.people import signed_in, user_with
from tests.intake.enquiries import received
from tests.intake.mail.delivering import use_server
from tests.intake.visiting import Visitor
from tests.intake.waiting import post_office
from tests.intake.waiting.post_office import PostOffice
from tests.tools.smtp_server import SmtpServer

Rename = Callable[[Page, str], None]


@pytest.fixture
def contact_page(db: None, settings: Any) -> ContactPage:
    """The contact page under the front page, and Kati's details.

    Makes what is missing: a test with real transactions leaves nothing behind, not even what the migrations made.
    """
    Locale.objects.get_or_create(language_code="fi")
    root = Page.objects.filter(depth=1).first() or Page.add_root(instance=Page(title="Root", slug="root"))
    home = HomePage.objects.first()
    if home is None:
        home = root.add_child(instance=HomePage(title="Aijuu", slug="etusivu"))
    Site.objects.update_or_create(is_default_site=True, defaults={"hostname": "testserver", "root_page": home})
    page = home.add_child(instance=ContactPage(title="Ota yhteyttä", slug="ota-yhteytta"))
    details = ContactDetails.load()
    details.business_name = "Aijuu työnohjaus"
    details.person_name = "Kati"
    details.email = "kati.levola@aijuu.fi"
    details.phone = "0505348567"
    details.contact_page = page
    details.save()
    assert isinstance(page, ContactPage)
    return page


@pytest.fixture
def visitor(contact_page: ContactPage) -> Visitor:
    """Somebody who found the contact page."""
    return Visitor()


@pytest.fixture
def smtp(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpServer]:
    """A real mail server on this machine that Django sends to."""
    # The server is in the same process and logs every address, as a server may.
    monkeypatch.setattr(logging.getLogger("mail.log"), "disabled", True)
    with SmtpServer() as server:
        use_server(settings, server.port)
        yield server


@pytest.fixture
def server(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> PostOffice:
    """A mail server in this process, new and empty, that takes every mail."""
    settings.EMAIL_BACKEND = "tests.intake.waiting.post_office.Backend"
    office = PostOffice()
    monkeypatch.setattr(post_office, "SERVER", office)
    return office


@pytest.fixture
def rename(django_capture_on_commit_callbacks: Any) -> Rename:
    """Publish a page with another address. Wagtail makes its redirect when the transaction is through."""

    def publish_with(page: Page, slug: str) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            page.slug = slug
            page.save_revision().publish()

    return publish_with


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
