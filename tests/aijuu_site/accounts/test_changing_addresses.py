"""Changing where mail to the practice goes asks for the password, and the old address is told."""

from typing import Any

import pytest
from django.test import Client

from home.models import ContactDetails
from intake.choices import MailPurpose
from intake.models import IntakeSettings, OutgoingMail
from tests.accounts import make_user
from tests.aijuu_site.accounts.test_changing_accounts import PASSWORD, QUESTION, confirm
from tests.two_windows import errors, shown

pytestmark = pytest.mark.usefixtures("loaded_site")
OLD, NEW = "vanha@aijuu.fi", "uusi@aijuu.fi"
INTAKE, CONTACT = "intake/intakesettings", "home/contactdetails"


@pytest.fixture
def client(loaded_site: None) -> Client:
    """The supervisor, whose notices and answers go to OLD."""
    user = make_user(password=PASSWORD, group="Työnohjaaja")
    IntakeSettings.load()
    IntakeSettings.objects.update(notification_email="")
    ContactDetails.load()
    ContactDetails.objects.update(email=OLD)
    client = Client()
    client.force_login(user)
    return client


def saves(client: Client, setting: str, **changes: str) -> Any:
    """Send a setting's form as its page shows it, with some fields changed."""
    page = client.get(f"/admin/settings/{setting}/", follow=True)
    shown = {field.html_name: field.field.widget.format_value(field.value()) or "" for field in page.context["form"]}
    return client.post(page.request["PATH_INFO"], {**shown, **changes})


def told() -> list[tuple[str, str]]:
    mails = OutgoingMail.objects.filter(purpose=MailPurpose.ACCOUNT_CHANGED).order_by("recipient")
    return [(mail.recipient, mail.text) for mail in mails]


def addresses() -> tuple[str, str]:
    return IntakeSettings.load().notification_email, ContactDetails.load().email


@pytest.mark.parametrize(("setting", "field"), [(INTAKE, "notification_email"), (CONTACT, "email")])
def test_an_open_session_moves_no_address(client: Client, setting: str, field: str) -> None:
    question = saves(client, setting, **{field: NEW})
    assert question.status_code == 403
    page = question.content.decode()
    assert QUESTION in page
    assert "Olet muuttamassa osoitetta, johon Aijuun posti menee." in page
    assert addresses() == ("", OLD)
    assert QUESTION in confirm(client, question, "arvaus").content.decode()
    assert addresses() == ("", OLD)
    assert told() == []


def test_notices_that_move_are_told(client: Client) -> None:
    assert confirm(client, saves(client, INTAKE, notification_email=NEW)).status_code == 302
    assert addresses() == (NEW, OLD)
    [(recipient, text)] = told()
    assert recipient == OLD
    assert "kati@example.fi muutti tämän" in text
    assert "ilmoitukset uusista yhteydenotoista eivät enää tule tähän osoitteeseen" in text
    assert "yhteystietojen sähköpostiosoite" not in text


def test_the_address_of_the_contact_details_moves_both(client: Client) -> None:
    assert confirm(client, saves(client, CONTACT, email=NEW)).status_code == 302
    [(recipient, text)] = told()
    assert recipient == OLD
    assert "ilmoitukset uusista yhteydenotoista" in text
    assert "yhteystietojen sähköpostiosoite" in text
    assert NEW not in text


def test_each_old_address_hears_its_own(client: Client) -> None:
    IntakeSettings.objects.update(notification_email="ilmoitukset@aijuu.fi")
    assert confirm(client, saves(client, CONTACT, email=NEW)).status_code == 302
    assert [recipient for recipient, _text in told()] == [OLD]
    assert "ilmoitukset uusista" not in told()[0][1]
    # The password was given a moment ago.
    assert saves(client, INTAKE, notification_email="").status_code == 302
    assert [recipient for recipient, _text in told()] == ["ilmoitukset@aijuu.fi", OLD]


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        (INTAKE, {"retention_months": "12"}),
        (INTAKE, {"notification_email": " "}),
        (CONTACT, {"response_time": "viikon kuluessa"}),
        (CONTACT, {"email": f"Kati <{OLD}>"}),
    ],
)
def test_the_same_address_asks_nothing(client: Client, setting: str, changes: dict[str, str]) -> None:
    assert saves(client, setting, **changes).status_code == 302
    assert told() == []


def test_invalid_notification_email_shows_validation_error(client: Client) -> None:
    refused = saves(client, INTAKE, notification_email="kati@localhost")
    assert refused.status_code == 200
    assert "Tarkista sähköpostiosoite" in refused.content.decode()


def test_emptied_contact_details_ask_too(client: Client) -> None:
    """Notices would go to the sender's address."""
    assert QUESTION in saves(client, CONTACT, email="").content.decode()


@pytest.mark.parametrize(
    ("setting", "field", "other"),
    [
        (INTAKE, "notification_email", {"waiting_months": "9"}),
        (CONTACT, "email", {"response_time": "viikon kuluessa"}),
    ],
)
def test_address_saved_by_another_window_asks_nothing(
    client: Client, setting: str, field: str, other: dict[str, str]
) -> None:
    page = client.get(f"/admin/settings/{setting}/", follow=True)
    address, form = page.request["PATH_INFO"], shown(page)
    (IntakeSettings if setting == INTAKE else ContactDetails).objects.update(**{field: NEW})
    assert client.post(address, {**form, **other}).status_code == 302
    assert NEW in addresses()
    assert told() == []


def test_no_digest_moves_an_address_without_password(client: Client) -> None:
    page = client.get(f"/admin/settings/{CONTACT}/", follow=True)
    address, form = page.request["PATH_INFO"], shown(page)
    # Digests of a form that showed the new address.
    ContactDetails.objects.update(email=NEW)
    left = shown(client.get(address))["seen"]
    ContactDetails.objects.update(email=OLD)
    for seen in (left, "email=0123456789abcdef", "", "email="):
        client.post(address, {**form, "email": NEW, "seen": seen})
        assert addresses() == ("", OLD), seen


def test_address_changed_in_both_windows_asks_after_the_refusal(client: Client) -> None:
    page = client.get(f"/admin/settings/{CONTACT}/", follow=True)
    address, form = page.request["PATH_INFO"], shown(page)
    ContactDetails.objects.update(email="muu@aijuu.fi")
    refused = client.post(address, {**form, "email": NEW})
    assert refused.status_code == 200
    assert errors(refused).keys() == {"email"}
    assert QUESTION in client.post(address, shown(refused)).content.decode()
    assert addresses() == ("", "muu@aijuu.fi")
