"""Contact details open in two windows: the later save does not undo the changes of the earlier one."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from home.models import ContactDetails
from tests.accounts import confirmed, make_user
from tests.two_windows import errors, shown

BUSINESS_ID, ADDRESS = "1234567-1", "Katu 1, 28100 Pori"


@pytest.fixture
def kati(loaded_site: None) -> Client:
    client = Client()
    client.force_login(make_user("Kati", group="Työnohjaaja"))
    return confirmed(client)


@pytest.fixture
def page(loaded_site: None) -> str:
    """The address of the form."""
    return reverse("wagtailsettings:edit", args=["home", "contactdetails", ContactDetails.load().pk])


def stored() -> ContactDetails:
    return ContactDetails.objects.get()


def test_unchanged_field_keeps_other_windows_value(kati: Client, page: str) -> None:
    first = second = shown(kati.get(page))
    assert kati.post(page, {**first, "business_id": BUSINESS_ID}).status_code == 302
    assert kati.post(page, {**second, "postal_address": ADDRESS}).status_code == 302
    assert (stored().business_id, stored().postal_address) == (BUSINESS_ID, ADDRESS)


def test_a_page_chosen_in_another_window_is_kept(kati: Client, page: str) -> None:
    first = second = shown(kati.get(page))
    other = stored().accessibility_page_id
    kati.post(page, {**first, "privacy_page": str(other), "accessibility_page": ""})
    kati.post(page, {**second, "postal_address": ADDRESS})
    assert (stored().privacy_page_id, stored().accessibility_page_id) == (other, None)
    assert stored().postal_address == ADDRESS


def test_field_changed_in_both_windows_is_refused_once(kati: Client, page: str) -> None:
    first = second = shown(kati.get(page))
    kati.post(page, {**first, "postal_address": ADDRESS, "response_time": "heti"})
    refused = kati.post(page, {**second, "postal_address": "Kuja 2", "areas": "Lappi"})
    assert refused.status_code == 200
    assert errors(refused) == {
        "postal_address": (
            f"Tätä on muutettu toisessa ikkunassa. Nyt siinä on: ”{ADDRESS}”. "
            "Tallenna uudelleen, jos haluat korvata sen."
        )
    }
    assert (stored().postal_address, stored().areas) == (ADDRESS, second["areas"])
    again = shown(refused)
    # A changed field shows the typed value, and an unchanged field shows the stored value.
    assert (again["postal_address"], again["areas"], again["response_time"]) == ("Kuja 2", "Lappi", "heti")
    assert kati.post(page, again).status_code == 302
    assert (stored().postal_address, stored().areas, stored().response_time) == ("Kuja 2", "Lappi", "heti")


def test_change_after_refusal_is_refused_again(kati: Client, page: str) -> None:
    forms = [shown(kati.get(page))] * 2
    kati.post(page, {**forms[0], "postal_address": ADDRESS})
    again = shown(kati.post(page, {**forms[1], "postal_address": "Kuja 2"}))
    kati.post(page, {**shown(kati.get(page)), "postal_address": "Polku 3"})
    assert "Polku 3" in errors(kati.post(page, again))["postal_address"]
    assert stored().postal_address == "Polku 3"


def test_error_says_that_field_was_emptied(kati: Client, page: str) -> None:
    ContactDetails.objects.update(postal_address=ADDRESS)
    first = second = shown(kati.get(page))
    kati.post(page, {**first, "postal_address": "", "privacy_page": ""})
    other = str(stored().accessibility_page_id)
    refused = errors(kati.post(page, {**second, "postal_address": "Kuja 2", "privacy_page": other}))
    assert refused.keys() == {"postal_address", "privacy_page"}
    assert set(refused.values()) == {
        "Tätä on muutettu toisessa ikkunassa. Nyt se on tyhjä. Tallenna uudelleen, jos haluat tämän sen tilalle."
    }


def test_error_names_page_chosen_in_other_window(kati: Client, page: str) -> None:
    details = stored()
    assert details.privacy_page
    assert details.accessibility_page
    ContactDetails.objects.update(privacy_page=None)
    first = second = shown(kati.get(page))
    kati.post(page, {**first, "privacy_page": str(details.privacy_page.pk)})
    refused = kati.post(page, {**second, "privacy_page": str(details.accessibility_page.pk)})
    assert f"”{details.privacy_page.title}”" in errors(refused)["privacy_page"]


def test_same_change_in_both_windows_is_saved(kati: Client, page: str) -> None:
    first = second = shown(kati.get(page))
    kati.post(page, {**first, "postal_address": ADDRESS})
    assert kati.post(page, {**second, "postal_address": ADDRESS}).status_code == 302


def test_other_validation_error_keeps_stored_values(kati: Client, page: str) -> None:
    """The form is shown again with the stored values: old ones would be saved as a change of this window."""
    first = second = shown(kati.get(page))
    kati.post(page, {**first, "business_id": BUSINESS_ID})
    refused = kati.post(page, {**second, "phone": "050"})
    assert errors(refused).keys() == {"phone"}
    again = shown(refused)
    assert (again["business_id"], again["phone"]) == (BUSINESS_ID, "050")
    assert kati.post(page, {**again, "phone": "050 534 8567"}).status_code == 302
    assert (stored().business_id, stored().phone) == (BUSINESS_ID, "050 534 8567")


@pytest.mark.parametrize("seen", [None, "jotain"])
def test_post_without_digests_is_accepted(kati: Client, page: str, seen: str | None) -> None:
    form: dict[str, Any] = shown(kati.get(page))
    kati.post(page, {**form, "business_id": BUSINESS_ID})
    del form["seen"]
    if seen is not None:
        form["seen"] = seen
    assert kati.post(page, {**form, "areas": "Lappi"}).status_code == 302
    assert (stored().business_id, stored().areas) == ("", "Lappi")


def test_password_confirmation_keeps_the_digests(loaded_site: None, page: str) -> None:
    """Another window saves while the password is being asked for."""
    kati = Client()
    kati.force_login(make_user("Kati", group="Työnohjaaja"))
    form = shown(kati.get(page))
    question = kati.post(page, {**form, "email": "uusi@aijuu.fi"})
    assert question.status_code == 403
    kati.post(page, {**form, "business_id": BUSINESS_ID})
    answered = kati.post(page, {**shown(question), "confirm_password": "x"})
    assert answered.status_code == 302
    assert (stored().email, stored().business_id) == ("uusi@aijuu.fi", BUSINESS_ID)
