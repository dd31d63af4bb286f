"""The dashboard shows in plain words that mail is not going out, or that a job fails."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from aijuu_site.health import check_database
from intake.choices import MailState
from intake.desk.dashboard import Part, part_of
from intake.mail.delivery import deliver_due
from intake.models import Enquiry, JobRun, OutgoingMail, WorkerHeartbeat
from tests.intake.desk.pages import failed_once, names, words
from tests.intake.enquiries import received
from tests.intake.mail.test_mail_server import answer_by, server_that

MINUTE = timedelta(minutes=1)


def beat(ago: timedelta) -> datetime:
    moment = timezone.now() - ago
    WorkerHeartbeat.objects.update_or_create(pk=1, defaults={"beat_at": moment})
    return moment


def old_letter(ago: timedelta) -> Enquiry:
    """Return an enquiry of that age whose mails were never attempted."""
    with time_machine.travel(timezone.now() - ago, tick=False):
        return received(name="Vanha Kirje")


def found() -> dict[str, str]:
    """Return the problems that /health/ready reports (tests/aijuu_site/test_health.py requests it over HTTP)."""
    return {name: problem.split()[0] for name, problem in check_database().items() if problem}


def test_live_worker_shows_no_problem(kati: Client) -> None:
    beat(MINUTE)
    received()
    assert "Posti seisoo" not in words(kati.get("/admin/"))
    assert found() == {}


@pytest.mark.parametrize("ago", [timedelta(minutes=6), timedelta(days=3), timedelta(days=-3)])
def test_silent_worker_is_shown_and_reported(kati: Client, ago: timedelta) -> None:
    beat(ago)
    assert "Posti seisoo: sivuston lähettäjä ei ole antanut elonmerkkiä" in words(kati.get("/admin/"))
    assert found() == {"worker": "silent"}


def test_missing_worker_heartbeat_is_no_problem(kati: Client) -> None:
    assert "Posti seisoo" not in words(kati.get("/admin/"))
    assert found() == {}


@pytest.mark.parametrize("ago", [20 * MINUTE, timedelta(days=5)])
def test_untouched_mail_is_late_everywhere(kati: Client, ago: timedelta) -> None:
    enquiry = old_letter(ago)
    page = words(kati.get("/admin/"))
    assert "Posti seisoo: vanhin lähtevä sähköposti on odottanut" in page
    assert "Sähköposti on lähettämättä 1 yhteydenotossa" in page
    assert names(kati.get("/admin/yhteydenotot/", {"part": "mail_unsent"})) == ["Vanha Kirje"]
    assert "Lähetä nyt uudelleen" in words(kati.get(f"/admin/yhteydenotot/inspect/{enquiry.pk}/"))
    assert found() == {"mail": "waits"}
    assert enquiry.mail_is_late


def test_postponed_mail_is_not_reported_late(kati: Client) -> None:
    old_letter(timedelta(days=5))
    OutgoingMail.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    assert part_of(Enquiry.objects.all(), Part.MAIL_UNSENT).count() == 0
    assert found() == {}


def test_refused_address_is_no_mail_outage(kati: Client) -> None:
    beat(MINUTE)
    enquiry = old_letter(timedelta(hours=3))
    for mail in enquiry.mails.all():
        failed_once(mail, at=timezone.now(), code=550)
    assert part_of(Enquiry.objects.all(), Part.MAIL_UNSENT).count() == 1
    assert "Posti seisoo" not in words(kati.get("/admin/"))
    assert found() == {}


def test_unanswering_mail_server_is_reported(kati: Client) -> None:
    beat(MINUTE)
    enquiry = old_letter(timedelta(hours=3))
    for mail in enquiry.mails.all():
        failed_once(mail, at=timezone.now())
    assert "Posti seisoo: vanhin" in words(kati.get("/admin/"))
    assert found() == {"mail": "waits"}
    OutgoingMail.objects.update(state=MailState.SENT)
    assert found() == {}


@pytest.mark.parametrize(
    "answers",
    [
        {b"EHLO": b"250-here\r\n250 AUTH PLAIN\r\n", b"AUTH": b"535 wrong\r\n"},
        {b"EHLO": b"421 later\r\n", b"HELO": b"421 later\r\n"},
        {b"MAIL": b"530 log in first\r\n"},
        {b"MAIL": b"452 full\r\n"},
    ],
)
def test_server_refusing_every_mail_is_an_outage(kati: Client, settings: Any, answers: dict[bytes, bytes]) -> None:
    """The server answers with a code, but it refuses every mail in the same way."""
    old_letter(timedelta(hours=3))
    old_letter(timedelta(hours=3))
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = ("u", "p") if b"AUTH" in answers else ("", "")
    with server_that(lambda connected, _over: answer_by(connected, answers), settings, timeout=5):
        assert deliver_due() == 1
    beat(MINUTE)
    assert sorted(OutgoingMail.objects.values_list("failures", flat=True)) == [0, 0, 0, 1]
    assert "Posti seisoo: vanhin" in words(kati.get("/admin/"))
    assert found() == {"mail": "waits"}


@pytest.mark.parametrize("row", [{"failures": 2, "error": "IntegrityError"}, {"failing_items": 1}])
def test_failing_job_is_shown_in_plain_finnish(kati: Client, row: dict[str, object]) -> None:
    JobRun.objects.create(name="removal", **row)
    page = words(kati.get("/admin/"))
    assert "Vanhojen yhteydenottojen poistaminen ei juuri nyt onnistu." in page
    assert "IntegrityError" not in page


def test_single_job_failure_is_not_shown(kati: Client) -> None:
    JobRun.objects.create(name="removal", failures=1, error="OperationalError")
    assert "ei juuri nyt onnistu" not in words(kati.get("/admin/"))


def test_editor_sees_no_mail_problem(editor: Client) -> None:
    beat(timedelta(days=1))
    assert "Posti seisoo" not in words(editor.get("/admin/"))
