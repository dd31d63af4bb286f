"""Changing an account requires one's own password. The changed account is notified at its old address."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from aijuu_site.accounts.models import User
from intake.choices import MailPurpose
from intake.mail.models import OutgoingMail
from tests.accounts import confirmed, make_user

PASSWORD, NEW = "oikea-salasana-1", "uudempi-salasana-2"
ACCOUNT = "/admin/account/"
QUESTION = "Vahvista, että se olet sinä"


@pytest.fixture
def kati(db: None) -> User:
    return make_user("Kati Levola", email="kati@example.fi", password=PASSWORD, group="Työnohjaaja", is_superuser=True)


@pytest.fixture
def maija(db: None) -> User:
    return make_user("Maija Muu", email="maija@example.fi", password=PASSWORD, group="Sisällöntuottaja")


@pytest.fixture
def client(kati: User) -> Client:
    client = Client()
    client.force_login(kati)
    return client


def own_account(**values: str) -> dict[str, str]:
    return {
        "name_email-name": "Kati Levola",
        "name_email-email": "kati@example.fi",
        "theme-theme": "system",
        "theme-density": "default",
        "theme-contrast": "system",
        **values,
    }


def user_form(user: User, **values: Any) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "is_active": "on",
        "groups": [group.pk for group in user.groups.all()],
        **values,
    }


def notices() -> list[tuple[str, str]]:
    """Return recipient and text of each notice about a changed account."""
    mails = OutgoingMail.objects.filter(purpose=MailPurpose.ACCOUNT_CHANGED).order_by("recipient")
    return [(mail.recipient, mail.text) for mail in mails]


def confirm(client: Client, question: Any, password: str = PASSWORD, **answer: str) -> Any:
    """Answer the password question as a browser would: send its hidden fields with the password or another answer."""
    page = question.content.decode()
    action = re.search(r'<form method="post" action="([^"]+)"', page)
    assert action is not None
    carried: dict[str, list[str]] = {}
    # Each way of answering (password, code, passkey) is a separate form.
    form = page[action.start() :].partition("</form>")[0]
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form):
        if name != "csrfmiddlewaretoken":
            carried.setdefault(name, []).append(value)
    return client.post(action[1].replace("&amp;", "&"), {**carried, **(answer or {"confirm_password": password})})


def test_changing_own_email_needs_the_password(client: Client, kati: User) -> None:
    answer = client.post(ACCOUNT, own_account(**{"name_email-email": "toinen@example.fi"}))
    assert answer.status_code == 200
    assert "Sähköpostiosoitteen vaihtamiseen tarvitaan nykyinen salasanasi." in answer.content.decode()
    # The form shows the typed address again.
    assert "toinen@example.fi" in answer.content.decode()
    kati.refresh_from_db()
    assert kati.email == "kati@example.fi"
    assert notices() == []


UNSAVED = "Tilin tietoja ei tallennettu. Tarkista merkityt kohdat."


@pytest.mark.parametrize(
    "mistake",
    [
        {"name_email-name": ""}, {"name_email-email": "kati"},
        {"password-old_password": "arvaus", "password-new_password1": NEW, "password-new_password2": NEW},
        {"password-new_password1": "lumi-natisee-9", "password-new_password2": "lumi-narskuu-9"}, {"theme-theme": "?"},
    ],
)  # fmt: skip
def test_refused_own_account_form_shows_message_at_top(client: Client, mistake: dict[str, str]) -> None:
    assert UNSAVED in client.post(ACCOUNT, own_account(**mistake)).content.decode()


def test_no_unsaved_message_after_successful_save(client: Client) -> None:
    client.post(ACCOUNT, own_account(**{"name_email-name": ""}))
    assert client.post(ACCOUNT, own_account()).status_code == 302
    assert UNSAVED not in client.get(ACCOUNT).content.decode()


def test_wrong_password_changes_no_email(client: Client, kati: User) -> None:
    values = {"name_email-email": "toinen@example.fi", "name_email-current_password": "arvaus"}
    answer = client.post(ACCOUNT, own_account(**values))
    assert "Tämä ei ole nykyinen salasanasi." in answer.content.decode()
    assert "arvaus" not in answer.content.decode()
    kati.refresh_from_db()
    assert kati.email == "kati@example.fi"


def test_changed_email_notifies_old_address(client: Client, kati: User) -> None:
    values = {"name_email-email": "toinen@example.fi", "name_email-current_password": PASSWORD}
    assert client.post(ACCOUNT, own_account(**values)).status_code == 302
    kati.refresh_from_db()
    assert kati.email == "toinen@example.fi"
    [(recipient, text)] = notices()
    assert recipient == "kati@example.fi"
    assert "sähköpostiosoite vaihdettiin" in text
    assert "Muutoksen teki kati@example.fi." in text
    assert "toinen@example.fi" not in text
    assert "salasana vaihdettiin" not in text
    assert "/admin/password_reset/" in text


@pytest.mark.parametrize("address", ["KATI@example.fi", "kati@EXAMPLE.fi", "kati@example.fi.example.com"])
def test_other_spelling_of_own_email_needs_the_password(address: str, client: Client) -> None:
    client.post(ACCOUNT, own_account(**{"name_email-email": address}))
    assert User.objects.get().email == "kati@example.fi"


WITHOUT_MAIL = ["kati@localhost", "kati@firma™.fi", "kati@a.invalid", "kati@[127.0.0.1]"]


def test_undeliverable_account_email_is_refused(client: Client, kati: User, maija: User) -> None:
    message = "Tarkista sähköpostiosoite."
    for address in WITHOUT_MAIL:
        own = {"name_email-email": address, "name_email-current_password": PASSWORD}
        assert message in client.post(ACCOUNT, own_account(**own)).content.decode(), address
    edit = f"/admin/users/edit/{maija.pk}/"
    assert message in confirm(client, client.post(edit, user_form(maija, email=WITHOUT_MAIL[0]))).content.decode()
    new = user_form(maija, email=WITHOUT_MAIL[0])
    assert message in client.post("/admin/users/new/", new).content.decode()
    assert set(User.objects.values_list("email", flat=True)) == {kati.email, maija.email}


def test_account_email_is_stored_in_readable_form(client: Client, maija: User) -> None:
    edit = f"/admin/users/edit/{maija.pk}/"
    confirm(client, client.post(edit, user_form(maija, email=" maija@FAẞ.de. ")))
    maija.refresh_from_db()
    assert maija.email == "maija@faß.de"


def test_changing_name_or_theme_needs_no_password(client: Client, kati: User) -> None:
    assert client.post(ACCOUNT, own_account(**{"name_email-name": "Katri Levola"})).status_code == 302
    kati.refresh_from_db()
    assert kati.name == "Katri Levola"
    assert notices() == []


def test_changing_own_password_needs_old_password(client: Client, kati: User) -> None:
    new = {"password-new_password1": NEW, "password-new_password2": NEW}
    assert client.post(ACCOUNT, own_account(**new)).status_code == 200
    assert client.post(ACCOUNT, own_account(**new, **{"password-old_password": "arvaus"})).status_code == 200
    kati.refresh_from_db()
    assert kati.check_password(PASSWORD)
    assert client.post(ACCOUNT, own_account(**new, **{"password-old_password": PASSWORD})).status_code == 302
    kati.refresh_from_db()
    assert kati.check_password(NEW)
    assert [recipient for recipient, _text in notices()] == ["kati@example.fi"]
    assert "salasana vaihdettiin" in notices()[0][1]


def test_password_guesses_in_open_session_are_limited(client: Client, kati: User) -> None:
    # Each refused form counts as one guess.
    for number in range(5):
        values = {"name_email-email": "toinen@example.fi", "name_email-current_password": f"arvaus{number}"}
        answer = client.post(ACCOUNT, own_account(**values))
        assert "Tämä ei ole nykyinen salasanasi." in answer.content.decode()
    assert "Liian monta väärää salasanaa" in client.post(ACCOUNT, own_account(**values)).content.decode()
    values["name_email-current_password"] = PASSWORD
    client.post(ACCOUNT, own_account(**values))
    kati.refresh_from_db()
    assert kati.email == "kati@example.fi"


CHANGES: dict[str, dict[str, Any]] = {
    "password": {"password1": NEW, "password2": NEW},
    "email": {"email": "vieras@example.com"},
    "rights": {"is_superuser": "on"},
    "groups": {"groups": []},
    "active": {"is_active": ""},
}


@pytest.mark.parametrize("change", CHANGES)
def test_changing_another_account_needs_the_password(change: str, client: Client, maija: User) -> None:
    before = User.objects.values().get(pk=maija.pk), list(maija.groups.values_list("pk", flat=True))
    form = user_form(maija, **CHANGES[change])
    question = client.post(f"/admin/users/edit/{maija.pk}/", {name: value for name, value in form.items() if value})
    assert question.status_code == 403
    assert QUESTION in question.content.decode()
    assert (User.objects.values().get(pk=maija.pk), list(maija.groups.values_list("pk", flat=True))) == before
    wrong = confirm(client, question, "arvaus")
    assert wrong.status_code == 403
    assert "Tämä ei ole nykyinen salasanasi." in wrong.content.decode()
    assert notices() == []
    # The repeated question still has all fields of the form.
    assert confirm(client, wrong).status_code == 302
    assert (User.objects.values().get(pk=maija.pk), list(maija.groups.values_list("pk", flat=True))) != before
    [(recipient, text)] = notices()
    assert recipient == "maija@example.fi"
    assert "Muutoksen teki kati@example.fi." in text
    assert NEW not in text


def test_creating_superuser_needs_the_password(client: Client) -> None:
    form = {"email": "uusi@example.fi", "name": "Uusi Tili", "is_superuser": "on"}
    question = client.post("/admin/users/new/", form)
    assert question.status_code == 403
    assert not User.objects.filter(email="uusi@example.fi").exists()
    assert confirm(client, question).status_code == 302
    assert User.objects.get(email="uusi@example.fi").is_superuser


@pytest.mark.parametrize(
    ("action", "form"), [("delete", {}), ("set_active_state", {"mark_as_active": "False"}), ("assign_role", {})]
)
def test_account_bulk_actions_need_the_password(action: str, form: dict[str, str], client: Client, maija: User) -> None:
    role = Group.objects.get(name="Työnohjaaja")
    if action == "assign_role":
        form = {"role": str(role.pk)}
    address = f"/admin/bulk/accounts/user/{action}/?next=/admin/users/&id={maija.pk}"
    question = client.post(address, form)
    assert question.status_code == 403
    assert User.objects.get(pk=maija.pk).is_active
    assert role not in maija.groups.all()
    assert confirm(client, question).status_code == 302
    still = User.objects.filter(pk=maija.pk, is_active=True)
    assert still.filter(groups=role).exists() if action == "assign_role" else not still.exists()
    assert [recipient for recipient, _text in notices()] == ["maija@example.fi"]


def test_deleting_account_needs_the_password(client: Client, maija: User) -> None:
    question = client.post(f"/admin/users/delete/{maija.pk}/")
    assert question.status_code == 403
    assert confirm(client, question).status_code == 302
    assert not User.objects.filter(pk=maija.pk).exists()
    assert "tili poistettiin" in notices()[0][1]


@pytest.mark.parametrize("address", ["/admin/groups/new/", "/admin/groups/edit/{pk}/", "/admin/groups/delete/{pk}/"])
def test_changing_groups_needs_the_password(address: str, client: Client) -> None:
    group = Group.objects.get(name="Sisällöntuottaja")
    before = list(group.permissions.all())
    question = client.post(address.format(pk=group.pk), {"name": "Muu"})
    assert question.status_code == 403
    assert QUESTION in question.content.decode()
    assert list(Group.objects.get(name="Sisällöntuottaja").permissions.all()) == before


def test_password_confirmation_lasts_ten_minutes(client: Client, maija: User) -> None:
    address = f"/admin/users/edit/{maija.pk}/"
    # The form has a validation error: the corrected form needs no second confirmation.
    bad = confirm(client, client.post(address, user_form(maija, email="ei osoite")))
    assert bad.status_code == 200
    assert client.post(address, user_form(maija, name="Maiju")).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1), tick=False):
        assert client.post(address, user_form(maija, name="Maija")).status_code == 403
    with time_machine.travel(timezone.now() - timedelta(minutes=5), tick=False):
        assert client.post(address, user_form(maija, name="Maija")).status_code == 403


def test_changed_email_ends_other_sessions(client: Client, kati: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(kati)
    assert elsewhere.get(ACCOUNT).status_code == 200
    values = {"name_email-email": "toinen@example.fi", "name_email-current_password": PASSWORD}
    client.post(ACCOUNT, own_account(**values))
    assert elsewhere.get(ACCOUNT).status_code == 302
    assert client.get(ACCOUNT).status_code == 200


def test_deactivated_then_reactivated_account_is_signed_out(client: Client, maija: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(maija)
    assert elsewhere.get("/admin/").status_code == 200
    assert confirmed(client).get("/admin/").status_code == 200
    edit = f"/admin/users/edit/{maija.pk}/"
    for form in (user_form(maija, is_active=""), user_form(maija)):
        client.post(edit, {name: value for name, value in form.items() if value})
    assert User.objects.get(pk=maija.pk).is_active
    assert elsewhere.get("/admin/").status_code == 302


def test_password_with_surrounding_spaces_confirms(client: Client, kati: User, maija: User) -> None:
    kati.set_password(f" {PASSWORD} ")
    kati.save()
    client.force_login(kati)
    question = client.post(f"/admin/users/edit/{maija.pk}/", user_form(maija, password1=NEW, password2=NEW))
    assert confirm(client, question, f" {PASSWORD} ").status_code == 302
    values = {"name_email-email": "toinen@example.fi", "name_email-current_password": f" {PASSWORD} "}
    client.post(ACCOUNT, own_account(**values))
    kati.refresh_from_db()
    assert kati.email == "toinen@example.fi"


@pytest.mark.parametrize(("address", "purpose"), [(ACCOUNT, "email"), ("/admin/users/new/", "off")])
def test_email_autocomplete_only_on_own_account(client: Client, address: str, purpose: str) -> None:
    field = re.search(r'<input[^>]*name="(?:name_email-)?email"[^>]*>', client.get(address).content.decode())
    assert field is not None
    assert f'autocomplete="{purpose}"' in field[0]


def test_password_question_is_not_cached(client: Client, maija: User) -> None:
    question = client.post(f"/admin/users/edit/{maija.pk}/", user_form(maija, password1=NEW, password2=NEW))
    assert "no-store" in question["Cache-Control"]
    assert 'autocomplete="current-password"' in question.content.decode()


def test_password_question_requires_login(maija: User) -> None:
    answer = Client().post(f"/admin/users/edit/{maija.pk}/", {"password1": NEW})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def test_viewing_accounts_needs_no_password(client: Client, maija: User) -> None:
    for address in ("/admin/users/", f"/admin/users/edit/{maija.pk}/", "/admin/groups/"):
        assert client.get(address).status_code == 200
