"""When somebody leaves the waiting list whom no mail reaches, and that the list shows that day."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose, MailState, Status
from intake.models import Enquiry, OutgoingMail, RemovedEnquiry, WaitingPlace
from intake.waiting.reading import read_list
from intake.waiting.return_plan import start_plan
from intake.waiting.upkeep import RETRY_AFTER
from tests.intake.waiting.list_people import give_up, pause, round_at, waiter, work
from tests.intake.waiting.post_office import Behaviour, PostOffice

pytestmark = pytest.mark.django_db
HELSINKI = ZoneInfo("Europe/Helsinki")
JOINED = datetime(2027, 1, 31, 15, 0, tzinfo=HELSINKI)
# Four months each.
FIRST = datetime(2027, 5, 31, 10, 0, tzinfo=HELSINKI)
SECOND = datetime(2027, 9, 30, 10, 0, tzinfo=HELSINKI)
DAY = timedelta(days=1)
STILL = MailPurpose.STILL_WAITING


def _plan(now: datetime) -> None:
    start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=now)


def _undelivered(server: PostOffice, begin: datetime, end: datetime, behaviour: Behaviour = Behaviour.REFUSES) -> None:
    """Month after month the worker tries, and gives up."""
    moment = begin
    while moment < end:
        work(moment)
        assert Enquiry.objects.exists(), moment
        moment = (give_up(moment, server, behaviour) + RETRY_AFTER).replace(hour=11)
    assert OutgoingMail.objects.filter(state=MailState.FAILED).exists()


YEAR_AFTER_JOINING = datetime(2028, 1, 31, 10, 0, tzinfo=HELSINKI)


@pytest.mark.parametrize("behaviour", [Behaviour.REFUSES, Behaviour.AWAY, Behaviour.BREAKS_BEFORE])
def test_whom_no_mail_reaches_is_kept_a_year(server: PostOffice, behaviour: Behaviour) -> None:
    """As long as those who get no mail at all: three times the months."""
    waiter(now=JOINED)
    _undelivered(server, FIRST, YEAR_AFTER_JOINING - 33 * DAY, behaviour)
    work((YEAR_AFTER_JOINING - DAY).replace(hour=3))
    assert Enquiry.objects.exists()
    work(YEAR_AFTER_JOINING.replace(hour=3))
    assert not Enquiry.objects.exists()
    assert server.taken == []
    assert RemovedEnquiry.objects.get().count == 1


def test_a_notice_nobody_got_ends_too(server: PostOffice) -> None:
    """Details are not kept for ever because a notice of the return could not be delivered."""
    pause(active=False)
    waiter(now=JOINED)
    _plan(FIRST)
    _undelivered(server, FIRST, YEAR_AFTER_JOINING - 33 * DAY)
    work((YEAR_AFTER_JOINING - DAY).replace(hour=3))
    assert Enquiry.objects.get().status == Status.WAITING_LIST
    work(YEAR_AFTER_JOINING.replace(hour=3))
    assert not Enquiry.objects.exists()


def test_a_sent_mail_begins_the_year_anew(server: PostOffice) -> None:
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
    """The first hours of the day on which the list says that the place leaves by itself."""
    (day,) = [
        waiter.removed_on
        for waiter in read_list()
        if waiter.place.pk == place.pk and waiter.removed_on and waiter.removed_on > now.date()
    ]
    return datetime.combine(day, now.time(), HELSINKI).replace(hour=3)


@pytest.mark.parametrize("is_notice", [False, True])
def test_list_shows_the_day_on_which_an_unreached_mailbox_is_removed(server: PostOffice, is_notice: bool) -> None:
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


def test_list_shows_the_day_of_a_place_without_mail_beside_one_that_was_told(server: PostOffice) -> None:
    pause(active=False)
    told = waiter(now=FIRST, email="maija@esimerkki.fi")
    place = waiter(now=JOINED, email="maija@esimerkki.fi", wants_mail=False)
    _plan(FIRST)
    round_at(FIRST)
    assert [waiter.removed_on for waiter in read_list() if waiter.place.pk == told.pk] == [None]
    day = _day_in_list(place, FIRST)
    pause(active=True)
    work(day - DAY)
    assert WaitingPlace.objects.filter(pk=place.pk).exists()
    work(day)
    assert not WaitingPlace.objects.filter(pk=place.pk).exists()


def test_list_counts_what_was_asked_through_an_enquiry_that_has_left(server: PostOffice) -> None:
    pause(active=True)
    first = waiter(now=JOINED, email="maija@esimerkki.fi")
    second = waiter(now=JOINED, email="maija@esimerkki.fi")
    round_at(FIRST + 30 * DAY)
    Enquiry.objects.filter(pk=first.enquiry_id).update(status=Status.OFFER_SENT)
    day = _day_in_list(second, FIRST + 30 * DAY)
    assert day.date() == datetime(2028, 2, 29, tzinfo=HELSINKI).date()
