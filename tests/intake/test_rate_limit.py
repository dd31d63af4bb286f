"""Rate limit of the form by network address: the refused form keeps its text, and no address is stored."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from intake import rate_limit
from intake.enquiry.removal import delete_expired_traces
from intake.models import Enquiry, PostingTrace
from intake.rate_limit import TooManyPosts, enforce_rate_limit
from tests.intake.visiting import ShownForm, Visitor, letter, page_text, token

START = "2026-11-22 10:00+02:00"


@pytest.fixture(autouse=True)
def three_an_hour(settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 3


def _send_three(visitor: Visitor) -> None:
    for number in range(3):
        assert visitor.sends(letter(message=f"Viesti {number}")).status_code == 303


def test_rate_limited_post_keeps_input_with_retry_after(visitor: Visitor) -> None:
    with time_machine.travel(START, tick=False) as clock:
        _send_three(visitor)
        clock.shift(timedelta(minutes=20))
        answer = visitor.sends()

    shown = ShownForm.of(answer)
    assert answer.status_code == 429
    assert answer["Retry-After"] == str(40 * 60)
    assert "no-store" in answer["Cache-Control"]
    assert shown.title.startswith("Virhe:")
    assert "Odota 40 minuuttia ja yritä uudelleen tai soita 050 534 8567." in shown.notice.replace("\xa0", " ")
    assert shown.words == letter()
    assert Enquiry.objects.count() == 3


@pytest.mark.parametrize(("seconds", "words"), [(3599, "1 minuutti"), (3540, "1 minuutti"), (3539, "2 minuuttia")])
def test_rate_limit_wait_is_in_whole_minutes(visitor: Visitor, seconds: int, words: str) -> None:
    with time_machine.travel(START, tick=False) as clock:
        _send_three(visitor)
        clock.shift(timedelta(seconds=seconds))
        shown = ShownForm.of(visitor.sends())
    assert f"Odota {words} ja yritä" in shown.notice.replace("\xa0", " ")


def test_returned_form_is_accepted_after_retry_after(visitor: Visitor) -> None:
    with time_machine.travel(START, tick=False) as clock:
        _send_three(visitor)
        returned = visitor.sends()
        clock.shift(timedelta(seconds=int(returned["Retry-After"])))
        assert visitor.sends(ShownForm.of(returned).values).status_code == 303


def test_rate_limit_window_slides(visitor: Visitor) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(3):
            visitor.sends()
            clock.shift(timedelta(minutes=15))
        assert visitor.sends().status_code == 429
        clock.shift(timedelta(minutes=15))
        assert visitor.sends().status_code == 303
        assert visitor.sends().status_code == 429


def test_repeats_and_validation_errors_do_not_count(visitor: Visitor) -> None:
    words = letter(form_token=token())
    for _ in range(10):
        assert visitor.sends(words).status_code == 303
        assert visitor.sends(letter(name="")).status_code == 422
    assert PostingTrace.objects.count() == 1
    visitor.sends()
    visitor.sends()
    assert visitor.sends().status_code == 429
    assert visitor.sends(words).status_code == 303


def test_suspicious_enquiries_count(visitor: Visitor) -> None:
    for _ in range(3):
        visitor.sends(letter(extra_line="x"))
    assert visitor.sends().status_code == 429


def test_each_address_has_its_own_limit(visitor: Visitor) -> None:
    _send_three(visitor)
    assert visitor.sends().status_code == 429
    assert Visitor("203.0.113.5").sends().status_code == 303


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("198.51.100.7", "::ffff:198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "ei-osoite", False),
    ],
)
def test_addresses_of_one_network_share_the_limit(contact_page: object, one: str, other: str, shared: bool) -> None:
    _send_three(Visitor(one))
    assert Visitor(other).sends().status_code == (429 if shared else 303)


def _through_proxy(visitor: Visitor, forwarded: str) -> int:
    return visitor.sends(headers={**visitor.headers, "X-Forwarded-For": forwarded}).status_code


def test_forged_forwarded_for_does_not_evade_rate_limit(visitor: Visitor) -> None:
    statuses = [_through_proxy(visitor, f"203.0.113.{number}") for number in range(4)]
    assert statuses == [303, 303, 303, 429]


def test_trusted_proxy_uses_last_forwarded_address(visitor: Visitor, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    made_up = [_through_proxy(visitor, f"192.0.2.{number}, 203.0.113.1") for number in range(4)]
    assert made_up == [303, 303, 303, 429]
    assert _through_proxy(visitor, "203.0.113.2") == 303


@pytest.mark.parametrize("address", ["203.0.113.1:{}", "[2001:db8::1]:{}"])
def test_forwarded_port_does_not_evade_rate_limit(visitor: Visitor, settings: Any, address: str) -> None:
    settings.TRUSTED_PROXIES = 1
    statuses = [_through_proxy(visitor, address.format(50_000 + number)) for number in range(4)]
    assert statuses == [303, 303, 303, 429]
    assert _through_proxy(visitor, address.partition(":{}")[0]) == 429
    assert _through_proxy(visitor, address.format(50_000).replace("db8::", "db8:7::").replace("113.1", "113.2")) == 303


def test_two_trusted_proxies_use_second_forwarded_address(visitor: Visitor, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 2
    assert [_through_proxy(visitor, f"203.0.113.1, 10.0.0.{number}") for number in range(4)] == [303, 303, 303, 429]
    assert _through_proxy(visitor, "203.0.113.2, 10.0.0.1") == 303


def test_database_stores_only_keyed_address_hash(visitor: Visitor, settings: Any) -> None:
    visitor.sends()
    before = PostingTrace.objects.get().address_key
    assert re.fullmatch(r"[0-9a-f]{64}", before)
    settings.SECRET_KEY = "another-one"
    visitor.sends()
    assert PostingTrace.objects.exclude(address_key=before).count() == 1
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
            assert "198.51.100" not in str(cursor.fetchall()), table


def test_address_hash_is_deleted_after_an_hour(visitor: Visitor) -> None:
    with time_machine.travel(START, tick=False) as clock:
        visitor.sends()
        clock.shift(timedelta(minutes=59))
        delete_expired_traces(now=timezone.now())
        assert PostingTrace.objects.count() == 1
        clock.shift(timedelta(minutes=1))
        delete_expired_traces(now=timezone.now())
        assert not PostingTrace.objects.exists()


def test_expired_address_hashes_are_removed_by_job(visitor: Visitor) -> None:
    with time_machine.travel(START, tick=False) as clock:
        visitor.sends()
        clock.shift(timedelta(minutes=30))
        Visitor("203.0.113.5").sends()
        clock.shift(timedelta(minutes=30))
        delete_expired_traces(now=timezone.now())
    assert PostingTrace.objects.count() == 1


def test_rate_limit_of_zero_keeps_input(visitor: Visitor, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 0
    answer = visitor.sends()
    assert answer.status_code == 429
    assert ShownForm.of(answer).words == letter()
    assert "60 minuuttia" in page_text(answer).replace("\xa0", " ")


def test_lowered_rate_limit_gives_a_sufficient_retry_after(visitor: Visitor, settings: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(3):
            visitor.sends()
            clock.shift(timedelta(minutes=10))
        settings.FORM_RATE_LIMIT = 1
        answer = visitor.sends()
        assert answer["Retry-After"] == str(50 * 60)
        clock.shift(timedelta(minutes=50))
        assert visitor.sends().status_code == 303


@pytest.mark.django_db
def test_trace_deleted_between_statements_does_not_count(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 1
    now, count = timezone.now(), rate_limit.changed_rows
    enforce_rate_limit("k", now)

    def count_as_the_job_deletes(sql: str, parameters: Iterable[Any]) -> int:
        changed = count(sql, parameters)
        if not changed:
            PostingTrace.objects.filter(address_key="k").delete()
        return changed

    with monkeypatch.context() as patch:
        patch.setattr(rate_limit, "changed_rows", count_as_the_job_deletes)
        enforce_rate_limit("k", now)
    with pytest.raises(TooManyPosts):
        enforce_rate_limit("k", now)
