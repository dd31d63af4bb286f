"""When a backup is due, when it is late, and what the dashboard shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from aijuu_site.backup.status import backup_status, is_due, last_backup, latest_night, may_delete_old
from aijuu_site.models import Backup
from tests.accounts import make_user

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# 3:20 in Finland in winter.
NIGHT = datetime(2026, 11, 26, 1, 20, tzinfo=UTC)


def made(begun_at: datetime, *, good: bool = True) -> Backup:
    checked_at = begun_at + timedelta(minutes=1) if good else None
    return Backup.objects.create(name=begun_at.isoformat(), begun_at=begun_at, checked_at=checked_at)


@pytest.fixture
def with_key(settings: Any) -> None:
    settings.BACKUP_KEYS = ["age1example"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("now", "night"),
    [
        (NIGHT, NIGHT),
        (NIGHT - timedelta(seconds=1), NIGHT - DAY),
        (NIGHT + 23 * HOUR, NIGHT),
        # Summer time: 3:20 in Finland is 0:20 UTC.
        (datetime(2026, 7, 1, 0, 20, tzinfo=UTC), datetime(2026, 7, 1, 0, 20, tzinfo=UTC)),
        # The night on which the local time 3:20 is skipped.
        (datetime(2026, 3, 29, 12, 0, tzinfo=UTC), datetime(2026, 3, 29, 1, 20, tzinfo=UTC)),
    ],
)
def test_latest_night_in_finnish_time(now: datetime, night: datetime) -> None:
    assert latest_night(now).astimezone(UTC) == night


@pytest.mark.once
@pytest.mark.parametrize(
    ("good_at", "begun_at", "due"),
    [
        (None, None, True),
        (NIGHT - HOUR, NIGHT - HOUR, True),
        (NIGHT, NIGHT, False),
        # After a failed backup the next one is due an hour later.
        (NIGHT - DAY, NIGHT + HOUR, False),
        (NIGHT - DAY, NIGHT + HOUR - timedelta(minutes=1), True),
        # The record was made while the clock was ahead.
        (NIGHT + 300 * DAY, NIGHT + 300 * DAY, True),
    ],
)
def test_backup_is_due_once_a_night(good_at: datetime | None, begun_at: datetime | None, due: bool) -> None:
    assert is_due(good_at=good_at, begun_at=begun_at, now=NIGHT + 2 * HOUR - timedelta(minutes=1)) is due


@pytest.mark.once
def test_clock_jump_deletes_no_backup() -> None:
    assert may_delete_old(previous=NIGHT - DAY, now=NIGHT)
    assert not may_delete_old(previous=NIGHT - 365 * DAY, now=NIGHT)
    assert not may_delete_old(previous=None, now=NIGHT)


@pytest.mark.django_db
def test_last_backup_is_the_newest_good_one() -> None:
    assert last_backup(now=NIGHT) is None
    good = made(NIGHT - 2 * DAY)
    made(NIGHT - 3 * DAY)
    made(NIGHT - HOUR, good=False)
    made(NIGHT + 300 * DAY)
    # The clock was corrected during this backup.
    Backup.objects.create(name="ahead", begun_at=NIGHT + 200 * DAY, checked_at=NIGHT)
    assert last_backup(now=NIGHT) == good


@pytest.mark.django_db
@pytest.mark.usefixtures("with_key")
@pytest.mark.parametrize(
    ("ago", "good", "late"),
    [(HOUR, True, False), (49 * HOUR, True, True), (HOUR, False, False), (49 * HOUR, False, True)],
)
def test_backup_is_late_after_two_days(ago: timedelta, good: bool, late: bool) -> None:
    made(NIGHT - ago, good=good)
    assert backup_status(now=NIGHT).is_late is late


@pytest.mark.django_db
def test_missing_key_means_never_late() -> None:
    made(NIGHT - 30 * DAY)
    assert not backup_status(now=NIGHT).is_late


def dashboard(*, superuser: bool) -> str:
    user = make_user("kati", is_superuser=superuser)
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    client = Client()
    client.force_login(user)
    return client.get("/admin/").content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("with_key")
@pytest.mark.parametrize("superuser", [True, False])
def test_dashboard_shows_when_backup_was_checked(superuser: bool) -> None:
    made(NIGHT - timedelta(minutes=1))
    with time_machine.travel(NIGHT + 8 * HOUR):
        html = dashboard(superuser=superuser)
    assert "Varmuuskopio tehty ja tarkistettu 26.11.2026 klo 3.20" in html


@pytest.mark.django_db
@pytest.mark.usefixtures("with_key")
def test_dashboard_alerts_when_backup_is_late() -> None:
    made(timezone.now() - 3 * DAY)
    html = dashboard(superuser=False)
    assert 'class="enquiry-alert" role="alert"' in html
    assert "Viimeisin onnistunut varmuuskopio on otettu" in html


@pytest.mark.django_db
@pytest.mark.parametrize("superuser", [True, False])
def test_dashboard_tells_superusers_of_missing_backups(superuser: bool) -> None:
    assert ("Varmuuskopioita ei tehdä" in dashboard(superuser=superuser)) is superuser


@pytest.mark.django_db
@pytest.mark.usefixtures("with_key")
def test_authors_see_no_backup_panel() -> None:
    user = make_user("author")
    user.groups.add(Group.objects.get(name="Sisällöntuottaja"))
    client = Client()
    client.force_login(user)
    assert "backup-panel" not in client.get("/admin/").content.decode()
