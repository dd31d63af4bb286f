"""Fixtures: a site with only a contact page, which is faster than loading the initial content, and its users."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker
from wagtail.models import Page, Site

from home.models import ContactDetails, HomePage
from intake.models import ContactPage, Enquiry
from tests.accounts import confirmed, make_user
from tests.intake.desk.people import signed_in, user_with
from tests.intake.enquiries import received
from tests.intake.mail.delivering import use_server
from tests.intake.visiting import Visitor
from tests.intake.waiting import post_office
from tests.intake.waiting.post_office import PostOffice
from tests.loaded_rows import KeptRows
from tests.tools.smtp_server import SmtpServer

Rename = Callable[[Page, str], None]


def _make_contact_page() -> None:
    Site.objects.update(hostname="testserver")
    page = HomePage.objects.get().add_child(instance=ContactPage(title="Ota yhteyttä", slug="ota-yhteytta"))
    details = ContactDetails.load()
    details.business_name = "Aijuu työnohjaus"
    details.person_name = "Kati"
    details.email = "kati.levola@aijuu.fi"
    details.phone = "0505348567"
    details.contact_page = page
    details.save()


@pytest.fixture(scope="session")
def _contact_page_rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> KeptRows:
    with django_db_blocker.unblock():
        return KeptRows(_make_contact_page)


@pytest.fixture
def contact_page(db: None, _contact_page_rows: KeptRows) -> ContactPage:
    """The contact page under the front page, and Kati's details."""
    _contact_page_rows.put_back()
    return ContactPage.objects.get()


@pytest.fixture
def visitor(contact_page: ContactPage) -> Visitor:
    """A visitor of the site with the contact page."""
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
    """A new, empty mail server in this process that accepts every mail."""
    settings.EMAIL_BACKEND = "tests.intake.waiting.post_office.Backend"
    office = PostOffice()
    monkeypatch.setattr(post_office, "SERVER", office)
    return office


@pytest.fixture
def rename(django_capture_on_commit_callbacks: Any) -> Rename:
    """Publish a page with another slug. Wagtail creates the redirect on commit."""

    def publish_with(page: Page, slug: str) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            page.slug = slug
            page.save_revision().publish()

    return publish_with


@pytest.fixture
def kati(db: None) -> Client:
    """The supervisor, with the permissions of her group. Her password is already confirmed, so she can export."""
    return confirmed(signed_in(make_user("Kati Levola", email="kati@example.fi", group="Työnohjaaja")))


@pytest.fixture
def editor(db: None) -> Client:
    """An editor of pages without permissions for enquiries."""
    return signed_in(make_user("sisko", group="Sisällöntuottaja"))


@pytest.fixture
def reader(db: None) -> Client:
    """A user who may only read enquiries."""
    return signed_in(user_with("wagtailadmin.access_admin", "intake.view_enquiry"))


@pytest.fixture
def stranger(db: None) -> Client:
    """An account without access to the admin, although it has the permissions for enquiries."""
    return signed_in(user_with("intake.view_enquiry", "intake.change_enquiry", "intake.delete_enquiry"))


@pytest.fixture
def enquiry(db: None) -> Enquiry:
    """An ordinary enquiry with its two mails queued."""
    return received(
        name="Pirkko Salaisuus", email="pirkko.salaisuus@esimerkki.fi", message="Kukaan muu ei saa lukea tätä."
    )
