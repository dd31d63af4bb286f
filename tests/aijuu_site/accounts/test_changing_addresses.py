"""Changing the address that the practice's mail goes to requires the password and notifies the old address."""

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
    """Sign in the supervisor. Notifications and replies go to OLD."""
    user = make_user(password=PASSWORD, group="Työnohjaaja")
    IntakeSettings.load()
    IntakeSettings.objects.update(notification_email="")
    ContactDetails.load()
    ContactDetails.objects.update(email=OLD)
    client = Client()
    client.force_login(user)
    return client


def save(client: Client, setting: str, **changes: str) -> Any:
    """Submit a setting's form as its page shows it, with some fields changed."""
    page = client.get(f"/admin/settings/{setting}/", follow=True)
    shown = {field.html_name: field.field.widget.format_value(field.value()) or "" for field in page.context["form"]}
    return client.post(page.request["PATH_INFO"], {**shown, **changes})


def notices() -> list[tuple[str, str]]:
    mails = OutgoingMail.objects.filter(purpose=MailPurpose.ACCOUNT_CHANGED).order_by("recipient")
    return [(mail.recipient, mail.text) for mail in mails]


def addresses() -> tuple[str, str]:
    return IntakeSettings.load().notification_email, ContactDetails.load().email


@pytest.mark.parametrize(("setting", "field"), [(INTAKE, "notification_email"), (CONTACT, "email")])
def test_changing_mail_address_needs_the_password(client: Client, setting: str, field: str) -> None:
    question = save(client, setting, **{field: NEW})
    assert question.status_code == 403
    page = question.content.decode()
    assert QUESTION in page
    assert "Olet muuttamassa osoitetta, johon Aijuun posti menee." in page
    assert addresses() == ("", OLD)
    assert QUESTION in confirm(client, question, "arvaus").content.decode()
    assert addresses() == ("", OLD)
    assert notices() == []


def test_changed_notification_email_notifies_old_address(client: Client) -> None:
    assert confirm(client, save(client, INTAKE, notification_email=NEW)).status_code == 302
    assert addresses() == (NEW, OLD)
    [(recipient, text)] = notices()
    assert recipient == OLD
    assert "kati@example.fi muutti tämän" in text
    assert "ilmoitukset uusista yhteydenotoista eivät enää tule tähän osoitteeseen" in text
    assert "yhteystietojen sähköpostiosoite" not in text


def test_changed_contact_email_also_moves_notifications(client: Client) -> None:
    assert confirm(client, save(client, CONTACT, email=NEW)).status_code == 302
    [(recipient, text)] = notices()
    assert recipient == OLD
    assert "ilmoitukset uusista yhteydenotoista" in text
    assert "yhteystietojen sähköpostiosoite" in text
    assert NEW not in text


def test_each_old_address_is_notified_separately(client: Client) -> None:
    IntakeSettings.objects.update(notification_email="ilmoitukset@aijuu.fi")
    assert confirm(client, save(client, CONTACT, email=NEW)).status_code == 302
    assert [recipient for recipient, _text in notices()] == [OLD]
    assert "ilmoitukset uusista" not in notices()[0][1]
    # The password confirmation above still holds.
    assert save(client, INTAKE, notification_email="").status_code == 302
    assert [recipient for recipient, _text in notices()] == ["ilmoitukset@aijuu.fi", OLD]


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        (INTAKE, {"retention_months": "12"}),
        (INTAKE, {"notification_email": " "}),
        (CONTACT, {"response_time": "viikon kuluessa"}),
        (CONTACT, {"email": f"Kati <{OLD}>"}),
    ],
)
def test_unchanged_address_needs_no_password(client: Client, setting: str, changes: dict[str, str]) -> None:
    assert save(client, setting, **changes).status_code == 302
    assert notices() == []


def test_invalid_notification_email_shows_validation_error(client: Client) -> None:
    refused = save(client, INTAKE, notification_email="kati@localhost")
    assert refused.status_code == 200
    assert "Tarkista sähköpostiosoite" in refused.content.decode()


def test_clearing_contact_email_needs_the_password(client: Client) -> None:
    """Without a contact address, notifications would go to the address of DEFAULT_FROM_EMAIL."""
    assert QUESTION in save(client, CONTACT, email="").content.decode()


@pytest.mark.parametrize(
    ("setting", "field", "other"),
    [
        (INTAKE, "notification_email", {"waiting_months": "9"}),
        (CONTACT, "email", {"response_time": "viikon kuluessa"}),
    ],
)
def test_address_changed_in_another_window_needs_no_password(
    client: Client, setting: str, field: str, other: dict[str, str]
) -> None:
    page = client.get(f"/admin/settings/{setting}/", follow=True)
    address, form = page.request["PATH_INFO"], shown(page)
    (IntakeSettings if setting == INTAKE else ContactDetails).objects.update(**{field: NEW})
    assert client.post(address, {**form, **other}).status_code == 302
    assert NEW in addresses()
    assert notices() == []


def test_forged_digest_changes_no_address_without_password(client: Client) -> None:
    page = client.get(f"/admin/settings/{CONTACT}/", follow=True)
    address, form = page.request["PATH_INFO"], shown(page)
    # The digests of a form that showed the new address.
    ContactDetails.objects.update(email=NEW)
    left = shown(client.get(address))["seen"]
    ContactDetails.objects.update(email=OLD)
    for seen in (left, "email=0123456789abcdef", "", "email="):
        client.post(address, {**form, "email": NEW, "seen": seen})
        assert addresses() == ("", OLD), seen


def test_conflicting_address_change_still_needs_the_password(client: Client) -> None:
    page = client.get(f"/admin/settings/{CONTACT}/", follow=True)
    address, form = page.request["PATH_INFO"], shown(page)
    ContactDetails.objects.update(email="muu@aijuu.fi")
    refused = client.post(address, {**form, "email": NEW})
    assert refused.status_code == 200
    assert errors(refused).keys() == {"email"}
    assert QUESTION in client.post(address, shown(refused)).content.decode()
    assert addresses() == ("", "muu@aijuu.fi")
