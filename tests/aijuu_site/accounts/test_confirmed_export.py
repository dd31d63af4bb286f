"""An open session is not enough to take all enquiries away: a download asks for the password first."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.accounts import make_user
from tests.aijuu_site.accounts.test_changing_accounts import PASSWORD, QUESTION, confirm

LIST = "/admin/yhteydenotot/"


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(make_user(password=PASSWORD, group="Työnohjaaja"))
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


def test_export_asks_again_after_ten_minutes(client: Client) -> None:
    confirm(client, client.get(LIST, {"export": "csv"}))
    assert client.get(LIST, {"export": "csv"}).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1), tick=False):
        assert client.get(LIST, {"export": "csv"}).status_code == 403


def test_list_without_export_needs_no_password(client: Client) -> None:
    for query in ("", "?export=", "?export=json", "?q=csv"):
        assert client.get(LIST + query).status_code == 200


def test_who_may_not_export_is_not_asked(db: None) -> None:
    client = Client()
    client.force_login(make_user(password=PASSWORD, group="Sisällöntuottaja"))
    answer = client.get(LIST, {"export": "csv"})
    assert QUESTION not in answer.content.decode()
    assert "Content-Disposition" not in answer
