"""home.pause.services: each action is atomic, recorded, and can be undone completely."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.forms.models import model_to_dict

from aijuu_site.accounts.models import User
from home.models import PauseAction, PauseChange, PauseNotice
from home.pause.rules import CALENDAR, FormMode, PauseState, pause_state
from home.pause.services import (
    UNDO_FOR,
    NothingToUndo,
    PauseChangedMeanwhile,
    begin_pause,
    change_pause,
    end_pause,
    record_elapsed_return,
    set_full,
    undo_last,
    undoable,
)
from tests.accounts import make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 1, 10, 12, tzinfo=CALENDAR)
TODAY = NOW.date()
AHEAD = TODAY + timedelta(days=22)


@pytest.fixture(autouse=True)
def on_that_day(time_machine: Any) -> None:
    # The model's validation reads the clock.
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def kati(db: None) -> User:
    return make_user("kati")


def stored(**fields: Any) -> PauseNotice:
    notice = PauseNotice.load()
    for name, value in {"active": False, **fields}.items():
        setattr(notice, name, value)
    notice.save()
    return notice


def actions() -> list[str]:
    return list(PauseChange.objects.order_by("version").values_list("action", flat=True))


def state(now: datetime = NOW) -> PauseState:
    return pause_state(PauseNotice.objects.get().settings, now)


def change(now: datetime = NOW, **values: Any) -> PauseNotice:
    return change_pause(values=values, version=PauseNotice.objects.get().version, by=None, now=now)


def begin(now: datetime = NOW) -> PauseNotice:
    return begin_pause(version=PauseNotice.objects.get().version, by=None, now=now)


def end(now: datetime = NOW) -> PauseNotice:
    return end_pause(version=PauseNotice.objects.get().version, by=None, now=now)


def undo(now: datetime = NOW) -> PauseNotice:
    return undo_last(version=PauseNotice.objects.get().version, by=None, now=now)


def test_begin_and_end_pause_record_changes(kati: User) -> None:
    notice = stored()
    begun = begin_pause(version=notice.version, by=kati, now=NOW)
    assert state() is PauseState.PAUSED
    assert begun.version == notice.version + 1
    later = NOW + timedelta(days=3)
    end_pause(version=begun.version, by=kati, now=later)
    assert state(later) is PauseState.RESUMED
    assert PauseNotice.objects.get().ended_on == later.date()
    last, first = PauseChange.objects.all()
    assert (first.action, first.changed_by, first.changed_at) == (PauseAction.BEGUN, kati, NOW)
    assert (last.action, last.changed_by, last.changed_at) == (PauseAction.ENDED, kati, later)
    assert (first.before["active"], first.after["active"], last.before, last.version) == (
        False, True, first.after, begun.version + 1,
    )  # fmt: skip


def test_begin_pause_keeps_only_future_return() -> None:
    stored(begins_on=TODAY - timedelta(days=9), returns_on=TODAY, opens_by_itself=True)
    notice = begin()
    assert (notice.begins_on, notice.returns_on, notice.opens_by_itself) == (None, None, False)
    stored(returns_on=AHEAD, opens_by_itself=True)
    assert (begin().returns_on, PauseNotice.objects.get().opens_by_itself) == (AHEAD, True)


def test_announced_pause_begun_now_keeps_return_day() -> None:
    stored()
    change(active=True, begins_on=TODAY + timedelta(days=2), returns_on=AHEAD)
    assert state() is PauseState.UPCOMING
    assert begin().returns_on == AHEAD
    assert state() is PauseState.PAUSED
    assert actions() == [PauseAction.PLANNED, PauseAction.BEGUN]


def test_cancelled_pause_records_no_return() -> None:
    ended = TODAY - timedelta(days=400)
    stored(ended_on=ended)
    change(active=True, begins_on=TODAY + timedelta(days=2), returns_on=AHEAD)
    notice = end()
    assert (notice.active, notice.begins_on, notice.returns_on, notice.ended_on) == (False, None, None, ended)
    assert state() is PauseState.OPEN
    assert actions()[-1] == PauseAction.CANCELLED


def test_announced_pause_begun_by_clock_ends() -> None:
    stored()
    change(active=True, begins_on=TODAY + timedelta(days=2))
    later = NOW + timedelta(days=2)
    assert state(later) is PauseState.PAUSED
    assert end(later).ended_on == later.date()
    assert actions() == [PauseAction.PLANNED, PauseAction.ENDED]


def test_overdue_pause_ends_today() -> None:
    stored(active=True, returns_on=TODAY - timedelta(days=20))
    assert end().ended_on == TODAY
    assert state() is PauseState.RESUMED


def fill(full: bool, now: datetime = NOW) -> PauseNotice:
    return set_full(full=full, version=PauseNotice.objects.get().version, by=None, now=now)


def test_full_and_available_again_are_recorded() -> None:
    stored()
    assert (fill(True).full_ended_on, state()) == (None, PauseState.FULL)
    notice = fill(True)
    assert notice.version == fill(True).version
    later = NOW + timedelta(days=30)
    notice = fill(False, later)
    assert (state(later), notice.full_ended_on, notice.ended_on) == (PauseState.OPEN, later.date(), None)
    assert actions() == [PauseAction.FILLED, PauseAction.HAS_ROOM]


def test_full_outlasts_a_pause_ended_by_hand() -> None:
    stored(full=True)
    begin()
    assert state() is PauseState.PAUSED
    notice = end()
    assert (state(), notice.ended_on, notice.full_ended_on) == (PauseState.FULL, TODAY, None)
    assert actions() == [PauseAction.BEGUN, PauseAction.ENDED]


def test_pause_announced_and_called_off_while_full() -> None:
    stored(full=True)
    change(active=True, begins_on=AHEAD)
    change(full_message="<p>Kevät on täynnä.</p>")
    assert (end().begins_on, state()) == (None, PauseState.FULL)
    assert actions() == [PauseAction.PLANNED, PauseAction.CHANGED, PauseAction.CANCELLED]


def test_opening_by_itself_records_room() -> None:
    stored(active=True, full=True, returns_on=AHEAD, opens_by_itself=True)
    assert record_elapsed_return(now=datetime(AHEAD.year, AHEAD.month, AHEAD.day, tzinfo=CALENDAR))
    notice = PauseNotice.objects.get()
    assert (notice.active, notice.full, notice.ended_on) == (False, False, AHEAD)
    assert actions() == [PauseAction.OPENED_BY_ITSELF]


@pytest.mark.parametrize("action", [begin, end])
def test_repeated_action_records_no_change(action: Any) -> None:
    notice = stored(active=action is begin)
    assert action().version == notice.version
    assert actions() == []


def test_unchanged_values_record_no_change() -> None:
    notice = stored(active=True, message="<p>x</p>")
    assert change(active=True, message="<p>x</p>", form_mode=FormMode.AS_USUAL).version == notice.version
    assert actions() == []


def test_longer_pause_is_recorded_as_change() -> None:
    stored(active=True, returns_on=TODAY + timedelta(days=1))
    change(returns_on=AHEAD)
    assert actions() == [PauseAction.CHANGED]
    assert PauseChange.objects.get().after["returns_on"] == AHEAD.isoformat()


def test_unticking_active_ends_pause_and_empties_days() -> None:
    stored(active=True, begins_on=TODAY - timedelta(days=5), returns_on=AHEAD, opens_by_itself=True)
    notice = change(active=False, returns_on=AHEAD, opens_by_itself=True)
    assert (notice.begins_on, notice.returns_on, notice.opens_by_itself) == (None, None, False)
    assert (notice.ended_on, actions()) == (TODAY, [PauseAction.ENDED])


def test_postponed_running_pause_ends_today() -> None:
    stored(active=True)
    notice = change(begins_on=AHEAD)
    assert (state(), notice.ended_on, actions()) == (PauseState.UPCOMING, TODAY, [PauseAction.PLANNED])


def test_values_refused_by_model_are_not_stored() -> None:
    notice = stored()
    with pytest.raises(ValidationError):
        change(active=True, returns_on=TODAY)
    assert not PauseNotice.objects.get().active
    assert (PauseNotice.objects.get().version, actions()) == (notice.version, [])
    with pytest.raises(ValueError, match="ended_on"):
        change(ended_on=TODAY)


@pytest.mark.parametrize(
    "action",
    [
        lambda version: begin_pause(version=version, by=None, now=NOW),
        lambda version: end_pause(version=version, by=None, now=NOW),
        lambda version: set_full(full=True, version=version, by=None, now=NOW),
        lambda version: undo_last(version=version, by=None, now=NOW),
        lambda version: change_pause(values={"active": False}, version=version, by=None, now=NOW),
    ],
    ids=["begin", "end", "full", "undo", "change"],
)
def test_old_version_is_refused(action: Any) -> None:
    old = stored().version
    change(active=True, message="<p>Uudet sanat</p>")
    with pytest.raises(PauseChangedMeanwhile):
        action(old)
    assert PauseNotice.objects.get().message == "<p>Uudet sanat</p>"
    assert actions() == [PauseAction.BEGUN]


def fields_now() -> dict[str, Any]:
    return {name: value for name, value in model_to_dict(PauseNotice.objects.get()).items() if name != "version"} | {
        "ended_on": PauseNotice.objects.get().ended_on
    }


EVERYTHING = {
    "active": True,
    "full": True,
    "full_message": "<p>e</p>",
    "begins_on": TODAY - timedelta(days=9),
    "returns_on": AHEAD,
    "opens_by_itself": True,
    "form_mode": FormMode.WAITING_LIST,
    "upcoming_message": "<p>a</p>",
    "message": "<p>b</p>",
    "overdue_message": "<p>c</p>",
    "resumed_message": "<p>d</p>",
    "welcome_days": 12,
    "preview_audience": "everybody",
    "ended_on": TODAY - timedelta(days=99),
}


def test_undo_restores_every_field_and_redo_works() -> None:
    stored(**EVERYTHING)
    before = fields_now()
    assert EVERYTHING.items() <= before.items()
    other = {name: PauseNotice._meta.get_field(name).get_default() for name in EVERYTHING if name != "ended_on"}
    change(**other)
    after = fields_now()
    assert not any(after[name] == before[name] for name in EVERYTHING)
    undo()
    assert fields_now() == before
    undo()
    assert fields_now() == after
    assert actions() == [PauseAction.ENDED, PauseAction.UNDONE, PauseAction.UNDONE]


def test_undo_expires_after_a_day() -> None:
    stored()
    begin()
    assert undoable(PauseNotice.objects.get(), now=NOW + UNDO_FOR)
    with pytest.raises(NothingToUndo):
        undo(NOW + UNDO_FOR + timedelta(seconds=1))
    assert state() is PauseState.PAUSED


def test_undo_without_changes_raises_nothing_to_undo() -> None:
    stored()
    with pytest.raises(NothingToUndo):
        undo()


def test_undo_refused_after_write_outside_services() -> None:
    stored()
    begin()
    PauseNotice.objects.update(message="<p>muualta</p>")
    with pytest.raises(NothingToUndo):
        undo()


def test_elapsed_return_recorded_once_on_its_day() -> None:
    stored()
    change(active=True, returns_on=AHEAD, opens_by_itself=True, message="<p>Omin sanoin</p>")
    eve = datetime(AHEAD.year, AHEAD.month, AHEAD.day, tzinfo=CALENDAR) - timedelta(seconds=1)
    assert not record_elapsed_return(now=eve)
    assert record_elapsed_return(now=eve + timedelta(seconds=1))
    assert not record_elapsed_return(now=eve + timedelta(hours=9))
    notice = PauseNotice.objects.get()
    assert (notice.active, notice.begins_on, notice.returns_on, notice.opens_by_itself) == (False, None, None, False)
    assert (notice.ended_on, notice.message) == (AHEAD, "<p>Omin sanoin</p>")
    assert actions() == [PauseAction.BEGUN, PauseAction.OPENED_BY_ITSELF]
    assert undoable(notice, now=eve + timedelta(hours=1)) is None


def test_elapsed_return_needs_opens_by_itself() -> None:
    stored(active=True, returns_on=date(2020, 1, 1))
    assert not record_elapsed_return(now=NOW)
    assert (PauseNotice.objects.get().active, actions()) == (True, [])


def test_no_elapsed_return_without_a_pause() -> None:
    PauseNotice.objects.all().delete()
    assert not record_elapsed_return(now=NOW)


def test_new_pause_follows_unrecorded_elapsed_return() -> None:
    """An elapsed return that the worker has not recorded, and a new pause on the same morning."""
    stored(active=True, returns_on=TODAY, opens_by_itself=True)
    notice = begin()
    assert (notice.active, notice.returns_on, notice.ended_on) == (True, None, TODAY)
    assert actions() == [PauseAction.OPENED_BY_ITSELF, PauseAction.BEGUN]
    undo()
    assert state() is PauseState.RESUMED


@pytest.mark.parametrize("invisible", ["\u200b", "&nbsp;", "\u00ad \u2060", "<br/>"])
def test_invisible_wording_counts_as_empty(invisible: str) -> None:
    html = f'<p data-block-key="a">{invisible}</p>'
    assert "tauolla" in PauseNotice(active=True, message=html).status(now=NOW).text
    notice = change_pause(values={"active": True, "message": html}, version=stored().version, by=None, now=NOW)
    assert notice.message == ""
