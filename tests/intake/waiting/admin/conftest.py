"""A waiting list of seven, and a day on which Aijuu is open."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from intake.models import Enquiry
from tests.intake.waiting.admin.return_page import MORNING
from tests.intake.waiting.admin.waiters import waiting
from tests.intake.waiting.list_people import pause


@pytest.fixture
def an_open_day(db: None, settings: Any) -> Iterator[None]:
    """Aijuu is open. The clock starts an hour before MORNING, and a session lasts for days."""
    settings.SESSION_COOKIE_AGE = 14 * 24 * 3600
    with time_machine.travel(MORNING - timedelta(hours=1)):
        pause(active=False)
        yield


@pytest.fixture
def seven(db: None) -> list[Enquiry]:
    """Seven on the list: one without mail, two of one mailbox."""
    return [
        waiting("Aino", supervision_form="individual"),
        waiting("Bertta", email="tiimi@esimerkki.fi"),
        waiting("Cilla", wants_mail=False),
        waiting("Dora", supervision_form="individual"),
        waiting("Eevi", email="tiimi@esimerkki.fi"),
        waiting("Fanni"),
        waiting("Gunvor", supervision_form="work_community"),
    ]
