"""A number that is far past what a field takes comes back with words, on every form of Kati's that has one."""

from typing import Any

import pytest
from django.test import Client

from intake.models import IntakeSettings, ReturnPlan
from tests.intake.waiting.admin.waiters import RETURN, waiting

pytestmark = pytest.mark.django_db
NUMBERS = ["3000000", "9" * 30, "-1", "1e9", "²"]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["per_day", "answer_days"])
def test_a_plan_with_it_starts_nothing(kati: Client, field: str, number: str) -> None:
    waiting("Aino")
    words: dict[str, Any] = {"per_day": "5", "answer_days": "14", "greeting": "Hei!", field: number}
    for response in (kati.get(RETURN, words), kati.post(RETURN, words)):
        assert response.status_code in (200, 422)
    assert "Hei!" in response.content.decode()
    assert not ReturnPlan.objects.exists()


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["retention_months", "spam_days", "waiting_months"])
def test_settings_with_it_are_not_saved(kati: Client, field: str, number: str) -> None:
    stored = IntakeSettings.load()
    values = {name: getattr(stored, name) for name in ("retention_months", "spam_days", "waiting_months")}
    address = f"/admin/settings/intake/intakesettings/{stored.pk}/"
    response = kati.post(address, {**values, field: number})
    assert response.status_code == 200
    assert getattr(IntakeSettings.load(), field) == values[field]
