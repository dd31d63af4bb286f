"""The owner of an account is notified by mail of a login with an unknown browser."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from aijuu_site.accounts.models import User
from aijuu_site.accounts.notices import device_words, is_new_device
from intake.choices import MailPurpose
from intake.models import OutgoingMail
from tests.accounts import make_user
from tests.aijuu_site.accounts.second_step_visits import PASSWORD, STEP, Browser, code_of, give_password, with_app
from tests.aijuu_site.accounts.test_second_step import https  # noqa: F401 (a fixture)

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def kati(db: None) -> User:
    return make_user("Kati Levola", email="kati@example.fi", password=PASSWORD, group="Työnohjaaja")


def notices() -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(purpose=MailPurpose.NEW_LOGIN).order_by("pk"))


def test_login_with_new_browser_notifies_owner(kati: User) -> None:
    browser = Client(HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="192.0.2.77")
    give_password(browser, kati)
    [mail] = notices()
    assert mail.recipient == "kati@example.fi"
    assert "Selain: Firefox, Windows." in mail.text
    assert "192.0.2" not in mail.text + mail.html
    assert "/admin/account/login/sessions/" in mail.text
    # The same browser is known at any network address.
    for address in ("192.0.2.77", "198.51.100.1"):
        browser.post("/admin/logout/")
        browser.defaults["REMOTE_ADDR"] = address
        give_password(browser, kati)
    assert len(notices()) == 1
    give_password(Client(HTTP_USER_AGENT=FIREFOX), kati)
    assert len(notices()) == 2


def test_browser_is_known_per_account(kati: User) -> None:
    browser, maija = Client(), make_user(email="maija@example.fi", password=PASSWORD, group="Sisällöntuottaja")
    for user in (kati, maija, kati, maija):
        give_password(browser, user)
        browser.post("/admin/logout/")
    assert [mail.recipient for mail in notices()] == ["kati@example.fi", "maija@example.fi"]


def test_browser_is_forgotten_after_a_year(kati: User) -> None:
    browser = Client()
    give_password(browser, kati)
    with time_machine.travel(timezone.now() + timedelta(days=366), tick=False):
        give_password(browser, kati)
    assert len(notices()) == 2


@pytest.mark.parametrize("value", ["", "x", "ä" * 30, "a" * 5000, "../../etc/passwd\x00"])
def test_forged_device_cookie_counts_as_new_browser(value: str, kati: User) -> None:
    browser = Client()
    browser.cookies["device"] = value
    assert give_password(browser, kati).status_code == 302
    assert len(notices()) == 1


def test_wrong_password_sends_no_login_notice(kati: User) -> None:
    browser = Client()
    give_password(browser, kati, password="vaara-salasana")
    assert notices() == []
    assert "device" not in browser.cookies


@pytest.mark.usefixtures("https")
def test_device_cookie_does_not_skip_second_step(kati: User) -> None:
    secret, browser = with_app(kati), Browser()
    answer = give_password(browser, kati)
    assert notices() == []
    assert "__Secure-device" not in answer.cookies
    browser.post(STEP, {"code": code_of(secret)})
    cookie = browser.cookies["__Secure-device"]
    assert (cookie["path"], cookie["secure"], cookie["httponly"], cookie["samesite"]) == ("/admin/", True, True, "Lax")
    assert len(notices()) == 1
    browser.post("/admin/logout/")
    assert give_password(browser, kati)["Location"] == STEP


def test_is_new_device() -> None:
    assert is_new_device(device="a", known=set())
    assert is_new_device(device="a", known={"b"})
    assert not is_new_device(device="a", known={"a", "b"})


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (FIREFOX, "Firefox, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.0", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_device_words_names_browser_and_system(user_agent: str, expected: str) -> None:
    assert device_words(user_agent) == expected
