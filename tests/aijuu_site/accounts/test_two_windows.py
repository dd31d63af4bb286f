"""An account form open in two windows: the later save does not undo what the earlier one changed."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from aijuu_site.accounts.models import User
from home.shown_values import digest
from tests.accounts import confirmed, make_user
from tests.two_windows import errors, shown


@pytest.fixture
def maija(db: None) -> User:
    return make_user("Maija Muu", email="maija@example.fi", group="Työnohjaaja")


@pytest.fixture(params=["superuser", "may change accounts"])
def client(db: None, request: Any) -> Client:
    user = make_user("Ylla", group="Sisällöntuottaja", is_superuser=request.param == "superuser")
    user.user_permissions.add(Permission.objects.get(codename="change_user"))
    client = Client()
    client.force_login(user)
    return confirmed(client)


@pytest.fixture
def page(maija: User) -> str:
    """Return the URL of the account's form."""
    return f"/admin/users/edit/{maija.pk}/"


def without(form: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in form.items() if name not in names}


def test_account_form_has_one_hidden_digest_field(client: Client, page: str) -> None:
    form = client.get(page)
    assert shown(form)["seen"]
    assert form.content.decode().count('<input type="hidden" name="seen"') == 1


def test_later_save_does_not_reactivate_account(client: Client, page: str, maija: User) -> None:
    first = second = shown(client.get(page))
    assert client.post(page, without(first, "is_active", "groups")).status_code == 302
    assert client.post(page, {**second, "name": "Maija Muutos"}).status_code == 302
    maija.refresh_from_db()
    assert (maija.name, maija.is_active, list(maija.groups.all())) == ("Maija Muutos", False, [])


def test_later_save_keeps_added_groups(client: Client, page: str, maija: User) -> None:
    both = [str(pk) for pk in Group.objects.order_by("-pk").values_list("pk", flat=True)]
    first = second = shown(client.get(page))
    client.post(page, {**first, "groups": both})
    client.post(page, {**second, "name": "Maija Muutos"})
    assert sorted(str(group.pk) for group in maija.groups.all()) == sorted(both)


def test_form_with_validation_error_restores_nothing(client: Client, page: str, maija: User) -> None:
    first = second = shown(client.get(page))
    client.post(page, without(first, "is_active", "groups"))
    refused = client.post(page, {**second, "name": ""})
    assert errors(refused).keys() == {"name"}
    again = shown(refused)
    assert "is_active" not in again
    assert "groups" not in again
    assert client.post(page, {**again, "name": "Maija Muutos"}).status_code == 302
    maija.refresh_from_db()
    assert (maija.name, maija.is_active, list(maija.groups.all())) == ("Maija Muutos", False, [])


def test_conflicting_change_is_refused_once(client: Client, page: str, maija: User) -> None:
    editor = Group.objects.get(name="Sisällöntuottaja")
    first = second = shown(client.get(page))
    client.post(page, {**first, "name": "Maija Muutos", "groups": [str(editor.pk)]})
    refused = client.post(page, without({**second, "name": "Maija Toinen"}, "groups"))
    message = "Tätä on muutettu toisessa ikkunassa. Nyt siinä on: ”{}”. Tallenna uudelleen, jos haluat korvata sen."
    assert errors(refused) == {"name": message.format("Maija Muutos"), "groups": message.format("Sisällöntuottaja")}
    maija.refresh_from_db()
    assert (maija.name, list(maija.groups.all())) == ("Maija Muutos", [editor])
    again = shown(refused)
    assert again["name"] == "Maija Toinen"
    assert "groups" not in again
    assert client.post(page, again).status_code == 302
    maija.refresh_from_db()
    assert (maija.name, list(maija.groups.all())) == ("Maija Toinen", [])


def test_post_without_digests_is_saved(client: Client, page: str, maija: User) -> None:
    form = shown(client.get(page))
    client.post(page, without(form, "is_active"))
    assert client.post(page, without({**form, "name": "Maija Muutos"}, "seen")).status_code == 302
    maija.refresh_from_db()
    assert (maija.name, maija.is_active) == ("Maija Muutos", True)


def test_digest_ignores_order_of_groups(db: None) -> None:
    groups = list(Group.objects.order_by("pk"))
    assert len(groups) > 1
    assert digest(groups) == digest(groups[::-1]) == digest(Group.objects.order_by("-pk")) != digest(groups[1:])
