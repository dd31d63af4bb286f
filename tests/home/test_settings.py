"""Validation of the contact details and of the pause settings."""

from datetime import date

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from home.models import ContactDetails, HomePage, PauseNotice
from home.text_input import parse_phone, phone_display, phone_uri
from tests.accounts import make_user

pytestmark = pytest.mark.django_db


def messages(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict


@pytest.mark.parametrize("phone", ["soita vaan", "050", "0505348567 tai 02", "+358 999 1"])
def test_invalid_phone_number_refused_in_finnish(phone: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        ContactDetails(business_name="Aijuu", phone=phone).full_clean()
    assert messages(refusal.value) == {"phone": ["Tarkista puhelinnumero. Oikea muoto on esimerkiksi 050 123 4567."]}


@pytest.mark.parametrize("typed", ["0505348567", "050 534 8567", "+358 50 534 8567", "050-5348567"])
def test_phone_number_is_normalized(typed: str) -> None:
    details = ContactDetails(business_name="Aijuu", phone=typed)
    details.full_clean()
    assert details.phone_display == "050 534 8567"
    assert details.phone_uri == "tel:+358505348567"


def test_foreign_number_keeps_country_code() -> None:
    number = parse_phone("+46 8 123 456 78")
    assert phone_display(number) == "+46 8 123 456 78"
    assert phone_uri(number) == "tel:+46812345678"


def test_unparsable_stored_phone_is_shown_unchanged() -> None:
    details = ContactDetails(business_name="Aijuu", phone="vaihde")
    assert (details.phone_display, details.phone_uri) == ("vaihde", "")


@pytest.mark.parametrize(
    "address",
    [
        "http://www.facebook.com/aijuu",
        "https://facebook.com.example.org/aijuu",
        "https://notfacebook.com/aijuu",
        "https://example.org/facebook.com",
        "javascript:alert(1)",
    ],
)
def test_url_not_on_facebook_is_refused(address: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        ContactDetails(business_name="Aijuu", facebook_url=address).full_clean()
    assert "Kirjoita osoite, joka alkaa https://www.facebook.com/." in messages(refusal.value)["facebook_url"]


@pytest.mark.parametrize("address", ["https://www.facebook.com/aijuu", "https://fi-fi.facebook.com/aijuu/"])
def test_facebook_url_is_accepted(address: str) -> None:
    ContactDetails(business_name="Aijuu", facebook_url=address).full_clean()


def test_only_business_name_is_required() -> None:
    ContactDetails(business_name="Aijuu").full_clean()
    with pytest.raises(ValidationError) as refusal:
        ContactDetails().full_clean()
    assert set(messages(refusal.value)) == {"business_name"}


@time_machine.travel("2027-01-31 21:59:00+00:00", tick=False)
@pytest.mark.parametrize("day", [date(2026, 12, 24), date(2027, 1, 31)])
def test_new_return_day_must_be_in_future(day: date) -> None:
    with pytest.raises(ValidationError) as refusal:
        PauseNotice(active=True, returns_on=day).full_clean()
    assert messages(refusal.value) == {"returns_on": ["Valitse päivä, joka on vielä edessä, tai jätä päivä tyhjäksi."]}
    PauseNotice(active=True, returns_on=date(2027, 2, 1)).full_clean()


def test_stored_past_day_does_not_block_changes() -> None:
    notice = PauseNotice.load()
    notice.active, notice.returns_on = True, date(2027, 2, 1)
    notice.save()
    with time_machine.travel("2027-03-01 12:00:00+00:00"):
        notice.message = "<p>Palaan pian.</p>"
        notice.full_clean()
        notice.returns_on = date(2027, 2, 2)
        with pytest.raises(ValidationError):
            notice.full_clean()


@pytest.mark.parametrize("model", [ContactDetails, PauseNotice])
def test_settings_pages_are_finnish(model: type[ContactDetails] | type[PauseNotice], client: Client) -> None:
    client.force_login(make_user(is_superuser=True))
    name = model._meta.model_name
    page = client.get(reverse("wagtailsettings:edit", args=["home", name, model.load().pk]))
    assert page.status_code == 200
    expected = "Ilmoitus näkyy jokaisella sivulla. Jätä päivä tyhjäksi, jos paluusta ei ole tietoa."
    assert (expected if model is PauseNotice else "Facebook-sivun osoite") in page.text


def test_contact_page_must_have_the_form(loaded_site: None) -> None:
    details = ContactDetails.load()
    assert details.contact_page is not None
    details.full_clean()
    details.contact_page = HomePage.objects.get()
    with pytest.raises(ValidationError) as refused:
        details.full_clean()
    assert list(refused.value.message_dict) == ["contact_page"]
