"""Personal data is kept no longer than the form stated when it was shown, even if the settings change afterwards."""

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
    """Return the stored retention of the enquiry: months, and days as spam."""
    enquiry = Enquiry.objects.get()
    assert f"viimeistään {enquiry.shown_retention_months} kuukauden" in enquiry.shown_texts["privacy"]
    return enquiry.shown_retention_months, enquiry.shown_spam_days


def test_longer_retention_does_not_apply_to_open_form(visitor: Visitor) -> None:
    shown = visitor.opens()
    assert "viimeistään 6 kuukauden" in shown.soup.get_text(" ")
    set_times(retention_months=12, spam_days=30)
    sent(visitor, shown)
    assert kept() == (6, 14)


def test_shorter_retention_applies_to_open_form(visitor: Visitor) -> None:
    shown = visitor.opens()
    set_times(retention_months=3, spam_days=7)
    sent(visitor, shown)
    assert kept() == (3, 7)


@pytest.mark.parametrize(
    ("shown_times", "kept_for"), [((3, 7), (3, 7)), ((3, 30), (3, 14)), ((12, 7), (6, 7)), ((12, 30), (6, 14))]
)
def test_repeat_shown_shorter_retention_applies(
    visitor: Visitor, shown_times: tuple[int, int], kept_for: tuple[int, int]
) -> None:
    """The settings are restored afterwards. Both forms had the same text, so the shorter times apply."""
    sent(visitor, visitor.opens())
    set_times(retention_months=shown_times[0], spam_days=shown_times[1])
    sent(visitor, visitor.opens())
    set_times(retention_months=6, spam_days=14)
    enquiry = Enquiry.objects.get()
    times = retention_times_for(enquiry)
    assert (times.months, times.spam_days) == kept_for


def test_form_sent_twice_has_shortest_shown_retention(visitor: Visitor) -> None:
    """Sent, opened again with Back, and sent with an error, so that the form was shown again with a shorter time."""
    shown = visitor.opens()
    sent(visitor, shown)
    set_times(retention_months=3, spam_days=7)
    mistaken = ShownForm.of(sent(visitor, shown, email=""))
    assert mistaken.errors("email")
    assert sent(visitor, mistaken).status_code == 303
    set_times(retention_months=6, spam_days=14)
    times = retention_times_for(Enquiry.objects.get())
    assert (times.months, times.spam_days) == (3, 7)


def test_returned_form_shows_the_stored_retention(visitor: Visitor) -> None:
    shown = visitor.opens()
    set_times(retention_months=12)
    again = ShownForm.of(sent(visitor, shown, name=""))
    assert "viimeistään 6 kuukauden" in again.soup.get_text(" ")
    sent(visitor, again)
    assert kept() == (6, 14)


def test_retention_shown_with_error_applies(visitor: Visitor) -> None:
    set_times(retention_months=12)
    shown = visitor.opens()
    set_times(retention_months=6)
    again = ShownForm.of(sent(visitor, shown, name=""))
    assert "viimeistään 6 kuukauden" in again.soup.get_text(" ")
    set_times(retention_months=12)
    sent(visitor, again)
    assert kept() == (6, 14)


def test_retention_shown_with_expired_form_applies(visitor: Visitor) -> None:
    again = ShownForm.of(visitor.sends(letter(form_token="")))
    set_times(retention_months=12)
    sent(visitor, again)
    assert kept() == (6, 14)


def test_form_without_terms_uses_settings(visitor: Visitor) -> None:
    set_times(retention_months=12)
    assert visitor.sends(letter(form_token=token(opened=timedelta(days=2)))).status_code == 303
    assert kept() == (12, 14)


@pytest.mark.parametrize("made_up", ["x", "", "\0", token()])
def test_forged_terms_use_settings(visitor: Visitor, made_up: str) -> None:
    shown = visitor.opens()
    set_times(retention_months=12)
    assert sent(visitor, shown, shown=made_up).status_code == 303
    assert kept() == (12, 14)


def test_waiting_list_keeps_shown_terms(visitor: Visitor) -> None:
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
