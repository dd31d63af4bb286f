"""Test helpers: a browser signs in behind https, where a second step is required."""

import re
import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from bs4 import BeautifulSoup
from django.test import Client

from aijuu_site.accounts.models import User

HOST = "aijuu-koe.fi"
LOGIN, STEP, ENROL = "/admin/login/", "/admin/login/second-step/", "/admin/login/enrol/"
OWN = "/admin/account/login/"
PASSWORD = "lumi-natisee-askelten-alla-9"


class Browser(Client):
    """A browser behind the proxy that ends TLS."""

    def __init__(self, address: str = "192.0.2.1", **options: Any) -> None:
        headers = {"host": HOST, "x-forwarded-proto": "https", "x-forwarded-for": address}
        super().__init__(headers=headers, **options)


def give_password(browser: Client, user: User, password: str = PASSWORD, **values: str) -> Any:
    return browser.post(LOGIN, {"username": user.email, "password": password, **values})


def code_of(secret: str, steps: int = 0) -> str:
    """Return the code that the authenticator app shows now, or `steps` × 30 seconds later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def with_app(user: User) -> str:
    """Enrol an authenticator app and recovery codes for the account. Return the app's secret."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def recovery_codes(user: User) -> list[str]:
    codes: list[str] = (
        Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES).wrap().get_unused_codes()
    )
    return codes


def signed_in(user: User, secret: str, browser: Browser | None = None) -> Browser:
    browser = browser or Browser()
    give_password(browser, user)
    answer = browser.post(STEP, {"code": code_of(secret)})
    assert answer.status_code == 302, answer.content.decode()
    return browser


def shown_secret(page: Any) -> str:
    """Return the secret that the page shows for typing into the app."""
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page.content.decode())
    assert found is not None
    return found[1].replace(" ", "")


def words(answer: Any) -> str:
    return " ".join(BeautifulSoup(answer.content, "html.parser").get_text(" ").split())


def focused(answer: Any) -> list[str]:
    """Return the names of the fields with `autofocus`."""
    return [str(field["name"]) for field in BeautifulSoup(answer.content, "html.parser").select("[autofocus]")]


def is_in(browser: Client) -> bool:
    """Return whether the browser is signed in to the admin: one small page of the admin answers."""
    return browser.get("/admin/choose-email-link/").status_code == 200
