"""A number far beyond the limits of a field gives a validation error, on every admin form with a number field."""

from typing import Any

import pytest
from django.test import Client

from intake.models import IntakeSettings, ReturnPlan
from tests.intake.waiting.admin.waiters import RETURN, waiting
from tests.two_windows import errors

pytestmark = pytest.mark.django_db
NUMBERS = ["3000000", "9" * 30, "-1", "1e9", "²"]


def test_return_plan_refuses_out_of_range_numbers(kati: Client) -> None:
    waiting("Aino")
    for number in NUMBERS:
        words: dict[str, Any] = {"per_day": number, "answer_days": number, "greeting": "Hei!"}
        for response in (kati.get(RETURN, words), kati.post(RETURN, words)):
            assert response.status_code in (200, 422), number
        assert "Hei!" in response.content.decode()
    assert not ReturnPlan.objects.exists()


def test_settings_refuse_out_of_range_numbers(kati: Client) -> None:
    stored = IntakeSettings.load()
    fields = ("retention_months", "spam_days", "waiting_months")
    values = {name: getattr(stored, name) for name in fields}
    address = f"/admin/settings/intake/intakesettings/{stored.pk}/"
    for number in NUMBERS:
        response = kati.post(address, dict.fromkeys(fields, number))
        assert response.status_code == 200, number
        assert sorted(errors(response)) == sorted(fields), number
    assert {name: getattr(IntakeSettings.load(), name) for name in fields} == values
