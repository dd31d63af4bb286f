"""Each e-mail address has at most one account, regardless of case. The admin shows accounts by name."""

import io
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from aijuu_site.accounts.models import User
from tests.accounts import make_user
from tests.aijuu_site.accounts.test_changing_accounts import NEW, PASSWORD, confirm, own_account, user_form

ACCOUNT = "/admin/account/"
TAKEN = "Tällä sähköpostiosoitteella on jo toinen tili."
SPELLINGS = ["kati@example.fi", "KATI@example.fi", " Kati@Example.FI ", "kati@ｅxample.fi"]


@pytest.fixture
def kati(db: None) -> User:
    return make_user("Kati Levola", email="kati@example.fi", password=PASSWORD, is_superuser=True)


@pytest.fixture
def maija(db: None) -> User:
    return make_user("Maija Muu", email="maija@example.fi", password=PASSWORD, group="Sisällöntuottaja")


@pytest.fixture
def client(kati: User) -> Client:
    client = Client()
    client.force_login(kati)
    return client


def words(answer: Any) -> str:
    return " ".join(BeautifulSoup(answer.content, "html.parser").get_text(" ").split())


@pytest.mark.parametrize("spelling", ["kati@example.fi", "KATI@example.fi", "Kati@Example.fi"])
def test_database_refuses_second_account_with_same_email(spelling: str, kati: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email=spelling, name="Toinen")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_user(email=spelling)
    assert User.objects.count() == 1


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_new_account_needs_unused_email(spelling: str, client: Client) -> None:
    form = {"name": "Toinen", "email": spelling}
    answer = confirm(client, client.post("/admin/users/new/", form))
    assert answer.status_code == 200
    assert answer.context["form"].errors == {"email": [TAKEN]}
    assert TAKEN in words(answer)
    assert User.objects.count() == 1


@pytest.mark.parametrize("spelling", SPELLINGS[:2])
def test_edited_account_needs_unused_email(spelling: str, client: Client, maija: User) -> None:
    answer = confirm(client, client.post(f"/admin/users/edit/{maija.pk}/", user_form(maija, email=spelling)))
    assert answer.context["form"].errors == {"email": [TAKEN]}
    maija.refresh_from_db()
    assert maija.email == "maija@example.fi"


def test_own_account_needs_unused_email(client: Client, kati: User, maija: User) -> None:
    values = {"name_email-email": "MAIJA@example.fi", "name_email-current_password": PASSWORD}
    assert TAKEN in words(client.post(ACCOUNT, own_account(**values)))
    kati.refresh_from_db()
    assert kati.email == "kati@example.fi"


def test_case_of_own_email_can_change(client: Client, kati: User) -> None:
    values = {"name_email-email": "Kati@example.fi", "name_email-current_password": PASSWORD}
    assert client.post(ACCOUNT, own_account(**values)).status_code == 302
    kati.refresh_from_db()
    assert kati.email == "Kati@example.fi"


@pytest.mark.parametrize("address", ["/admin/users/new/", "/admin/users/edit/{maija.pk}/"])
def test_account_form_requires_name(address: str, client: Client, maija: User) -> None:
    form = user_form(maija, name="", email="uusi@example.fi", password1=NEW, password2=NEW)
    answer = confirm(client, client.post(address.format(maija=maija), form))
    assert list(answer.context["form"].errors) == ["name"]


def test_own_account_form_requires_name(client: Client, kati: User) -> None:
    assert client.post(ACCOUNT, own_account(**{"name_email-name": " "})).status_code == 200
    kati.refresh_from_db()
    assert kati.name == "Kati Levola"


def test_account_forms_have_name_but_no_username(client: Client, maija: User) -> None:
    for address, prefix in (
        ("/admin/users/new/", ""),
        (f"/admin/users/edit/{maija.pk}/", ""),
        (ACCOUNT, "name_email-"),
    ):
        page = BeautifulSoup(client.get(address).content, "html.parser")
        names = {field["name"] for field in page.select("form input[name]")}
        assert {f"{prefix}name", f"{prefix}email"} <= names
        assert not names & {f"{prefix}{name}" for name in ("username", "first_name", "last_name")}
        labels = [label.get_text(strip=True).rstrip("*") for label in page.select("form label")]
        assert "Nimi" in labels
        assert "Käyttäjätunnus" not in page.get_text()


def rows(client: Client, query: str = "") -> list[str]:
    page = BeautifulSoup(client.get(f"/admin/users/{query}").content, "html.parser")
    return [" ".join(row.get_text(" ").split()) for row in page.select("table.listing tbody tr")]


def test_list_of_users_shows_names(client: Client, maija: User) -> None:
    make_user("Aino Alku", email="zz@example.fi")
    by_name = rows(client)
    assert [row.split(" ")[0] for row in by_name] == ["Aino", "Kati", "Maija"]
    assert "Maija Muu" in by_name[2]
    assert "maija@example.fi" in by_name[2]
    assert [row.split(" ")[0] for row in rows(client, "?ordering=-name")] == ["Maija", "Kati", "Aino"]
    assert [row.split(" ")[0] for row in rows(client, "?ordering=email")] == ["Kati", "Maija", "Aino"]
    page = client.get("/admin/users/").content.decode()
    assert "Sähköpostiosoite" in page
    assert "Käyttäjätunnus" not in page


@pytest.mark.parametrize("query", ["muu", "MAIJA@", "Maija Muu"])
def test_user_search_by_name_and_email(query: str, client: Client, maija: User) -> None:
    found = rows(client, f"?q={query}")
    assert len(found) == 1
    assert "Maija Muu" in found[0]


def test_dashboard_greets_user_by_name(client: Client, kati: User) -> None:
    front = client.get("/admin/").content.decode()
    assert "Kati Levola" in front
    assert kati.email not in front
    User.objects.update(name="")
    assert kati.email in client.get("/admin/").content.decode()


def test_saved_account_message_shows_name(client: Client, maija: User) -> None:
    answer = confirm(client, client.post(f"/admin/users/edit/{maija.pk}/", user_form(maija, name="Maija Uusi")))
    front = words(client.get(answer["Location"]))
    assert "Maija Uusi" in front
    assert str(User.objects.get(pk=maija.pk)) == "Maija Uusi"


def test_createsuperuser_requires_email_and_name(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", email=" Kati@Example.FI", name="Kati", stdout=io.StringIO())
    user = User.objects.get()
    assert (user.email, user.name, user.is_superuser) == ("Kati@example.fi", "Kati", True)
    assert user.check_password(PASSWORD)
    with pytest.raises(CommandError, match="taken"):
        call_command("createsuperuser", "--noinput", email="KATI@example.fi", name="Kati", stdout=io.StringIO())
    with pytest.raises(CommandError, match="name"):
        call_command("createsuperuser", "--noinput", email="muu@example.fi", stdout=io.StringIO())
    with pytest.raises(CommandError):
        call_command("createsuperuser", "--noinput", email="ei osoite", name="Kati", stdout=io.StringIO())
    assert User.objects.count() == 1


@pytest.mark.parametrize("address", ["", "kati", "kati@localhost"])
def test_create_user_requires_valid_email(address: str, db: None) -> None:
    with pytest.raises(ValidationError):
        User.objects.create_user(address, PASSWORD, name="Kati")
    assert not User.objects.exists()


def test_password_similar_to_name_is_refused(client: Client) -> None:
    user = make_user("Tuulikki Meikäläinen", email="t@example.fi")
    form = user_form(user, password1="meikäläinen", password2="meikäläinen")
    answer = confirm(client, client.post(f"/admin/users/edit/{user.pk}/", form))
    assert "password2" in answer.context["form"].errors
