"""Details are kept no longer than the page of the form said, whatever is set until the form is sent."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from home.models import PauseNotice
from home.pause.services import end_pause
from intake.enquiry.services import retention_times_for
from intake.models import Enquiry, IntakeSettings, WaitingPlace
from tests.intake.visiting import ADDRESS, ShownForm, Visitor, letter, token
from tests.intake.waiting.visitors import joins, set_pause, wish

pytestmark = pytest.mark.usefixtures("contact_page")


def set_times(**times: int) -> None:
    IntakeSettings.load()
    IntakeSettings.objects.update(**times)


def sent(visitor: Visitor, shown: ShownForm, /, **changes: str) -> Any:
    return visitor.sends({**shown.values, **letter(**changes), "form_token": shown.values["form_token"]})


def kept() -> tuple[int | None, int | None]:
    """For how many months and, as spam, days the enquiry is kept at most."""
    enquiry = Enquiry.objects.get()
    assert f"viimeistään {enquiry.shown_retention_months} kuukauden" in enquiry.shown_texts["privacy"]
    return enquiry.shown_retention_months, enquiry.shown_spam_days


def test_longer_retention_does_not_hold_for_an_open_form(visitor: Visitor) -> None:
    shown = visitor.opens()
    assert "viimeistään 6 kuukauden" in shown.soup.get_text(" ")
    set_times(retention_months=12, spam_days=30)
    sent(visitor, shown)
    assert kept() == (6, 14)


def test_shorter_retention_holds_for_an_open_form(visitor: Visitor) -> None:
    shown = visitor.opens()
    set_times(retention_months=3, spam_days=7)
    sent(visitor, shown)
    assert kept() == (3, 7)


@pytest.mark.parametrize(
    ("told", "kept_for"), [((3, 7), (3, 7)), ((3, 30), (3, 14)), ((12, 7), (6, 7)), ((12, 30), (6, 14))]
)
def test_repeat_that_was_told_a_shorter_time_holds(
    visitor: Visitor, told: tuple[int, int], kept_for: tuple[int, int]
) -> None:
    """The times are set back after that; both pages were about the same words."""
    sent(visitor, visitor.opens())
    set_times(retention_months=told[0], spam_days=told[1])
    sent(visitor, visitor.opens())
    set_times(retention_months=6, spam_days=14)
    enquiry = Enquiry.objects.get()
    times = retention_times_for(enquiry)
    assert (times.months, times.spam_days) == kept_for


def test_form_sent_twice_holds_the_shorter_time_it_showed(visitor: Visitor) -> None:
    """Sent, opened again by Back, and sent with a mistake in between: its page came back with a shorter time."""
    shown = visitor.opens()
    sent(visitor, shown)
    set_times(retention_months=3, spam_days=7)
    mistaken = ShownForm.of(sent(visitor, shown, email=""))
    assert mistaken.errors("email")
    assert sent(visitor, mistaken).status_code == 303
    set_times(retention_months=6, spam_days=14)
    times = retention_times_for(Enquiry.objects.get())
    assert (times.months, times.spam_days) == (3, 7)


def test_mistake_shows_the_retention_that_will_be_stored(visitor: Visitor) -> None:
    shown = visitor.opens()
    set_times(retention_months=12)
    again = ShownForm.of(sent(visitor, shown, name=""))
    assert "viimeistään 6 kuukauden" in again.soup.get_text(" ")
    sent(visitor, again)
    assert kept() == (6, 14)


def test_retention_shown_with_a_mistake_holds(visitor: Visitor) -> None:
    set_times(retention_months=12)
    shown = visitor.opens()
    set_times(retention_months=6)
    again = ShownForm.of(sent(visitor, shown, name=""))
    assert "viimeistään 6 kuukauden" in again.soup.get_text(" ")
    set_times(retention_months=12)
    sent(visitor, again)
    assert kept() == (6, 14)


def test_retention_shown_with_an_expired_form_holds(visitor: Visitor) -> None:
    again = ShownForm.of(visitor.sends(letter(form_token="")))
    set_times(retention_months=12)
    sent(visitor, again)
    assert kept() == (6, 14)


def test_form_that_tells_no_terms_gets_the_settings(visitor: Visitor) -> None:
    set_times(retention_months=12)
    assert visitor.sends(letter(form_token=token(opened=timedelta(days=2)))).status_code == 303
    assert kept() == (12, 14)


@pytest.mark.parametrize("made_up", ["x", "", "\0", token()])
def test_made_up_terms_get_the_settings(visitor: Visitor, made_up: str) -> None:
    shown = visitor.opens()
    set_times(retention_months=12)
    assert sent(visitor, shown, shown=made_up).status_code == 303
    assert kept() == (12, 14)


def test_waiting_list_keeps_the_terms_that_it_showed(visitor: Visitor) -> None:
    set_pause()
    shown = ShownForm.of(visitor.client.get(ADDRESS))
    assert "noin 12 kuukauden" in shown.soup.get_text(" ")
    end_pause(version=PauseNotice.load().version, by=None, now=timezone.now())
    set_times(waiting_months=12)
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        thanks = joins(visitor, wish(**{name: str(shown.values[name]) for name in ("form_token", "shown")}))
    texts = Enquiry.objects.get().shown_texts
    assert "noin 12 kuukauden" in texts["privacy"]
    assert "tauolla" in texts["pause"]
    assert WaitingPlace.objects.get().months == 4
    assert "noin 12 kuukauden" in visitor.client.get(thanks["Location"]).content.decode()
