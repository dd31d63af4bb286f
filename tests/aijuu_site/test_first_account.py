"""The account that the first start creates."""

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from pytest_django import DjangoDbBlocker

from aijuu_site.serving.checks import check_resources
from aijuu_site.serving.preparation import (
    SUPERVISORS_GROUP,
    ensure_supervisor_account,
    prepare_data,
)
from home.models import ContactDetails
from tests.accounts import make_user
from tests.aijuu_site.another_database import another_database


@pytest.mark.django_db
def test_first_start_creates_account_with_generated_password() -> None:
    account = ensure_supervisor_account(email="kati@example.fi", password="")
    assert account is not None
    assert account.generated_password is not None
    assert len(account.generated_password) >= 14
    user = get_user_model().objects.get()
    assert user.check_password(account.generated_password)
    assert (user.email, user.name, user.is_active, user.is_superuser) == (
        "kati@example.fi", "", True, True,
    )  # fmt: skip
    assert user.groups.filter(name=SUPERVISORS_GROUP).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("email", "name"), [("KATI@aijuu.fi", "Kati Levola"), ("muu@example.fi", "")])
def test_first_account_gets_name_of_contact_details(email: str, name: str) -> None:
    ContactDetails.load()
    ContactDetails.objects.update(person_name="Kati Levola", email="kati@aijuu.fi")
    ensure_supervisor_account(email=email, password="")
    user = get_user_model().objects.get()
    assert (user.name, str(user)) == (name, name or email)


@pytest.mark.django_db
def test_configured_admin_password_is_used() -> None:
    account = ensure_supervisor_account(email="kati@example.fi", password="kuusen-alla-istuu-7-lasta")
    assert account is not None
    assert account.generated_password is None
    assert account.weaknesses == ()
    assert get_user_model().objects.get().check_password("kuusen-alla-istuu-7-lasta")


@pytest.mark.django_db
def test_weak_admin_password_gives_warning() -> None:
    account = ensure_supervisor_account(email="kati@example.fi", password="12345")
    assert account is not None
    assert account.weaknesses


WEAK = {"ADMIN_EMAIL": "kati@example.fi", "ADMIN_PASSWORD": "Salasana123"}


@pytest.mark.django_db
def test_weak_admin_password_is_refused_behind_https() -> None:
    with override_settings(HTTPS=True, **WEAK), pytest.raises(CommandError) as caught:
        check_resources()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(
        "ADMIN_PASSWORD: it is too weak for a site that strangers reach. This password is too common."
    )
    assert WEAK["ADMIN_PASSWORD"] not in line
    with override_settings(HTTPS=False, **WEAK):
        check_resources()
    with override_settings(HTTPS=True, **WEAK | {"ADMIN_PASSWORD": "kuusen-alla-istuu-7-lasta"}):
        check_resources()


@pytest.mark.django_db
def test_weak_admin_password_ignored_if_account_exists() -> None:
    make_user(is_superuser=True)
    with override_settings(HTTPS=True, **WEAK):
        check_resources()


@pytest.mark.once
def test_refused_admin_password_creates_no_database(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    with (
        django_db_blocker.unblock(),
        another_database(tmp_path),
        override_settings(HTTPS=True, **WEAK),
        pytest.raises(CommandError) as caught,
    ):
        call_command("prepare")
    assert str(caught.value).startswith("ADMIN_PASSWORD: ")
    assert not (tmp_path / "db.sqlite3").exists()


@pytest.mark.django_db
def test_second_start_changes_no_account() -> None:
    ensure_supervisor_account(email="kati@example.fi", password="kuusen-alla-istuu-7-lasta")
    before = get_user_model().objects.values().get()
    assert ensure_supervisor_account(email="other@example.fi", password="aivan-muu-salasana") is None
    assert get_user_model().objects.values().get() == before


@pytest.mark.django_db
def test_existing_supervisor_needs_no_new_account() -> None:
    user = make_user("kati")
    user.groups.add(Group.objects.get_or_create(name=SUPERVISORS_GROUP)[0])
    assert ensure_supervisor_account(email="kati@example.fi", password="") is None


@pytest.mark.django_db
def test_start_grants_no_rights_to_existing_account() -> None:
    make_user(email="Kati@example.fi")
    with pytest.raises(ValidationError, match="may not supervise"):
        ensure_supervisor_account(email="kati@example.fi", password="")
    assert not get_user_model().objects.get().is_superuser


@pytest.mark.django_db
@pytest.mark.parametrize("rights", ["inactive", "none"])
@pytest.mark.usefixtures("loaded_site")
def test_site_starts_though_nobody_can_sign_in(rights: str) -> None:
    user = make_user(is_superuser=rights == "inactive")
    user.is_active = rights == "none"
    user.save()
    messages: list[str] = []
    with override_settings(ADMIN_EMAIL="Kati@Example.fi"):
        prepare_data(messages.append)
    (warning,) = [line for line in messages if line.startswith("WARNING: nobody can sign in")]
    assert "Set another ADMIN_EMAIL" in warning
    assert get_user_model().objects.count() == 1
    assert Client().get("/").status_code == 200
    assert Client().get("/ota-yhteytta/").status_code == 200
    with override_settings(ADMIN_EMAIL="muu@example.fi", ADMIN_PASSWORD="kuusen-alla-istuu-7-lasta"):
        prepare_data(messages.append)
    assert get_user_model().objects.filter(email="muu@example.fi", is_superuser=True).exists()
