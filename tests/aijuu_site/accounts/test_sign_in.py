"""Signing in: attempts over the limit are refused before any hashing, and strangers can't lock an owner out."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.utils import timezone

from aijuu_site.accounts import passwords
from aijuu_site.accounts.models import AttemptTrace, User
from tests.accounts import make_user

LOGIN = "/admin/login/"
RIGHT, WRONG = "oikea-salasana-1", "vaara-salasana-1"


class WatchedHasher(MD5PasswordHasher):
    """A password hasher that counts its hashes, and how many of them run at the same time."""

    hashed = running = most_at_once = 0
    guard = threading.Lock()
    slow = threading.Event()

    def encode(self, password: str, salt: str) -> str:
        cls = WatchedHasher
        with cls.guard:
            cls.hashed += 1
            cls.running += 1
            cls.most_at_once = max(cls.most_at_once, cls.running)
        try:
            if cls.slow.is_set():
                threading.Event().wait(0.2)
            return super().encode(password, salt)
        finally:
            with cls.guard:
                cls.running -= 1


@pytest.fixture
def hasher() -> Iterator[type[WatchedHasher]]:
    """Install WatchedHasher with its counters at zero."""
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.WatchedHasher"]):
        WatchedHasher.hashed = WatchedHasher.most_at_once = 0
        WatchedHasher.slow.clear()
        yield WatchedHasher


def make_kati(email: str = "kati.levola@aijuu.fi") -> User:
    return make_user(email=email, password=RIGHT, group="Työnohjaaja")


def sign_in(name: str, password: str, address: str = "192.0.2.1", client: Client | None = None) -> HttpResponse:
    answer: Any = (client or Client()).post(
        LOGIN, {"username": name, "password": password, "next": "/admin/"}, REMOTE_ADDR=address
    )
    return answer


def is_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302


def test_sixth_wrong_password_costs_no_hash(db: None, hasher: type[WatchedHasher]) -> None:
    kati = make_kati()
    hasher.hashed = 0
    answers = [sign_in(kati.email, WRONG) for _ in range(10)]
    assert hasher.hashed == 5
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 5
    page = answers[-1].content.decode()
    assert "Liian monta väärää salasanaa. Odota 15 minuuttia" in page
    assert answers[-1]["Retry-After"] == "900"
    assert WRONG not in page


def test_right_password_is_refused_until_lock_expires(db: None) -> None:
    kati = make_kati()
    for _ in range(5):
        sign_in(kati.email, WRONG)
    assert sign_in(kati.email, RIGHT).status_code == 429
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1), tick=False):
        assert is_in(sign_in(kati.email, RIGHT))


def test_successful_login_resets_wrong_passwords(db: None) -> None:
    kati = make_kati()
    for _round in range(4):
        for _ in range(4):
            sign_in(kati.email, WRONG)
        assert is_in(sign_in(kati.email, RIGHT))


def test_wrong_passwords_elsewhere_keep_known_address_open(db: None) -> None:
    kati = make_kati()
    assert is_in(sign_in(kati.email, RIGHT))
    answers = [sign_in(kati.email, WRONG, f"198.51.100.{number}") for number in range(32)]
    assert [answer.status_code for answer in answers].count(200) == 30
    # The owner can sign in at once from a known network address, and from any other after five minutes.
    assert is_in(sign_in(kati.email, RIGHT))
    assert sign_in(kati.email, RIGHT, "203.0.113.5").status_code == 429
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1), tick=False):
        assert is_in(sign_in(kati.email, RIGHT, "203.0.113.5"))


def test_attempts_per_network_address_are_limited(db: None, hasher: type[WatchedHasher]) -> None:
    answers = [sign_in(f"nimi{number}@example.fi", WRONG) for number in range(22)]
    assert hasher.hashed == 20
    assert answers[-1].status_code == 429
    # Another network is not affected.
    assert is_in(sign_in(make_kati().email, RIGHT, "2001:db8:1:2::7"))


@pytest.mark.parametrize(
    "spelling",
    ["KATI.LEVOLA@aijuu.fi", " kati.levola@aijuu.fi ", "ｋati.levola@aijuu.fi"],
    ids=["case", "space", "width"],
)
def test_wrong_passwords_count_for_any_spelling(spelling: str, db: None) -> None:
    kati = make_kati()
    for _ in range(5):
        sign_in(spelling, WRONG)
    assert sign_in(kati.email, WRONG).status_code == 429


def test_ipv6_addresses_of_one_network_count_together(db: None) -> None:
    kati = make_kati()
    answers = [sign_in(kati.email, WRONG, f"2001:db8:1:2::{number:x}") for number in range(1, 9)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3


@pytest.mark.parametrize("kind", ["known", "unknown", "inactive"])
def test_login_of_unknown_account_costs_one_hash(kind: str, db: None, hasher: type[WatchedHasher]) -> None:
    if kind != "unknown":
        kati = make_kati()
        kati.is_active = kind == "known"
        kati.save()
    hasher.hashed = 0
    answer = sign_in("kati.levola@aijuu.fi", WRONG)
    assert hasher.hashed == 1
    assert answer.status_code == 200


def test_attempts_from_the_future_do_not_count(db: None) -> None:
    kati = make_kati()
    with time_machine.travel(timezone.now() + timedelta(days=900), tick=False):
        for _ in range(6):
            sign_in(kati.email, WRONG)
    assert is_in(sign_in(kati.email, RIGHT))
    assert not AttemptTrace.objects.filter(attempted_at__gt=timezone.now() + timedelta(hours=1)).exists()


def test_attempts_store_neither_email_nor_network_address(db: None) -> None:
    sign_in("kati.levola@aijuu.fi", WRONG)
    rows = str(list(AttemptTrace.objects.values()))
    assert AttemptTrace.objects.count() == 3
    assert "kati" not in rows
    assert "192.0.2" not in rows


def test_old_attempts_are_removed(db: None) -> None:
    sign_in("kati.levola@aijuu.fi", WRONG)
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        sign_in("maija@example.fi", WRONG)
        assert AttemptTrace.objects.count() == 3


def test_wagtail_frontend_login_redirects_to_admin_login(db: None) -> None:
    answer = Client().get("/_util/login/?next=/")
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/login/?next=/"
    assert Client().post("/_util/login/", {"username": "x", "password": WRONG}).status_code in (302, 405)


def test_concurrent_password_hashes_are_limited(transactional_db: None, hasher: type[WatchedHasher]) -> None:
    Group.objects.get_or_create(name="Työnohjaaja")
    hasher.slow.set()

    def attempt(number: int) -> int:
        try:
            # A different network and account for each attempt, so that no limit applies.
            return sign_in(f"nimi{number}@example.fi", WRONG, f"198.51.100.{number}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(24) as pool:
        statuses = list(pool.map(attempt, range(24)))
    assert 1 <= hasher.most_at_once <= passwords.AT_ONCE
    assert hasher.hashed == statuses.count(200)
    assert set(statuses) <= {200, 429}
    # An attempt that was refused for lack of capacity is not recorded.
    assert AttemptTrace.objects.count() == 3 * statuses.count(200)


def test_parallel_wrong_passwords_do_not_exceed_limit(transactional_db: None, hasher: type[WatchedHasher]) -> None:
    def attempt(_number: int) -> int:
        try:
            return sign_in("kati@example.fi", WRONG).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(24) as pool:
        statuses = list(pool.map(attempt, range(24)))
    assert hasher.hashed <= 5
    assert set(statuses) <= {200, 429}
    assert 429 in statuses


def test_busy_hashing_shows_retry_message(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_in_line", threading.BoundedSemaphore(1))
    with passwords.turn_to_hash():
        answer = sign_in(make_kati().email, RIGHT)
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert "Odota hetki ja yritä uudelleen" in answer.content.decode()
    assert is_in(sign_in("kati.levola@aijuu.fi", RIGHT))


SPELLINGS = [
    "kati@example.fi",
    "Kati@Example.fi",
    "KATI@EXAMPLE.FI",
    " kati@example.fi",
    "Kati@example.fi ",
    "\tkati@example.fi\u00a0",
    "kati@example.fi\u200b",
    "ｋati@example.fi",
]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [*((typed, "kati@example.fi") for typed in SPELLINGS), *((typed, "Kati@Example.FI") for typed in SPELLINGS[:2])],
)
def test_login_accepts_any_spelling_of_email(typed: str, stored: str, db: None) -> None:
    make_kati(stored)
    assert is_in(sign_in(typed, RIGHT))
    assert not is_in(sign_in(typed, RIGHT.upper()))
    assert not is_in(sign_in("toinen" + typed.strip(), RIGHT))


def test_only_the_changed_email_signs_in(db: None) -> None:
    kati = make_kati("vanha@example.fi")
    kati.email = "Uusi@Example.fi"
    kati.save()
    assert is_in(sign_in("uusi@example.fi", RIGHT))
    assert not is_in(sign_in("vanha@example.fi", RIGHT))


@pytest.mark.parametrize("typed", ["", " ", "\u200b", "ä" * 300, "kati@", "%"])
def test_malformed_login_name_is_no_server_error(typed: str, db: None) -> None:
    make_kati("kati@example.fi")
    assert sign_in(typed, RIGHT).status_code == 200


def test_login_field_has_email_input_attributes(db: None) -> None:
    make_kati()
    answer = sign_in("kati.levola@aijuu.fi", WRONG)
    page = BeautifulSoup(answer.content, "html.parser")
    field = page.select_one("input[name=username]")
    assert field is not None
    wanted = {"type": "email", "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
    assert {name: field[name] for name in wanted} == wanted
    assert not field.has_attr("placeholder")
    assert [label.get_text(strip=True).rstrip("*") for label in page.select("form label")][:2] == [
        "Sähköpostiosoite",
        "Salasana",
    ]
    assert "Sähköpostiosoite tai salasana on väärin. Yritä uudelleen." in page.text
    assert field["value"] == "kati.levola@aijuu.fi"
