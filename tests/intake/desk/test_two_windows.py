"""Settings for enquiries open in two windows: the later save does not undo the changes of the earlier one."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from intake.models import IntakeSettings
from tests.accounts import confirmed
from tests.intake.enquiries import closed
from tests.two_windows import errors, shown

NOTICES = "muu@example.fi"


@pytest.fixture
def page(db: None) -> str:
    """The address of the form."""
    return reverse("wagtailsettings:edit", args=["intake", "intakesettings", IntakeSettings.load().pk])


def stored() -> IntakeSettings:
    return IntakeSettings.objects.get()


@pytest.mark.parametrize(("field", "value"), [("waiting_months", 2), ("retention_months", 3), ("spam_days", 30)])
def test_unchanged_time_keeps_other_windows_value(kati: Client, page: str, field: str, value: int) -> None:
    confirmed(kati)
    first, second = shown(kati.get(page)), shown(kati.get(page))
    assert kati.post(page, {**first, field: str(value)}).status_code == 302
    assert kati.post(page, {**second, "notification_email": NOTICES}).status_code == 302
    assert (getattr(stored(), field), stored().notification_email) == (value, NOTICES)


def test_time_changed_in_both_windows_is_refused_once(kati: Client, page: str) -> None:
    first, second = shown(kati.get(page)), shown(kati.get(page))
    kati.post(page, {**first, "waiting_months": "2"})
    refused = kati.post(page, {**second, "waiting_months": "3", "spam_days": "20"})
    assert errors(refused) == {
        "waiting_months": (
            "Tätä on muutettu toisessa ikkunassa. Nyt siinä on: ”2”. Tallenna uudelleen, jos haluat korvata sen."
        )
    }
    assert (stored().waiting_months, stored().spam_days) == (2, 14)
    assert kati.post(page, shown(refused)).status_code == 302
    assert (stored().waiting_months, stored().spam_days) == (3, 20)


def test_invalid_field_is_compared_after_correction(kati: Client, page: str) -> None:
    first, second = shown(kati.get(page)), shown(kati.get(page))
    kati.post(page, {**first, "waiting_months": "2"})
    again = shown(kati.post(page, {**second, "waiting_months": "x"}))
    assert again["waiting_months"] == "x"
    assert "”2”" in errors(kati.post(page, {**again, "waiting_months": "3"}))["waiting_months"]
    assert stored().waiting_months == 2


def test_longer_time_from_other_window_removes_nothing(kati: Client, page: str) -> None:
    """The second form still has the old, shorter time, which would remove an enquiry."""
    closed(at=timezone.now() - timedelta(days=40))
    IntakeSettings.objects.update(retention_months=1)
    first, second = shown(kati.get(page)), shown(kati.get(page))
    kati.post(page, {**first, "retention_months": "6"})
    assert kati.post(page, {**second, "spam_days": "20"}).status_code == 302
    assert (stored().retention_months, stored().spam_days, stored().shortened_at) == (6, 20, None)


def test_removal_confirmation_keeps_other_windows_value(kati: Client, page: str) -> None:
    """A shorter time needs a confirmation, and the form that asks for it shows the other window's changes."""
    closed(at=timezone.now() - timedelta(days=40))
    first, second = shown(kati.get(page)), shown(kati.get(page))
    kati.post(page, {**first, "waiting_months": "2"})
    asked = kati.post(page, {**second, "retention_months": "1"})
    again = shown(asked)
    assert (again["waiting_months"], again["retention_months"], again["removes_at_most"]) == ("2", "1", "1")
    assert kati.post(page, {**again, "removal_confirmed": "on"}).status_code == 302
    assert (stored().waiting_months, stored().retention_months) == (2, 1)


def test_post_without_digests_is_accepted(kati: Client, page: str) -> None:
    form = shown(kati.get(page))
    kati.post(page, {**form, "waiting_months": "2"})
    del form["seen"]
    assert kati.post(page, {**form, "spam_days": "20"}).status_code == 302
    assert (stored().waiting_months, stored().spam_days) == (4, 20)
