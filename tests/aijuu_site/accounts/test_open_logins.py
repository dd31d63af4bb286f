"""The list of a user's own active sessions, and the button that ends all of them."""

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from aijuu_site.accounts.models import User
from tests.accounts import make_user
from tests.aijuu_site.accounts.second_step_visits import (
    LOGIN,
    OWN,
    PASSWORD,
    give_password,
    is_in,
    words,
)
from tests.aijuu_site.accounts.test_new_password import run_jobs


@pytest.fixture
def kati(db: None) -> User:
    return make_user("Kati Levola", email="kati@example.fi", password=PASSWORD, is_superuser=True)


def test_sign_out_everywhere(kati: User) -> None:
    one, other, untracked = Client(), Client(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"), Client()
    untracked.force_login(kati)
    for browser in (one, other):
        give_password(browser, kati)
    page = words(one.get(f"{OWN}sessions/"))
    assert "Firefox, Windows" in page
    assert page.count("tämä selain") == 1
    assert "127.0.0.1" not in page
    answer = one.post(f"{OWN}sessions/")
    assert answer["Location"] == LOGIN
    assert "Sinut on kirjattu ulos kaikkialta." in words(one.get(LOGIN))
    assert [is_in(browser) for browser in (one, other, untracked)] == [False] * 3


def test_ended_sessions_leave_no_network_address(kati: User) -> None:
    open_one, ended = Client(), Client(REMOTE_ADDR="198.51.100.9")
    give_password(open_one, kati)
    give_password(ended, kati)
    assert UserSession.objects.filter(ip="198.51.100.9").exists()
    ended.post("/admin/logout/")
    run_jobs("sessions")
    assert list(UserSession.objects.values_list("ip", flat=True)) == ["127.0.0.1"]


def test_session_list_shows_only_own_sessions(kati: User) -> None:
    maija = make_user(email="maija@example.fi", password=PASSWORD, group="Sisällöntuottaja")
    one, other = Client(), Client(HTTP_USER_AGENT="Mozilla/5.0 (iPhone) Safari/605")
    give_password(one, kati)
    give_password(other, maija)
    assert "iPhone" not in words(one.get(f"{OWN}sessions/"))
    one.post(f"{OWN}sessions/")
    assert is_in(other)
    assert "iPhone" in words(other.get(f"{OWN}sessions/"))
