"""Wrong codes are limited and reported to the owner, and can't lock the owner out at a known network address."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from aijuu_site.accounts.models import User
from intake.choices import MailPurpose
from intake.models import OutgoingMail
from tests.accounts import make_user
from tests.aijuu_site.accounts.second_step_visits import (
    PASSWORD,
    STEP,
    Browser,
    code_of,
    give_password,
    signed_in,
    with_app,
)
from tests.aijuu_site.accounts.test_second_step import https, is_in  # noqa: F401 (a fixture)

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
HOME = "198.51.100.4"

pytestmark = pytest.mark.usefixtures("https")


@pytest.fixture
def kati(db: None) -> User:
    return make_user("Kati Levola", email="kati@example.fi", password=PASSWORD, group="Työnohjaaja")


def notices() -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(purpose=MailPurpose.WRONG_CODES).order_by("pk"))


def guess(user: User, times: int, address: str = "203.0.113.{}") -> Browser:
    """Sign in `times` times with the right password and a wrong code. Return the last browser."""
    for number in range(times):
        browser = Browser(address.format(number), HTTP_USER_AGENT=FIREFOX)
        give_password(browser, user)
        browser.post(STEP, {"code": f"0000{number:02}"})
    return browser


def try_code(user: User, secret: str, address: str) -> Any:
    browser = Browser(address)
    give_password(browser, user)
    return browser.post(STEP, {"code": code_of(secret)})


@pytest.mark.parametrize("address", ["203.0.113.9", "203.0.113.{}"])
def test_right_code_after_twelve_wrong_ones_is_refused(address: str, kati: User) -> None:
    secret, now = with_app(kati), timezone.now()
    with time_machine.travel(now, tick=False):
        last = guess(kati, 12, address)
        answer = last.post(STEP, {"code": code_of(secret)})
        assert answer.status_code == 429
        assert not is_in(last)
    # The lock lasts 15 minutes, for the owner at an unknown network address too.
    with time_machine.travel(now + timedelta(minutes=15, seconds=1), tick=False):
        assert try_code(kati, secret, "192.0.2.200").status_code == 302


def test_wrong_codes_elsewhere_keep_home_address_open(kati: User) -> None:
    secret, now = with_app(kati), timezone.now()
    with time_machine.travel(now - timedelta(days=20), tick=False):
        signed_in(kati, secret, Browser(HOME))
    with time_machine.travel(now, tick=False):
        guess(kati, 12)
        assert try_code(kati, secret, "192.0.2.200").status_code == 429
        assert try_code(kati, secret, HOME).status_code == 302


def test_five_wrong_codes_notify_owner(kati: User) -> None:
    with_app(kati)
    guess(kati, 4)
    assert notices() == []
    guess(kati, 1, "192.0.2.77")
    [mail] = notices()
    assert mail.recipient == "kati@example.fi"
    assert "väärin 5 kertaa" in mail.text
    assert "Selain: Firefox, Windows." in mail.text
    assert "192.0.2" not in mail.text + mail.html
    assert "0000" not in mail.text


def test_wrong_codes_notify_once_an_hour(kati: User) -> None:
    with_app(kati)
    now = timezone.now()
    for minutes, mails in ((0, 1), (16, 1), (59, 1), (61, 2)):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            guess(kati, 5)
        assert len(notices()) == mails, minutes


def test_few_wrong_codes_send_no_notice(kati: User) -> None:
    secret, now = with_app(kati), timezone.now()
    for day in range(3):
        with time_machine.travel(now + timedelta(days=day), tick=False):
            guess(kati, 2, HOME)
            assert try_code(kati, secret, HOME).status_code == 302
    assert notices() == []


def test_codes_without_password_send_no_notice(kati: User) -> None:
    with_app(kati)
    for number in range(12):
        browser = Browser(f"203.0.113.{number}")
        give_password(browser, kati, password="arvaus")
        browser.post(STEP, {"code": "000000"})
    assert notices() == []
