"""Password reset by mail: sent through the queue, limited per hour, and never revealing who has an account."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from aijuu_site.accounts.models import PasswordResetRequest, User
from aijuu_site.accounts.password_reset import RESET_LINK, answer_reset_requests, reset_tokens
from intake.choices import MailPurpose, MailState
from intake.jobs.runner import JobRunner, registered_jobs
from intake.mail.delivery import deliver_next
from intake.mail.models import OutgoingMail
from tests.accounts import make_user

ASK = "/admin/password_reset/"
PASSWORD, NEW = "oikea-salasana-1", "uudempi-salasana-2"


@pytest.fixture
def kati(db: None) -> User:
    return make_user(password=PASSWORD, group="Työnohjaaja")


def ask(email: str, address: str = "192.0.2.1") -> Any:
    return Client().post(ASK, {"email": email}, REMOTE_ADDR=address)


def work(now: datetime | None = None) -> None:
    """Answer the reset requests and deliver the mails, as the worker does."""
    now = now or timezone.now()
    answer_reset_requests(now=now)
    while deliver_next(now=now):
        pass


def run_jobs(*names: str) -> None:
    """Run the named jobs of the worker, in this order."""
    jobs = {job.name: job for job in registered_jobs()}
    assert JobRunner([jobs[name] for name in names], lambda: False).run_all() == []


@pytest.mark.django_db
def test_reset_form_email_has_autocomplete() -> None:
    assert 'autocomplete="username"' in Client().get(ASK).content.decode()


def test_reset_request_queues_the_mail(kati: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "a.mail.server.that.is.away"
    answer = ask("kati@example.fi")
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/password_reset/done/"
    assert PasswordResetRequest.objects.count() == 1
    work()
    # While the mail server can't be reached, the mail is queued.
    waiting = OutgoingMail.objects.get(purpose=MailPurpose.PASSWORD_RESET)
    assert (waiting.state, waiting.failures) == (MailState.QUEUED, 1)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    work(timezone.now() + timedelta(minutes=2))
    assert [message.to for message in mail.outbox] == [["kati@example.fi"]]


def test_reset_link_sets_new_password(kati: User) -> None:
    for _ in range(5):
        Client().post("/admin/login/", {"username": "kati@example.fi", "password": "arvaus"})
    ask("kati@example.fi")
    work()
    [message] = mail.outbox
    text = str(message.body)
    assert "Aijuun ylläpidon käyttäjätilille kati@example.fi pyydettiin uutta salasanaa." in text
    assert "24\u00a0tunnin ajan" in text
    link = re.search(r"http://127\.0\.0\.1:8000(/\S+)", text)
    assert link is not None
    browser = Client()
    form = browser.get(link[1], follow=True)
    address = form.redirect_chain[-1][0]
    done = browser.post(address, {"new_password1": NEW, "new_password2": NEW})
    assert done.status_code == 302
    kati.refresh_from_db()
    assert kati.check_password(NEW)
    # The earlier wrong passwords no longer count, the link works once, and the owner is notified.
    assert browser.post("/admin/login/", {"username": "kati@example.fi", "password": NEW}).status_code == 302
    assert Client().get(link[1], follow=True).context["validlink"] is False
    work()
    notice = OutgoingMail.objects.get(purpose=MailPurpose.ACCOUNT_CHANGED)
    assert notice.state == MailState.SENT
    assert notice.recipient == "kati@example.fi"
    assert "Muutos tehtiin tähän osoitteeseen lähetetyllä linkillä." in notice.text


def test_reset_token_is_not_stored(kati: User) -> None:
    ask("kati@example.fi")
    work()
    stored = OutgoingMail.objects.get(purpose=MailPurpose.PASSWORD_RESET)
    sent = re.search(r"/confirm/\S+?/(\S+?)/", str(mail.outbox[0].body))
    assert sent is not None
    assert RESET_LINK.placeholder in stored.text
    assert RESET_LINK.placeholder in stored.html
    assert sent[1] not in stored.text + stored.html
    assert RESET_LINK.placeholder not in mail.outbox[0].message().as_string()


def test_three_resets_an_hour_per_email(kati: User) -> None:
    for number in range(44):
        answer = ask(" KATI@example.fi" if number % 2 else "kati@example.fi", f"198.51.100.{number}")
        assert answer["Location"] == "/admin/password_reset/done/"
    work()
    assert len(mail.outbox) == 3
    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1), tick=False):
        ask("kati@example.fi")
        work()
    assert len(mail.outbox) == 4


def test_three_resets_an_hour_per_network_address(db: None) -> None:
    for number in range(10):
        make_user(f"nimi{number}", password=PASSWORD)
        ask(f"nimi{number}@example.fi")
    work()
    assert len(mail.outbox) == 3


def test_reset_runs_same_queries_for_unknown_email(kati: User) -> None:
    make_user("poissa", password=PASSWORD, is_active=False)
    asked = []
    for number, email in enumerate(["kati@example.fi", "ei.ketaan@example.fi", "poissa@example.fi"]):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = ask(email, f"198.51.100.{number}")
        asked.append(([re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries], answer.status_code))
    assert asked[0] == asked[1] == asked[2]
    work()
    assert [message.to for message in mail.outbox] == [["kati@example.fi"]]
    assert not PasswordResetRequest.objects.exists()


@pytest.mark.parametrize("typed", ["Kati@Example.FI", "KATI@EXAMPLE.FI", " kati@example.fi "])
def test_reset_mail_goes_to_stored_email(typed: str, kati: User) -> None:
    ask(typed)
    work()
    assert [message.to for message in mail.outbox] == [["kati@example.fi"]]


@pytest.mark.parametrize("change", ["inactive", "address", "no password", "removed"])
def test_changed_account_gets_no_reset_mail(change: str, kati: User) -> None:
    ask("kati@example.fi")
    answer_reset_requests(now=timezone.now())
    if change == "removed":
        kati.delete()
    else:
        kati.is_active = change != "inactive"
        kati.email = "toinen@example.fi" if change == "address" else kati.email
        if change == "no password":
            kati.set_unusable_password()
        kati.save()
    work()
    assert mail.outbox == []
    assert not OutgoingMail.objects.filter(purpose=MailPurpose.PASSWORD_RESET).exists()


def test_reset_request_expires_after_a_day(kati: User) -> None:
    ask("kati@example.fi")
    work(timezone.now() + timedelta(days=1, minutes=1))
    assert mail.outbox == []
    assert not PasswordResetRequest.objects.exists()


def test_reset_request_sends_one_mail(kati: User) -> None:
    ask("kati@example.fi")
    work()
    work()
    assert len(mail.outbox) == 1


def test_worker_job_answers_reset_requests(kati: User) -> None:
    ask("kati@example.fi")
    run_jobs("password_resets", "delivery")
    assert [message.to for message in mail.outbox] == [["kati@example.fi"]]


def test_mails_about_accounts_are_kept_a_month(kati: User) -> None:
    ask("kati@example.fi")
    work()
    for days, left in ((29, 1), (31, 0)):
        with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
            run_jobs("account_mails")
        assert OutgoingMail.objects.filter(purpose=MailPurpose.PASSWORD_RESET).count() == left


@pytest.mark.parametrize(
    "made",
    # In October 3:55 in Finland, before the hour from 3 to 4 is repeated; in March 2:55, before that hour is skipped.
    [datetime(2026, 10, 25, 0, 55, tzinfo=UTC), datetime(2026, 3, 29, 0, 55, tzinfo=UTC)],
    ids=["summer time ends", "summer time begins"],
)
def test_reset_link_lasts_a_day_when_clocks_change(kati: User, made: datetime) -> None:
    # A timestamp, because time_machine would replace the local time zone by that of a datetime.
    with time_machine.travel(made.timestamp(), tick=False):
        token = reset_tokens.make_token(kati)
    held = []
    for minutes in (0, 1, 6, 30, 59, 66, 24 * 60, 24 * 60 + 1):
        with time_machine.travel((made + timedelta(minutes=minutes)).timestamp(), tick=False):
            held.append(reset_tokens.check_token(kati, token))
    assert held == [True] * 7 + [False]


def test_future_dated_reset_link_is_invalid(kati: User) -> None:
    now = timezone.now()
    with time_machine.travel(now + timedelta(days=1000), tick=False):
        ahead = reset_tokens.make_token(kati)
    with time_machine.travel(now, tick=False):
        right = reset_tokens.make_token(kati)
        assert reset_tokens.check_token(kati, right)
        assert not reset_tokens.check_token(kati, ahead)
        uid = urlsafe_base64_encode(force_bytes(kati.pk))
        form = Client().get(f"/admin/password_reset/confirm/{uid}/{ahead}/", follow=True)
    assert 'name="new_password1"' not in form.content.decode()
