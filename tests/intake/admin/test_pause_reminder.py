"""The dashboard tells the supervisor when the day that she announced has come."""

from datetime import date

import pytest
import time_machine
from django.contrib.auth.models import Group, User

from home.models import PauseNotice
from tests.intake.admin.people import signed_in

REMINDER = "Taukoilmoituksessa luvattu päivä on tullut."


@pytest.mark.parametrize(
    ("now", "reminded"), [("2027-01-31T21:59:00Z", False), ("2027-01-31T22:00:00Z", True)], ids=["eve", "the day"]
)
def test_she_is_reminded_from_the_announced_day_on(db: None, now: str, reminded: bool) -> None:
    PauseNotice.objects.update(active=True, returns_on=date(2027, 2, 1))
    user = User.objects.create_user("kati", password="x")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    with time_machine.travel(now, tick=False):
        page = signed_in(user).get("/admin/").content.decode()
    assert (REMINDER in page) is reminded
