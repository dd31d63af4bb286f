"""Lasting problems are reported by mail, then again weekly. Without problems nothing is sent."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page

from aijuu_site import problems
from aijuu_site.domain_check import Finding
from aijuu_site.management.commands import tell_problems as command
from aijuu_site.models import Backup, SeenProblem
from aijuu_site.problems import Problem, all_problems, dead_links, must_tell, problems_of_site, tell_problems
from home.models import ContentPage, HomePage
from intake.choices import MailState
from intake.models import JobRun, OutgoingMail, WorkerHeartbeat
from tests.intake.enquiries import received
from tests.tools.smtp_server import SmtpServer

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DISK = Problem("disk", "Levy on lähes täynnä.")
BACKUP = Problem("backup", "Yksikään varmuuskopio ei ole vielä onnistunut.")


@pytest.fixture
def alerted(settings: Any) -> None:
    settings.ALERT_EMAIL = ["yllapito@example.fi", "kati@example.fi"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("first_seen", "reported", "must_report"),
    [
        (timedelta(), None, False),
        (HOUR, None, True),
        (DAY, HOUR, False),
        (8 * DAY, 7 * DAY - HOUR, False),
        (8 * DAY, 7 * DAY, True),
        # The earlier check ran while the clock was ahead.
        (-DAY, None, True),
        (HOUR, -400 * DAY, True),
    ],
)
def test_lasting_problem_is_reported(first_seen: timedelta, reported: timedelta | None, must_report: bool) -> None:
    told_at = None if reported is None else NOW - reported
    assert must_tell(first_seen_at=NOW - first_seen, told_at=told_at, now=NOW) is must_report


def sent_hours(problems_at: Any, hours: int) -> list[int]:
    """Run the hourly checks and return the hours at which a mail is sent."""
    return [hour for hour in range(hours) if tell_problems(problems_at(hour), now=NOW + hour * HOUR)]


@pytest.mark.django_db
@pytest.mark.usefixtures("alerted")
def test_no_problem_sends_no_mail() -> None:
    assert sent_hours(lambda _hour: [], 100) == []
    assert mail.outbox == []


@pytest.mark.django_db
@pytest.mark.usefixtures("alerted")
def test_same_problem_is_reported_weekly() -> None:
    assert sent_hours(lambda _hour: [DISK], 24 * 8) == [1, 1 + 24 * 7]
    assert mail.outbox[0].to == ["yllapito@example.fi", "kati@example.fi"]
    assert mail.outbox[0].subject == "Aijuun sivusto: 1 ongelma"
    assert DISK.words in mail.outbox[0].body


@pytest.mark.django_db
@pytest.mark.usefixtures("alerted")
def test_new_problem_is_reported_with_the_others() -> None:
    assert sent_hours(lambda hour: [DISK, BACKUP] if hour >= 10 else [DISK], 100) == [1, 11]
    assert DISK.words in mail.outbox[1].body
    assert BACKUP.words in mail.outbox[1].body


@pytest.mark.django_db
@pytest.mark.usefixtures("alerted")
def test_momentary_problem_is_not_reported() -> None:
    assert sent_hours(lambda hour: [DISK] if hour == 5 else [], 10) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("alerted")
def test_recurring_problem_is_reported_once() -> None:
    assert sent_hours(lambda hour: [DISK] if hour % 6 < 3 else [], 48) == [1]


@pytest.mark.django_db
@pytest.mark.usefixtures("alerted")
def test_solved_problem_is_forgotten_after_a_week() -> None:
    assert sent_hours(lambda hour: [DISK] if hour < 3 or hour > 24 * 8 else [], 24 * 9) == [1, 24 * 8 + 2]
    assert SeenProblem.objects.count() == 1


@pytest.mark.django_db
def test_missing_alert_address_sends_nothing() -> None:
    assert sent_hours(lambda _hour: [DISK], 5) == []
    assert mail.outbox == []


@pytest.mark.django_db
@pytest.mark.usefixtures("alerted")
def test_alert_uses_alert_mail_server(settings: Any) -> None:
    with SmtpServer() as smtp:
        settings.ALERT_EMAIL_SERVER = {
            "backend": "django.core.mail.backends.smtp.EmailBackend",
            "host": "127.0.0.1",
            "port": smtp.port,
        }
        assert sent_hours(lambda _hour: [DISK], 3) == [1]
    assert mail.outbox == []
    (message,) = smtp.messages
    assert message["Subject"] == "Aijuun sivusto: 1 ongelma"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.django_db
@pytest.mark.usefixtures("alerted")
def test_unreachable_mail_server_is_retried(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tell_problems([DISK], now=timezone.now() - HOUR)
    monkeypatch.setattr(command, "all_problems", lambda _network, now: [DISK])
    settings.ALERT_EMAIL_SERVER = {
        "backend": "django.core.mail.backends.smtp.EmailBackend",
        "host": "127.0.0.1",
        "port": 1,
    }
    with pytest.raises(CommandError, match=r"could not be told by mail \(ConnectionRefusedError\)"):
        call_command("tell_problems", stdout=StringIO())
    settings.ALERT_EMAIL_SERVER = {}
    call_command("tell_problems", stdout=StringIO())
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_command_fails_without_alert_address(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [DISK]
    monkeypatch.setattr(command, "all_problems", lambda _network, now: found)
    out = StringIO()
    with pytest.raises(CommandError, match="ALERT_EMAIL is not set"):
        call_command("tell_problems", stdout=out)
    assert DISK.words in out.getvalue()
    found.clear()
    call_command("tell_problems", stdout=out)


@pytest.mark.django_db
@pytest.mark.usefixtures("alerted")
def test_command_succeeds_with_new_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "all_problems", lambda _network, now: [DISK])
    call_command("tell_problems", stdout=StringIO())
    assert mail.outbox == []


def keys() -> set[str]:
    return {problem.key for problem in problems_of_site(now=timezone.now())}


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded_site")
def test_good_site_has_no_problems() -> None:
    received()
    assert [problem.words for problem in problems_of_site(now=timezone.now())] == []


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded_site")
def test_each_problem_of_the_site_is_found(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    settings.BACKUP_KEYS = ["age1example"]
    Backup.objects.create(name="a", begun_at=now - 3 * DAY, checked_at=now - 3 * DAY)
    assert keys() == {"backup"}
    WorkerHeartbeat.objects.create(pk=1, beat_at=now - HOUR)
    with time_machine.travel(now - HOUR, tick=False):
        received()
    assert OutgoingMail.objects.filter(state=MailState.QUEUED).exists()
    JobRun.objects.create(name="revisions", failures=2)
    monkeypatch.setattr(problems, "LITTLE_DISK", 10**18)
    assert keys() == {"backup", "worker", "mail", "job revisions", "disk"}


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded_site")
def test_hidden_privacy_page_is_a_problem() -> None:
    page = Page.objects.get(slug="tietosuoja")
    page.specific.unpublish()
    found = problems_of_site(now=timezone.now())
    assert f"page {page.pk}" in {problem.key for problem in found}
    assert "Sivu ”Tietosuoja” on piilossa" in " ".join(problem.words for problem in found)


def published(body: str) -> ContentPage:
    page = ContentPage(title="Uusi sivu", slug="uusi", body=[("text", {"text": body})])
    HomePage.objects.get().add_child(instance=page)
    page.save_revision().publish()
    return page


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded_site")
def test_dead_link_names_page_and_target() -> None:
    links = {
        '<a href="/ei-ole/">x</a>': "/ei-ole/",
        '<a href="http://127.0.0.1:8000/ei-ole-taalla/">x</a>': "/ei-ole-taalla/",
        '<a linktype="page" id="9999">x</a>': "",
    }
    published("".join(f"<p>Lue {link}.</p>" for link in links))
    found = [(link.address, link.target) for link in dead_links()]
    assert sorted(found) == sorted(("/uusi/", target) for target in links.values())


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded_site")
def test_dead_link_behind_redirects() -> None:
    for old, new in (("/kesalla", "/ei-ole/"), ("/a", "/b/"), ("/b", "/a/"), ("/hyva", "/tietosuoja/")):
        Redirect.objects.create(old_path=old, redirect_link=new)
    Redirect.objects.create(old_path="/pois", redirect_link="https://nowhere.example/x")
    published("".join(f'<p><a href="/{old}/">x</a></p>' for old in ("kesalla", "a", "hyva", "pois")))
    assert [found.target for found in dead_links()] == ["/kesalla/", "/a/"]


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded_site")
def test_working_and_external_links_are_no_problem() -> None:
    page = Page.objects.get(slug="tietosuoja")
    links = f'<a linktype="page" id="{page.pk}">a</a> <a href="/tietosuoja/">b</a> <a href="https://nowhere.example/x">c</a>'
    published(f'<p>{links} <a href="mailto:kati@example.fi">d</a></p>')
    assert list(dead_links()) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded_site")
def test_domain_is_checked_only_for_public_site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def check(_network: Any, *, now: datetime, selector: str) -> list[Finding]:
        asked.append(selector)
        return [Finding("SPF", False, "no record"), Finding("DKIM", False, "not checked"), Finding("MX", True, "")]

    monkeypatch.setattr(problems, "check_domain", check)
    network: Any = None
    assert all_problems(network, now=timezone.now()) == []
    assert asked == []
    settings.SITE_URL, settings.HTTPS, settings.ALLOWED_HOSTS = "https://www.aijuu.fi", True, ["www.aijuu.fi"]
    assert [problem.key for problem in all_problems(network, now=timezone.now())] == ["domain SPF"]
    settings.DKIM_SELECTOR = "mail"
    assert [problem.key for problem in all_problems(network, now=timezone.now())] == ["domain SPF", "domain DKIM"]
