"""The removal day is fixed when its period begins; a shorter period must be confirmed, and applies a day later."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client

from aijuu_site.accounts.models import User
from intake.choices import Outcome, Status
from intake.desk.settings import apply_shortened_times
from intake.enquiry.removal import remove_due
from intake.enquiry.services import change_status
from intake.models import Enquiry, IntakeSettings, WaitingPlace
from intake.waiting.private_page import answer_no, answer_stay
from intake.waiting.upkeep import ask_or_remove_silent_waiters
from tests.accounts import make_user
from tests.intake.desk.pages import address, words
from tests.intake.enquiries import closed, give_status, received
from tests.intake.waiting.list_people import pause, round_at, waiter
from tests.intake.waiting.post_office import PostOffice

pytestmark = pytest.mark.django_db
HELSINKI = ZoneInfo("Europe/Helsinki")
NOW = datetime(2027, 6, 1, 12, tzinfo=HELSINKI)
DAY = timedelta(days=1)
SETTINGS = "/admin/settings/intake/intakesettings/"


@pytest.fixture
def kati(db: None) -> Client:
    """The supervisor."""
    user = make_user("kati")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    return Client()


def saves(client: Client, *, at: datetime = NOW, **changes: str) -> Any:
    """Send the form of the settings as its page shows it, with some fields changed."""
    with time_machine.travel(at, tick=False):
        client.force_login(User.objects.get(email="kati@example.fi"))
        page = client.get(SETTINGS, follow=True)
        shown = {f.html_name: f.field.widget.format_value(f.value()) or "" for f in page.context["form"]}
        shown.pop("removal_confirmed", None)
        return client.post(page.request["PATH_INFO"], {**shown, **changes})


def confirms(client: Client, refused: Any, *, at: datetime = NOW, **changes: str) -> Any:
    """Tick the box on the page that asked, and save again."""
    named = refused.context["form"]["removes_at_most"].value()
    return saves(client, at=at, removes_at_most=named, removal_confirmed="on", **changes)


def round_of_removal(at: datetime) -> int:
    """Run the worker's jobs that remove enquiries."""
    apply_shortened_times(now=at)
    return remove_due(now=at) + ask_or_remove_silent_waiters(now=at)


def test_shorter_period_asks_to_confirm_removals(kati: Client) -> None:
    for _ in range(3):
        closed(at=NOW - 40 * DAY)
    closed(at=NOW - 5 * DAY)
    refused = saves(kati, retention_months="1")
    assert refused.status_code == 200
    assert "vuorokauden kuluttua poistuu 3 yhteydenottoa" in words(refused)
    assert IntakeSettings.load().retention_months == 6
    assert round_of_removal(NOW + 30 * DAY) == 0


def test_confirmed_shorter_period_waits_a_day(kati: Client) -> None:
    for _ in range(3):
        closed(at=NOW - 40 * DAY)
    refused = saves(kati, retention_months="1")
    assert confirms(kati, refused, retention_months="1").status_code == 302
    assert IntakeSettings.load().retention_months == 1
    assert round_of_removal(NOW + DAY - timedelta(seconds=1)) == 0
    assert Enquiry.objects.count() == 3
    assert round_of_removal(NOW + DAY) == 3
    assert IntakeSettings.load().shortened_at is None


def test_restored_period_removes_nothing(kati: Client) -> None:
    days = [closed(at=NOW - 40 * DAY).remove_on for _ in range(2)]
    confirms(kati, saves(kati, retention_months="1"), retention_months="1")
    assert saves(kati, at=NOW + timedelta(hours=5), retention_months="6").status_code == 302
    assert round_of_removal(NOW + 10 * DAY) == 0
    assert list(Enquiry.objects.values_list("remove_on", flat=True)) == days


def test_confirmation_is_valid_only_for_its_number(kati: Client) -> None:
    closed(at=NOW - 40 * DAY)
    refused = saves(kati, retention_months="1")
    closed(at=NOW - 41 * DAY)
    again = confirms(kati, refused, retention_months="1")
    assert again.status_code == 200
    assert "poistuu 2 yhteydenottoa" in words(again)
    assert IntakeSettings.load().retention_months == 6


def test_longer_periods_need_no_confirmation(kati: Client) -> None:
    closed(at=NOW - 40 * DAY)
    assert saves(kati, retention_months="12", spam_days="30", waiting_months="5").status_code == 302
    assert IntakeSettings.load().shortened_at is None


def test_shorter_period_without_removals_is_saved(kati: Client) -> None:
    enquiry = closed(at=NOW - 5 * DAY)
    assert saves(kati, retention_months="3").status_code == 302
    round_of_removal(NOW + 2 * DAY)
    enquiry.refresh_from_db()
    assert enquiry.remove_on == date(2027, 8, 27)


def test_shorter_spam_period_asks_to_confirm(kati: Client) -> None:
    closed(at=NOW - 5 * DAY, outcome=Outcome.SPAM)
    refused = saves(kati, spam_days="1")
    assert "poistuu 1 yhteydenotto." in words(refused)


def test_longer_retention_keeps_promised_removal_dates(kati: Client) -> None:
    early = closed(at=NOW - 5 * DAY)
    late = received(now=NOW - 3 * DAY)
    saves(kati, retention_months="24")
    late = change_status(
        enquiry_id=late.pk, version=1, status=Status.CLOSED, outcome=Outcome.REFERRED, by=None, now=NOW + DAY
    )
    round_of_removal(NOW + 3 * DAY)
    assert Enquiry.objects.get(pk=early.pk).remove_on == date(2027, 11, 27)
    # Six months were promised when it was received.
    assert late.remove_on == date(2027, 12, 2)
    assert closed(at=NOW + 10 * DAY).remove_on == date(2029, 6, 11)


def test_longer_spam_period_keeps_promised_removal_dates(kati: Client) -> None:
    early = received(now=NOW - 3 * DAY)
    assert saves(kati, spam_days="60").status_code == 302
    early = change_status(
        enquiry_id=early.pk, version=1, status=Status.CLOSED, outcome=Outcome.SPAM, by=None, now=NOW + DAY
    )
    # Fourteen days were promised when it was received.
    assert early.remove_on == date(2027, 6, 16)
    assert closed(at=NOW + 10 * DAY, outcome=Outcome.SPAM).remove_on == date(2027, 8, 10)


def test_confirmation_checkbox_is_shown_only_when_needed(kati: Client) -> None:
    closed(at=NOW - 40 * DAY)
    asked = "Kyllä, poista ne"
    with time_machine.travel(NOW, tick=False):
        kati.force_login(User.objects.get(email="kati@example.fi"))
        assert asked not in words(kati.get(SETTINGS, follow=True))
    assert asked in words(saves(kati, retention_months="1"))
    # Another validation error needs no confirmation.
    assert asked not in words(saves(kati, retention_months="x"))


def test_shorter_waiting_period_asks_and_waits_too(kati: Client) -> None:
    pause(active=True)
    for _ in range(2):
        waiter(now=datetime(2027, 1, 1, 12, tzinfo=HELSINKI), wants_mail=False)
    refused = saves(kati, waiting_months="1")
    assert "poistuu 2 yhteydenottoa" in words(refused)
    assert confirms(kati, refused, waiting_months="1").status_code == 302
    assert round_of_removal(NOW + timedelta(minutes=1)) == 0
    assert round_of_removal(NOW + DAY) == 2


def test_places_asked_by_mail_are_counted_and_wait(kati: Client, server: PostOffice) -> None:
    pause(active=True)
    waiter(now=datetime(2026, 8, 15, 12, tzinfo=HELSINKI))
    for moment in (datetime(2026, 12, 15, 12, tzinfo=HELSINKI), datetime(2027, 4, 15, 12, tzinfo=HELSINKI)):
        round_at(moment)
    assert len(server.taken) == 2
    refused = saves(kati, waiting_months="1")
    assert "poistuu 1 yhteydenotto." in words(refused)
    confirms(kati, refused, waiting_months="1")
    round_at(NOW + timedelta(hours=3))
    assert len(server.taken) == 2
    apply_shortened_times(now=NOW + DAY)
    round_at(NOW + DAY)
    assert len(server.taken) == 3


def test_direct_settings_change_removes_nothing() -> None:
    pause(active=True)
    waiter(now=datetime(2027, 1, 1, 12, tzinfo=HELSINKI), wants_mail=False)
    closed(at=NOW - 40 * DAY)
    days = list(Enquiry.objects.order_by("pk").values_list("remove_on"))
    IntakeSettings.load()
    IntakeSettings.objects.update(waiting_months=1, retention_months=1, spam_days=1)
    assert round_of_removal(NOW + 2 * DAY) == 0
    assert list(Enquiry.objects.order_by("pk").values_list("remove_on")) == days


def test_shortened_times_are_computed_for_each_row() -> None:
    shorter, longer = (waiter(now=NOW - DAY) for _ in range(2))
    WaitingPlace.objects.filter(pk=shorter.pk).update(months=1)
    early, late = closed(at=NOW - 20 * DAY), closed(at=NOW - 2 * DAY)
    IntakeSettings.objects.update(waiting_months=2, retention_months=1, shortened_at=NOW)
    apply_shortened_times(now=NOW + DAY)
    assert dict(WaitingPlace.objects.values_list("pk", "months")) == {shorter.pk: 1, longer.pk: 2}
    days = dict(Enquiry.objects.exclude(remove_on=None).values_list("pk", "remove_on"))
    assert days == {early.pk: date(2027, 6, 12), late.pk: date(2027, 6, 30)}


def test_future_shortening_time_starts_delay_now() -> None:
    enquiry = closed(at=NOW - 40 * DAY)
    IntakeSettings.load()
    IntakeSettings.objects.update(retention_months=1, shortened_at=NOW + 1000 * DAY)
    assert round_of_removal(NOW) == 0
    assert round_of_removal(NOW + DAY) == 1
    assert not Enquiry.objects.filter(pk=enquiry.pk).exists()


def test_leaving_fixes_and_returning_clears_removal_day() -> None:
    place = waiter(now=NOW - 10 * DAY)
    answer_no(place_id=place.pk, now=NOW)
    assert Enquiry.objects.get().remove_on == date(2027, 12, 1)
    answer_stay(place_id=place.pk, now=NOW + DAY)
    assert Enquiry.objects.get().remove_on is None


def test_confirming_place_applies_current_waiting_months() -> None:
    place = waiter(now=NOW - 30 * DAY)
    IntakeSettings.objects.update(waiting_months=2)
    assert WaitingPlace.objects.get().months == 4
    answer_stay(place_id=place.pk, now=NOW)
    assert WaitingPlace.objects.get().months == 2


@pytest.mark.parametrize(("set_to", "kept"), [(12, 4), (2, 2)])
def test_putting_back_never_extends_waiting_months(set_to: int, kept: int) -> None:
    place = waiter(now=NOW - 30 * DAY)
    IntakeSettings.objects.update(waiting_months=set_to)
    enquiry = Enquiry.objects.get()
    for status, hour in ((Status.IN_REVIEW, 0), (Status.WAITING_LIST, 5)):
        enquiry = give_status(enquiry, status, at=NOW + timedelta(hours=hour))
    place.refresh_from_db()
    assert (place.confirmed_at, place.months) == (NOW + timedelta(hours=5), kept)


def test_marking_as_spam_removes_nothing_the_same_day(kati: Client) -> None:
    enquiry = closed(at=NOW - 100 * DAY)
    enquiry = give_status(enquiry, Status.CLOSED, Outcome.SPAM, at=NOW)
    assert enquiry.remove_on == date(2027, 6, 3)
    assert remove_due(now=NOW + DAY) == 0
    with time_machine.travel(NOW, tick=False):
        kati.force_login(User.objects.get(email="kati@example.fi"))
        assert "Poistuu automaattisesti 3.6.2027" in words(kati.get(address("inspect", enquiry)))


def test_changed_outcome_keeps_the_removal_day() -> None:
    enquiry = closed(at=NOW - 100 * DAY)
    day = enquiry.remove_on
    IntakeSettings.load()
    IntakeSettings.objects.update(retention_months=1)
    again = give_status(enquiry, Status.CLOSED, Outcome.REFERRED, at=NOW)
    assert again.remove_on == day


def test_hidden_field_label_is_not_shown(kati: Client) -> None:
    refused = saves(kati, retention_months="3")
    assert refused.status_code == 302
    page = kati.get(SETTINGS, follow=True)
    assert 'type="hidden" name="removes_at_most"' in page.content.decode()
    assert "Removes at most" not in words(page)
