"""Concurrent changes of the pause: each in a thread with its own transaction."""

from collections import Counter
from datetime import datetime

import pytest

from home.models import PauseAction, PauseChange, PauseNotice
from home.pause.rules import CALENDAR
from home.pause.services import PauseChangedMeanwhile, begin_pause, change_pause, record_elapsed_return
from tests.home.pause.pausing import stored
from tests.intake.enquiry.test_parallel_posts import at_once

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2037, 1, 10, 12, tzinfo=CALENDAR)
MANY = 8


def test_concurrent_changes_of_one_version_only_one_wins() -> None:
    version = stored(active=True).version

    def job(number: int) -> str:
        try:
            change_pause(values={"welcome_days": number}, version=version, by=None, now=NOW)
        except PauseChangedMeanwhile:
            return "too late"
        return str(number)

    outcomes = at_once(MANY, job)
    assert Counter(outcomes)["too late"] == MANY - 1
    (number,) = set(outcomes) - {"too late"}
    notice = PauseNotice.objects.get()
    assert (notice.welcome_days, notice.version) == (int(number), version + 1)
    assert PauseChange.objects.count() == 1


def test_concurrent_elapsed_return_is_recorded_once() -> None:
    version = stored(active=True, returns_on=NOW.date(), opens_by_itself=True).version

    def job(number: int) -> str:
        if number:
            return "recorded" if record_elapsed_return(now=NOW) else "nothing"
        try:
            begin_pause(version=version, by=None, now=NOW)
        except PauseChangedMeanwhile:
            return "too late"
        return "begun"

    outcomes = Counter(at_once(MANY, job))
    actions = Counter(PauseChange.objects.values_list("action", flat=True))
    assert actions[PauseAction.OPENED_BY_ITSELF] == 1
    # If begin_pause() ran first, it recorded the return itself. Otherwise its version was outdated.
    assert (outcomes["begun"], outcomes["too late"], outcomes["recorded"]) in ((1, 0, 0), (0, 1, 1))
    assert actions[PauseAction.BEGUN] == outcomes["begun"]
