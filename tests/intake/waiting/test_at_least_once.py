"""List mails are sent at least once, always with the same Message-ID, and only while they apply to the mailbox."""

from datetime import datetime, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from intake.choices import Kind, MailPurpose, MailState, Status
from intake.enquiry.removal import remove_enquiry
from intake.mail import delivery
from intake.mail.delivery import deliver_next, requeue
from intake.mail.models import CLAIM_LIFETIME, WAITS
from intake.models import ContactPage, Enquiry, OutgoingMail, WaitingLink, WaitingPlace
from intake.waiting.mails import LIST_PURPOSES, WAITING_LINK
from intake.waiting.places import find_place
from intake.waiting.return_plan import queue_due_return_notices, start_plan
from intake.waiting.upkeep import ask_or_remove_silent_waiters
from tests.intake.enquiries import received
from tests.intake.waiting.list_people import deliver, pause, round_at, waiter, work
from tests.intake.waiting.post_office import Behaviour, Killed, PostOffice
from tests.intake.waiting.visitors import presses, private_address
from tests.tools.smtp_server import Behaviour as Smtp
from tests.tools.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
JOINED = datetime(2027, 1, 31, 15, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
FIRST = datetime(2027, 5, 31, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
SECOND = datetime(2027, 9, 30, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
LAST = datetime(2028, 1, 30, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
DAY = timedelta(days=1)


@pytest.fixture
def notice(db: None) -> OutgoingMail:
    """One notice of the return in the queue."""
    waiter(now=NOW - timedelta(days=40), email="maija@esimerkki.fi")
    start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=NOW)
    assert queue_due_return_notices(now=NOW) == 1
    return OutgoingMail.objects.get(purpose=MailPurpose.RETURN_NOTICE)


def test_notice_is_sent_with_a_link_stored_nowhere(notice: OutgoingMail, smtp: SmtpServer) -> None:
    deliver(NOW)
    deliver(NOW + timedelta(days=30))
    (message,) = smtp.messages
    body = message.get_body(preferencelist=("plain",))
    assert body is not None
    words = body.get_content()
    assert WAITING_LINK.placeholder not in words
    secret = words.partition("/jatka/")[2].partition("/")[0]
    assert find_place(secret) == WaitingPlace.objects.get()
    notice.refresh_from_db()
    assert secret not in notice.text
    assert (notice.state, notice.sent_at) == (MailState.SENT, NOW)
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("fault", [Smtp.HANG, Smtp.DROP, Smtp.REFUSE, Smtp.REJECT])
def test_notice_is_retried_after_any_server_error(notice: OutgoingMail, smtp: SmtpServer, fault: Smtp) -> None:
    smtp.behaviour = fault
    deliver(NOW)
    notice.refresh_from_db()
    assert (notice.state, notice.failures) == (MailState.QUEUED, 1)
    smtp.behaviour = Smtp.ACCEPT
    deliver(NOW + WAITS[0])
    notice.refresh_from_db()
    assert notice.state == MailState.SENT
    assert {str(message["Message-ID"]) for message in smtp.messages} == {notice.message_id}


def test_without_a_server_no_link_is_made(notice: OutgoingMail, server: PostOffice) -> None:
    server.behaviour = Behaviour.AWAY
    deliver(NOW)
    assert notice.attempts.get().error == "ConnectionRefusedError"
    assert not WaitingLink.objects.exists()


@pytest.mark.parametrize(("death", "times"), [(Behaviour.KILLS_BEFORE, 1), (Behaviour.KILLS_AFTER, 2)])
def test_mail_of_a_killed_worker_is_sent_again(
    notice: OutgoingMail, server: PostOffice, death: Behaviour, times: int
) -> None:
    server.behaviour = death
    with pytest.raises(Killed):
        deliver(NOW)
    deliver(NOW + CLAIM_LIFETIME - timedelta(seconds=1))
    notice.refresh_from_db()
    assert notice.state == MailState.SENDING
    deliver(NOW + CLAIM_LIFETIME)
    notice.refresh_from_db()
    assert notice.state == MailState.SENT
    assert [mail[3] for mail in server.taken] == [notice.message_id] * times
    interrupted, sent = notice.attempts.all()
    assert (
        interrupted.explanation == "Lähetys katkesi kesken, joten viesti lähetetään uudelleen. Se voi tulla kahdesti."
    )
    assert sent.succeeded


def test_mail_killing_every_worker_is_given_up(
    notice: OutgoingMail, server: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_values: object) -> None:
        raise Killed

    monkeypatch.setattr(delivery, "_prepare_message", die)
    for number in range(len(WAITS) + 1):
        with pytest.raises(Killed):
            deliver(NOW + number * CLAIM_LIFETIME)
    deliver(NOW + DAY)
    notice.refresh_from_db()
    assert (notice.state, notice.next_attempt_at) == (MailState.FAILED, None)


def test_delayed_worker_does_not_resend_a_sent_mail(
    notice: OutgoingMail, server: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = delivery._prepare_message
    slept: list[bool] = []

    def sleep_first(mail: OutgoingMail, now: datetime) -> object:
        if not slept:
            slept.append(True)
            assert deliver_next(now=NOW + CLAIM_LIFETIME)
        return ready(mail, now)

    monkeypatch.setattr(delivery, "_prepare_message", sleep_first)
    assert deliver_next(now=NOW)
    deliver(NOW + DAY)
    assert len(server.taken) == 1


def test_internal_error_does_not_count_as_sent(
    notice: OutgoingMail, server: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_backend: object, _messages: object) -> int:
        raise UnicodeEncodeError("ascii", "ä", 0, 1, "x")

    with monkeypatch.context() as patch:
        patch.setattr("tests.intake.waiting.post_office.Backend.send_messages", broken)
        deliver(NOW)
    notice.refresh_from_db()
    assert (notice.state, notice.attempts.get().error) == (MailState.QUEUED, "internal error: UnicodeEncodeError")
    deliver(NOW + WAITS[0])
    assert len(server.taken) == 1


def test_error_on_closing_connection_counts_as_sent(
    notice: OutgoingMail, server: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rude(_backend: object) -> None:
        raise OSError

    monkeypatch.setattr("tests.intake.waiting.post_office.Backend.close", rude)
    deliver(NOW)
    notice.refresh_from_db()
    assert notice.state == MailState.SENT
    assert len(server.taken) == 1


def test_removal_of_a_claimed_mail_keeps_delivery_running(server: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, other = received(now=NOW), received(now=NOW)
    ready = delivery._prepare_message
    removed: list[int] = []

    def remove_after_the_claim(mail: OutgoingMail, now: datetime) -> object:
        if mail.enquiry_id == gone.pk:
            removed.append(gone.pk)
            Enquiry.objects.filter(pk=gone.pk).delete()
        return ready(mail, now)

    monkeypatch.setattr(delivery, "_prepare_message", remove_after_the_claim)
    deliver(NOW)
    assert removed == [gone.pk]
    assert {mail.state for mail in other.mails.all()} == {MailState.SENT}


def test_removal_notice_is_withdrawn_after_rejoining(server: PostOffice) -> None:
    pause(active=True, form_mode="waiting_list")
    place = waiter(now=JOINED, email="matti@esimerkki.fi")
    round_at(FIRST)
    round_at(SECOND)
    server.behaviour = Behaviour.AWAY
    work(LAST)
    deliver(LAST)
    with time_machine.travel(LAST + timedelta(minutes=30), tick=False):
        received(now=timezone.now(), kind=Kind.WAITING, wants_mail=True, email="matti@esimerkki.fi")
    server.behaviour = Behaviour.TAKES
    deliver(LAST + timedelta(hours=5))
    work(LAST + timedelta(hours=5, minutes=1))
    assert server.of(MailPurpose.REMOVAL_NOTICE) == []
    place.refresh_from_db()
    assert place.removal_notice_at is None
    assert Enquiry.objects.filter(status=Status.WAITING_LIST).count() == 2


@pytest.mark.parametrize(
    ("status", "purpose"),
    [
        (Status.NEW, MailPurpose.STILL_WAITING),
        (Status.OFFER_SENT, MailPurpose.REMOVAL_NOTICE),
        (Status.CLOSED, MailPurpose.STILL_WAITING),
    ],
)
def test_list_mail_is_withdrawn_after_leaving_the_list(
    server: PostOffice, status: Status, purpose: MailPurpose
) -> None:
    place = waiter(now=JOINED)
    asked = (FIRST,) if purpose == MailPurpose.STILL_WAITING else (FIRST, SECOND, LAST)
    for moment in asked[:-1]:
        round_at(moment)
    assert ask_or_remove_silent_waiters(now=asked[-1]) == 1
    ended = {"outcome": "referred", "closed_at": FIRST, "remove_on": LAST.date()} if status == Status.CLOSED else {}
    Enquiry.objects.filter(pk=place.enquiry_id).update(status=status, **ended)
    deliver(asked[-1])
    assert server.of(purpose) == []
    assert not OutgoingMail.objects.filter(purpose=purpose).exists()


def _queued(purpose: str) -> tuple[WaitingPlace, WaitingPlace]:
    """Two places of one mailbox, and an unsent mail of this purpose to the first of them."""
    first = waiter(now=JOINED, email="maija@esimerkki.fi")
    waiter(now=JOINED, email="maija+ei@esimerkki.fi", wants_mail=False, is_reached=False)
    second = waiter(now=JOINED, email="maija+2@esimerkki.fi")
    if purpose in (MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER):
        start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=NOW)
    moments = {
        MailPurpose.RETURN_NOTICE: [NOW],
        MailPurpose.RETURN_REMINDER: [NOW, NOW + 14 * DAY],
        MailPurpose.STILL_WAITING: [FIRST],
        MailPurpose.REMOVAL_NOTICE: [FIRST, SECOND, LAST],
    }[MailPurpose(purpose)]
    for moment in moments[:-1]:
        round_at(moment)
    work(moments[-1])
    assert OutgoingMail.objects.get(purpose=purpose, state=MailState.QUEUED).enquiry == first.enquiry
    return first, second


@pytest.mark.parametrize(("purpose", "answer"), list(zip(LIST_PURPOSES, cycle(["no", "remove"]))))
def test_unsent_mail_goes_to_place_that_still_waits(
    server: PostOffice, contact_page: ContactPage, purpose: str, answer: str
) -> None:
    first, second = _queued(purpose)
    now = OutgoingMail.objects.get(purpose=purpose).created_at + timedelta(seconds=20)
    with time_machine.travel(now, tick=False):
        assert presses(private_address(first.enquiry), answer).status_code == 303
    deliver(now + timedelta(seconds=40))
    assert server.of(purpose) == [second.enquiry.email]
    mail = OutgoingMail.objects.get(purpose=purpose)
    assert (mail.enquiry, mail.recipient) == (second.enquiry, second.enquiry.email)
    if purpose != MailPurpose.REMOVAL_NOTICE:
        # The latest link is the one in the mail.
        assert WaitingLink.objects.order_by("pk").last().place == second  # type: ignore[union-attr]


@pytest.mark.parametrize("purpose", LIST_PURPOSES)
def test_unsent_mail_is_withdrawn_with_the_last_place(server: PostOffice, purpose: str) -> None:
    first, second = _queued(purpose)
    now = OutgoingMail.objects.get(purpose=purpose).created_at + timedelta(seconds=20)
    Enquiry.objects.filter(pk=second.enquiry_id).update(status=Status.OFFER_SENT)
    remove_enquiry(enquiry_id=first.enquiry_id, now=now)
    assert not OutgoingMail.objects.filter(purpose=purpose).exists()
    second.refresh_from_db()
    assert {
        MailPurpose.RETURN_NOTICE: second.notified_at,
        MailPurpose.RETURN_REMINDER: second.reminded_at,
        MailPurpose.REMOVAL_NOTICE: second.removal_notice_at,
    }.get(MailPurpose(purpose)) is None
    deliver(now + timedelta(seconds=40))
    assert server.of(purpose) == []


def test_resent_mail_is_withdrawn_after_leaving_the_list(notice: OutgoingMail, server: PostOffice) -> None:
    OutgoingMail.objects.update(state=MailState.FAILED, next_attempt_at=None)
    Enquiry.objects.update(status=Status.OFFER_SENT)
    assert requeue(mail=notice, now=NOW + 90 * DAY)
    deliver(NOW + 90 * DAY)
    assert server.taken == []
    assert not OutgoingMail.objects.exists()
