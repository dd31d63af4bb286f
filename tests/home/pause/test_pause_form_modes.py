"""offered_recently(): a form that was opened before a change may still be sent."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from home.models import PauseNotice
from home.pause.models import offered_recently
from home.pause.rules import FormMode, PauseSettings, TimelineEntry, form_modes
from home.pause.services import begin_pause, change_pause, end_pause, record_elapsed_return, set_full, undo_last

HELSINKI = ZoneInfo("Europe/Helsinki")
NOW = datetime(2027, 3, 10, 12, tzinfo=HELSINKI)
TWO_DAYS = timedelta(days=2)
LIST = PauseSettings(active=True, form_mode=FormMode.WAITING_LIST)
OPEN = PauseSettings(active=False, form_mode=FormMode.WAITING_LIST)


@pytest.mark.parametrize(
    ("history", "offered"),
    [
        ([TimelineEntry(LIST, None)], True),
        ([TimelineEntry(OPEN, None)], False),
        ([TimelineEntry(LIST, None), TimelineEntry(OPEN, NOW - timedelta(hours=47))], True),
        ([TimelineEntry(LIST, None), TimelineEntry(OPEN, NOW - TWO_DAYS)], False),
        ([TimelineEntry(LIST, None), TimelineEntry(OPEN, NOW - TWO_DAYS + timedelta(seconds=1))], True),
        (
            [
                TimelineEntry(OPEN, None),
                TimelineEntry(LIST, NOW - timedelta(hours=3)),
                TimelineEntry(OPEN, NOW - timedelta(hours=2)),
            ],
            True,
        ),
        (
            [
                TimelineEntry(OPEN, None),
                TimelineEntry(LIST, NOW - timedelta(days=9)),
                TimelineEntry(OPEN, NOW - timedelta(days=8)),
            ],
            False,
        ),
    ],
)
def test_waiting_list_counts_as_offered_two_days_more(history: list[TimelineEntry], offered: bool) -> None:
    assert (FormMode.WAITING_LIST in form_modes(history, NOW - TWO_DAYS, NOW)) is offered


@pytest.mark.parametrize(
    ("begins", "returns", "offered"),
    [
        (date(2027, 3, 11), None, False),
        (date(2027, 3, 10), None, True),
        (date(2027, 3, 1), date(2027, 3, 10), True),
        (date(2027, 3, 1), date(2027, 3, 9), True),
        # It opened at 00.00 on the 8th; two days before is the 8th at 12.
        (date(2027, 3, 1), date(2027, 3, 8), False),
        (date(2027, 3, 9), date(2027, 3, 10), True),
    ],
)
def test_form_mode_counts_for_scheduled_pause(begins: date, returns: date | None, offered: bool) -> None:
    settings = PauseSettings(
        active=True,
        begins_on=begins,
        returns_on=returns,
        opens_by_itself=returns is not None,
        form_mode=FormMode.WAITING_LIST,
    )
    assert (FormMode.WAITING_LIST in form_modes([TimelineEntry(settings, None)], NOW - TWO_DAYS, NOW)) is offered


@pytest.mark.django_db
def test_offered_recently_reads_recorded_changes() -> None:
    def lately() -> bool:
        return offered_recently(FormMode.WAITING_LIST, within=TWO_DAYS, now=timezone.now())

    with time_machine.travel(NOW, tick=False) as clock:
        assert not lately()
        notice = PauseNotice.load()
        notice = change_pause(
            values={"form_mode": FormMode.WAITING_LIST}, version=notice.version, by=None, now=timezone.now()
        )
        assert not lately()
        notice = begin_pause(version=notice.version, by=None, now=timezone.now())
        assert lately()
        clock.shift(timedelta(days=100))
        notice = end_pause(version=notice.version, by=None, now=timezone.now())
        assert lately()
        clock.shift(TWO_DAYS - timedelta(seconds=1))
        assert lately()
        clock.shift(timedelta(seconds=2))
        assert not lately()


@pytest.mark.django_db
def test_list_stays_open_after_being_full() -> None:
    def lately(hours: int) -> bool:
        return offered_recently(FormMode.WAITING_LIST, within=TWO_DAYS, now=NOW + timedelta(hours=hours))

    notice = set_full(full=True, version=PauseNotice.load().version, by=None, now=NOW)
    assert lately(1000)
    set_full(full=False, version=notice.version, by=None, now=NOW + timedelta(hours=1))
    assert lately(48)
    assert not lately(50)


@pytest.mark.django_db
def test_undone_form_mode_still_counts_as_offered() -> None:
    notice = PauseNotice.load()
    notice = change_pause(
        values={"form_mode": FormMode.WAITING_LIST, "active": True}, version=notice.version, by=None, now=NOW
    )
    undo_last(version=notice.version, by=None, now=NOW + timedelta(minutes=5))
    assert offered_recently(FormMode.WAITING_LIST, within=TWO_DAYS, now=NOW + timedelta(hours=1))


@pytest.mark.django_db
@pytest.mark.parametrize("worker_recorded_it", [True, False])
def test_elapsed_return_counts_before_worker_records_it(worker_recorded_it: bool) -> None:
    notice = PauseNotice.load()
    change_pause(
        values={
            "active": True,
            "form_mode": FormMode.WAITING_LIST,
            "returns_on": date(2027, 3, 15),
            "opens_by_itself": True,
        },
        version=notice.version,
        by=None,
        now=NOW,
    )
    opened = datetime(2027, 3, 15, tzinfo=HELSINKI)
    if worker_recorded_it:
        assert record_elapsed_return(now=opened + timedelta(minutes=1))
    for hours, offered in ((1, True), (47, True), (49, False)):
        moment = (opened + timedelta(hours=hours)).astimezone(UTC)
        assert offered_recently(FormMode.WAITING_LIST, within=TWO_DAYS, now=moment) is offered
