"""Mailboxes and repeats are hashed with a key in the database, so a change of SECRET_KEY does not affect them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose
from intake.mailbox import keyed_hash, mailbox_key
from intake.models import Enquiry, HashKey
from intake.waiting.return_plan import start_plan
from tests.intake.enquiries import received
from tests.intake.waiting.list_people import pause, round_at, waiter
from tests.intake.waiting.post_office import PostOffice

NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
DAY = timedelta(days=1)


@pytest.mark.django_db
def test_secret_key_change_sends_no_second_notice(server: PostOffice, settings: Any) -> None:
    pause(active=False)
    waiter(now=NOW - 30 * DAY, email="matti@esimerkki.fi")
    settings.SECRET_KEY = "another-key-after-a-restore"
    waiter(now=NOW - 29 * DAY, email="matti@esimerkki.fi")
    start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=NOW)
    round_at(NOW)
    assert server.of(MailPurpose.RETURN_NOTICE) == ["matti@esimerkki.fi"]


@pytest.mark.django_db
def test_secret_key_change_keeps_daily_mail_limit(settings: Any) -> None:
    first = received(now=NOW, email="matti@esimerkki.fi")
    settings.SECRET_KEY = "another-key-after-a-restore"
    second = received(now=NOW, email="matti@esimerkki.fi", message="Toinen viesti.")
    confirmations = [enquiry.mails.filter(purpose=MailPurpose.CONFIRMATION).count() for enquiry in (first, second)]
    assert confirmations == [1, 0]


@pytest.mark.django_db
def test_secret_key_change_still_detects_repeat(settings: Any) -> None:
    first = received(now=NOW, email="matti@esimerkki.fi")
    settings.SECRET_KEY = "another-key-after-a-restore"
    assert received(now=NOW, email="matti@esimerkki.fi") == first
    assert Enquiry.objects.count() == 1


@pytest.mark.django_db
def test_keyed_hash_depends_on_database_key() -> None:
    here = mailbox_key("matti@esimerkki.fi")
    assert here == mailbox_key("Matti@esimerkki.fi")
    assert HashKey.objects.count() == 1
    HashKey.objects.update(secret="the key of another site")
    assert mailbox_key("matti@esimerkki.fi") != here
    assert "matti" not in keyed_hash("intake.recipient", "matti@esimerkki.fi")


@pytest.mark.django_db
def test_keyed_hash_differs_by_purpose() -> None:
    assert keyed_hash("intake.recipient", "sama") != keyed_hash("intake.content", "sama")
