"""Exporting the enquiries requires the password or a second step, even in an open session."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from aijuu_site.accounts.models import User
from tests.accounts import make_user
from tests.aijuu_site.accounts.second_step_visits import code_of, recovery_codes, with_app
from tests.aijuu_site.accounts.test_changing_accounts import PASSWORD, QUESTION, confirm

LIST = "/admin/yhteydenotot/"


@pytest.fixture
def kati(db: None) -> User:
    return make_user(password=PASSWORD, group="Työnohjaaja")


@pytest.fixture
def client(kati: User) -> Client:
    client = Client()
    client.force_login(kati)
    return client


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_needs_the_password(kind: str, client: Client) -> None:
    question = client.get(LIST, {"export": kind, "q": "Maija Muu"})
    assert question.status_code == 403
    assert QUESTION in question.content.decode()
    assert "Content-Disposition" not in question
    wrong = confirm(client, question, "arvaus")
    assert wrong.status_code == 403
    back = confirm(client, wrong)
    assert (back.status_code, back["Location"]) == (302, f"{LIST}?q=Maija+Muu")
    assert "Voit nyt ladata tiedoston." in client.get(back["Location"]).content.decode()
    assert "attachment" in client.get(LIST, {"export": kind})["Content-Disposition"]


def test_export_confirmation_expires_after_ten_minutes(client: Client) -> None:
    confirm(client, client.get(LIST, {"export": "csv"}))
    assert client.get(LIST, {"export": "csv"}).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1), tick=False):
        assert client.get(LIST, {"export": "csv"}).status_code == 403


def test_list_without_export_needs_no_password(client: Client) -> None:
    for query in ("", "?export=", "?export=json", "?q=csv"):
        assert client.get(LIST + query).status_code == 200


def test_user_without_export_right_is_not_asked(db: None) -> None:
    client = Client()
    client.force_login(make_user(password=PASSWORD, group="Sisällöntuottaja"))
    answer = client.get(LIST, {"export": "csv"})
    assert QUESTION not in answer.content.decode()
    assert "Content-Disposition" not in answer


def test_export_accepts_app_code_instead_of_password(client: Client, kati: User) -> None:
    assert "Vahvista koodilla" not in client.get(LIST, {"export": "csv"}).content.decode()
    secret = with_app(kati)
    question = client.get(LIST, {"export": "csv", "q": "Maija"})
    assert "Vahvista koodilla" in question.content.decode()
    wrong = confirm(client, question, **{"confirm-code": "000000"})
    assert wrong.status_code == 403
    assert "Koodi tai avain ei kelvannut." in wrong.content.decode()
    with time_machine.travel(timezone.now(), tick=False):
        code = code_of(secret)
        back = confirm(client, wrong, **{"confirm-code": code})
        assert (back.status_code, back["Location"]) == (302, f"{LIST}?q=Maija")
        assert "attachment" in client.get(LIST, {"export": "csv"})["Content-Disposition"]
    assert Authenticator.objects.get(user=kati, type=Authenticator.Type.TOTP).last_used_at is not None
    # The same code can't be used twice.
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        assert confirm(client, question, **{"confirm-code": code}).status_code == 403
        recovered = confirm(client, question, **{"confirm-code": recovery_codes(kati)[0]})
        assert recovered.status_code == 302
    assert len(recovery_codes(kati)) == 9


def test_wrong_codes_for_export_are_limited(client: Client, kati: User) -> None:
    secret = with_app(kati)
    question = client.get(LIST, {"export": "csv"})
    for number in range(5):
        confirm(client, question, **{"confirm-code": f"00000{number}"})
    refused = confirm(client, question, **{"confirm-code": code_of(secret)})
    assert refused.status_code == 403
    assert "Liian monta väärää koodia." in refused.content.decode()
    assert confirm(client, question).status_code == 302


def test_export_refuses_code_without_second_step(client: Client) -> None:
    question = client.get(LIST, {"export": "csv"})
    for field in ("confirm-code", "confirm-credential"):
        for value in ("", "000000", "{}", "null"):
            assert confirm(client, question, **{field: value}).status_code == 403
