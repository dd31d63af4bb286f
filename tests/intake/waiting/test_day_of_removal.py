"""When a place that no mail reaches is removed from the waiting list, and that the list shows that day."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from intake.choices import MailPurpose, MailState, Status, Verdict
from intake.enquiry.services import accept_quarantined
from intake.models import Enquiry, OutgoingMail, RemovedEnquiry, WaitingPlace
from intake.waiting.mails import queue_waiting_link
from intake.waiting.reading import read_list
from intake.waiting.return_plan import queue_due_return_notices, start_plan
from intake.waiting.upkeep import RETRY_AFTER
from tests.intake.visiting import page_text
from tests.intake.waiting.list_people import deliver, give_up, pause, round_at, waiter, work
from tests.intake.waiting.post_office import Behaviour, PostOffice
from tests.intake.waiting.visitors import private_address

pytestmark = pytest.mark.django_db
HELSINKI = ZoneInfo("Europe/Helsinki")
JOINED = datetime(2027, 1, 31, 15, 0, tzinfo=HELSINKI)
# The questions are four months apart.
FIRST = datetime(2027, 5, 31, 10, 0, tzinfo=HELSINKI)
SECOND = datetime(2027, 9, 30, 10, 0, tzinfo=HELSINKI)
DAY = timedelta(days=1)
STILL = MailPurpose.STILL_WAITING


def _plan(now: datetime) -> None:
    start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=now)


def _undelivered(server: PostOffice, begin: datetime, end: datetime, behaviour: Behaviour = Behaviour.REFUSES) -> None:
    """Let all deliveries fail near the beginning and at the end of a period; those between would fail alike."""
    for moment in (begin, begin + 2 * RETRY_AFTER, end - DAY):
        work(moment)
        assert Enquiry.objects.exists(), moment
        assert OutgoingMail.objects.filter(state=MailState.QUEUED).exists()
        give_up(moment, server, behaviour)
    assert OutgoingMail.objects.filter(state=MailState.FAILED).exists()


YEAR_AFTER_JOINING = datetime(2028, 1, 31, 10, 0, tzinfo=HELSINKI)


@pytest.mark.parametrize("behaviour", [Behaviour.REFUSES, Behaviour.AWAY])
def test_unreachable_place_is_kept_for_a_year(server: PostOffice, behaviour: Behaviour) -> None:
    """It is kept as long as a place without mail: three times the months."""
    waiter(now=JOINED)
    _undelivered(server, FIRST, YEAR_AFTER_JOINING - 33 * DAY, behaviour)
    work((YEAR_AFTER_JOINING - DAY).replace(hour=3))
    assert Enquiry.objects.exists()
    work(YEAR_AFTER_JOINING.replace(hour=3))
    assert not Enquiry.objects.exists()
    assert server.taken == []
    assert RemovedEnquiry.objects.get().count == 1


def test_place_with_undelivered_notice_is_removed_too(server: PostOffice) -> None:
    """Details are not kept for ever because a notice of the return could not be delivered."""
    pause(active=False)
    waiter(now=JOINED)
    _plan(FIRST)
    _undelivered(server, FIRST, YEAR_AFTER_JOINING - 33 * DAY)
    work((YEAR_AFTER_JOINING - DAY).replace(hour=3))
    assert Enquiry.objects.get().status == Status.WAITING_LIST
    work(YEAR_AFTER_JOINING.replace(hour=3))
    assert not Enquiry.objects.exists()


def test_delivered_mail_restarts_the_year(server: PostOffice) -> None:
    waiter(now=JOINED)
    round_at(FIRST)
    assert len(server.of(STILL)) == 1
    year_after = datetime(2028, 5, 31, 10, 0, tzinfo=HELSINKI)
    _undelivered(server, SECOND, year_after - 33 * DAY)
    work((year_after - DAY).replace(hour=3))
    assert Enquiry.objects.exists()
    work(year_after.replace(hour=3))
    assert not Enquiry.objects.exists()


def _day_in_list(place: WaitingPlace, now: datetime) -> datetime:
    """Return three o'clock on the day of automatic removal that the list shows for the place."""
    (day,) = [
        waiter.removed_on
        for waiter in read_list()
        if waiter.place.pk == place.pk and waiter.removed_on and waiter.removed_on > now.date()
    ]
    return datetime.combine(day, now.time(), HELSINKI).replace(hour=3)


@pytest.mark.parametrize("is_notice", [False, True])
def test_list_shows_removal_day_of_unreached_mailbox(server: PostOffice, is_notice: bool) -> None:
    pause(active=False)
    place = waiter(now=JOINED)
    round_at(FIRST)
    if is_notice:
        _plan(SECOND)
    work(SECOND)
    now = give_up(SECOND, server)
    day = _day_in_list(place, now)
    assert day.date() == datetime(2028, 5, 31, tzinfo=HELSINKI).date()
    work(day - DAY)
    assert Enquiry.objects.exists()
    work(day)
    assert not Enquiry.objects.exists()


def test_list_shows_day_of_mailless_place_beside_notified_one(server: PostOffice) -> None:
    pause(active=False)
    notified = waiter(now=FIRST, email="maija@esimerkki.fi")
    place = waiter(now=JOINED, email="maija@esimerkki.fi", wants_mail=False)
    _plan(FIRST)
    round_at(FIRST)
    assert [waiter.removed_on for waiter in read_list() if waiter.place.pk == notified.pk] == [None]
    day = _day_in_list(place, FIRST)
    pause(active=True)
    work(day - DAY)
    assert WaitingPlace.objects.filter(pk=place.pk).exists()
    work(day)
    assert not WaitingPlace.objects.filter(pk=place.pk).exists()


def test_list_counts_questions_about_a_left_enquiry(server: PostOffice) -> None:
    pause(active=True)
    first = waiter(now=JOINED, email="maija@esimerkki.fi")
    second = waiter(now=JOINED, email="maija@esimerkki.fi")
    round_at(FIRST + 30 * DAY)
    Enquiry.objects.filter(pk=first.enquiry_id).update(status=Status.OFFER_SENT)
    day = _day_in_list(second, FIRST + 30 * DAY)
    assert day.date() == datetime(2028, 2, 29, tzinfo=HELSINKI).date()


def _named_days(words: str) -> list[date]:
    found = re.findall(r"poistetaan odotuslistalta (\d+)\.(\d+)\.(\d+), ellet", " ".join(words.split()))
    return [date(int(year), int(month), int(day)) for day, month, year in found]


def _days_shown(place: WaitingPlace, now: datetime) -> list[date]:
    """Return the removal day that the list shows now, if any; assert that the private page shows the same."""
    with time_machine.travel(now, tick=False):
        on_page = _named_days(page_text(Client().get(private_address(place.enquiry))))
        in_list = [waiter.removed_on for waiter in read_list() if waiter.place.pk == place.pk and waiter.removed_on]
    assert on_page == in_list
    return in_list


@pytest.mark.usefixtures("contact_page")
@pytest.mark.parametrize("wants_mail", [True, False])
def test_no_past_removal_day_is_shown_during_a_plan(server: PostOffice, wants_mail: bool) -> None:
    pause(active=False)
    for _ in range(22):
        waiter(now=JOINED)
    last = waiter(now=JOINED, wants_mail=wants_mail)
    start_plan(per_day=1, first_form="", greeting="", answer_days=14, by=None, now=FIRST)
    WaitingPlace.objects.update(months=1)
    for day in range(20):
        queue_due_return_notices(now=FIRST + day * DAY)
    last.refresh_from_db()
    assert last.notified_at is None
    now = FIRST + 20 * DAY
    # With mail, two more questions follow, a month apart. Without mail, no day is known before the plan ends.
    assert _days_shown(last, now) == ([date(2027, 8, 20)] if wants_mail else [])


@pytest.mark.usefixtures("contact_page")
def test_queued_removal_notice_makes_today_the_removal_day(server: PostOffice) -> None:
    place = waiter(now=JOINED)
    round_at(FIRST)
    round_at(SECOND)
    last = datetime(2028, 1, 30, 10, 0, tzinfo=HELSINKI)
    server.behaviour = Behaviour.AWAY
    work(last)
    now = last + DAY
    deliver(now)
    assert server.of(MailPurpose.REMOVAL_NOTICE) == []
    assert _days_shown(place, now) == [now.date()]


@pytest.mark.parametrize(("own", "later"), [(12, 1), (1, 4)])
def test_confirmation_names_the_day_valid_after_delivery(server: PostOffice, own: int, later: int) -> None:
    """Its delivery makes the place mailable: from then on the mailbox's last place decides."""
    place = waiter(now=JOINED, email="maija+tyo@esimerkki.fi", is_reached=False)
    WaitingPlace.objects.update(months=own)
    waiter(now=JOINED + 20 * DAY, email="maija@esimerkki.fi")
    WaitingPlace.objects.exclude(pk=place.pk).update(months=later)
    now = JOINED + 22 * DAY
    with time_machine.travel(now, tick=False):
        queue_waiting_link(place=place, removed_on=None, now=now)
    deliver(now)
    (mail,) = OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_LINK, state=MailState.SENT)
    named = _named_days(mail.text)
    assert named == _days_shown(place, now)
    assert len(named) == 1
    often = "noin kuukauden välein" if later == 1 else f"noin {later} kuukauden välein"
    assert often in " ".join(mail.text.split())


def test_confirmation_ignores_places_still_unreached(server: PostOffice) -> None:
    """The place with another tag has had no mail yet, so it does not affect the day."""
    place = waiter(now=JOINED, email="maija@esimerkki.fi", is_reached=False)
    waiter(now=JOINED + 20 * DAY, email="maija+tyo@esimerkki.fi", is_reached=False)
    now = JOINED + 22 * DAY
    with time_machine.travel(now, tick=False):
        queue_waiting_link(place=place, removed_on=None, now=now)
    deliver(now)
    (mail,) = OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_LINK, state=MailState.SENT)
    assert _named_days(mail.text) == [date(2028, 1, 31)]
    assert _days_shown(place, now) == [date(2028, 1, 31)]


@pytest.mark.usefixtures("contact_page")
def test_overdue_removal_is_shown_as_today(server: PostOffice) -> None:
    """The worker has not removed the place yet, and no plan delays it."""
    place = waiter(now=JOINED, wants_mail=False)
    now = YEAR_AFTER_JOINING + 5 * DAY
    assert _days_shown(place, now) == [now.date()]
    work(now)
    assert not Enquiry.objects.exists()


@pytest.mark.usefixtures("contact_page")
def test_link_mail_after_a_notice_asks_for_the_answer(server: PostOffice) -> None:
    pause(active=False)
    place = waiter(now=JOINED)
    _plan(FIRST)
    round_at(FIRST)
    with time_machine.travel(FIRST + DAY, tick=False):
        place.refresh_from_db()
        queue_waiting_link(place=place, removed_on=None, now=FIRST + DAY)
    deliver(FIRST + DAY)
    (mail,) = OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_LINK, state=MailState.SENT)
    for part in (mail.text, mail.html):
        words = " ".join(part.split())
        assert "ilman vastausta paikkasi listalla päättyy" in words
        assert "Kun aikoja vapautuu" not in words
        assert _named_days(words) == []


@pytest.mark.parametrize(
    ("accepted", "restarts"),
    [(FIRST.replace(day=30, hour=23), False), (FIRST.replace(hour=0), True), (FIRST + 30 * DAY, True)],
)
def test_acceptance_restarts_waiting_from_first_question_day(accepted: datetime, restarts: bool) -> None:
    place = waiter(now=JOINED, verdict=Verdict.QUARANTINED, is_reached=False)
    accept_quarantined(enquiry_id=place.enquiry_id, version=place.enquiry.version, by=None, now=accepted)
    place.refresh_from_db()
    assert place.confirmed_at == (accepted if restarts else JOINED)


@pytest.mark.parametrize("wants_mail", [True, False])
def test_place_accepted_late_is_not_removed_at_once(server: PostOffice, wants_mail: bool) -> None:
    """While it was quarantined, nobody was notified that the place would end."""
    place = waiter(now=JOINED, wants_mail=wants_mail, verdict=Verdict.QUARANTINED, is_reached=False)
    now = JOINED + 400 * DAY
    accept_quarantined(enquiry_id=place.enquiry_id, version=place.enquiry.version, by=None, now=now)
    for day in range(3):
        round_at(now + day * DAY)
    assert server.of(STILL) == []
    (mail,) = OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_CONFIRMATION, state=MailState.SENT)
    assert _named_days(mail.text) == [date(2029, 3, 6)]
    place.refresh_from_db()
    assert _days_shown(place, now + 2 * DAY) == [date(2029, 3, 6)]
