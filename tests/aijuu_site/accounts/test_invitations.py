"""A new account has no password. Its owner chooses one with a link that works once, within a week."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.core import mail
from django.test import Client
from django.utils import timezone

from aijuu_site.accounts.models import User
from intake.choices import MailPurpose
from intake.mail.models import OutgoingMail
from tests.accounts import confirmed, make_user
from tests.aijuu_site.accounts.test_new_password import ask, work

CREATE = "/admin/users/new/"
FORM = {"email": "maija@example.fi", "name": "Maija Muu"}
NEW = "uudempi-salasana-2"


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(make_user("Kati Levola", email="kati@example.fi", is_superuser=True))
    return confirmed(client)


def invite(client: Client) -> str:
    """Create the account and return the path of the link in its invitation."""
    assert client.post(CREATE, FORM).status_code == 302
    work()
    return link_in(mail.outbox[-1])


def link_in(message: Any) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/admin/password_reset/confirm/\S+)", str(message.body))
    assert found is not None
    return found[1]


def choose_password(path: str) -> Any:
    """Open the link in a new browser and choose a password there."""
    browser = Client()
    page = browser.get(path, follow=True)
    if not page.context["validlink"]:
        return page
    return browser.post(page.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})


def can_sign_in(password: str) -> bool:
    return Client().post("/admin/login/", {"username": FORM["email"], "password": password}).status_code == 302


def test_new_account_form_has_no_password(client: Client) -> None:
    page = BeautifulSoup(client.get(CREATE).content, "html.parser")
    assert page.select("input[type=password]") == []
    assert client.post(CREATE, {**FORM, "password1": NEW, "password2": NEW}).status_code == 302
    assert not User.objects.get(email=FORM["email"]).has_usable_password()
    assert not can_sign_in(NEW)


def test_invited_person_chooses_a_password(client: Client) -> None:
    path = invite(client)
    message = mail.outbox[-1]
    assert message.to == ["maija@example.fi"]
    assert "Kati Levola teki sinulle tunnukset Aijuun ylläpitoon." in str(message.body)
    assert choose_password(path).status_code == 302
    assert can_sign_in(NEW)
    assert not can_sign_in("")


def test_invitation_link_works_once(client: Client) -> None:
    path = invite(client)
    choose_password(path)
    assert choose_password(path).context["validlink"] is False


@pytest.mark.parametrize(("days", "is_valid"), [(6, True), (8, False)])
def test_invitation_link_lasts_a_week(days: int, is_valid: bool, client: Client) -> None:
    path = invite(client)
    with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
        choose_password(path)
    assert User.objects.get(email=FORM["email"]).has_usable_password() is is_valid


def test_reset_link_lasts_a_day(client: Client) -> None:
    make_user(email="muu@example.fi", password=NEW)
    ask("muu@example.fi")
    work()
    path = link_in(mail.outbox[-1])
    with time_machine.travel(timezone.now() + timedelta(hours=30), tick=False):
        assert choose_password(path).context["validlink"] is False
    assert choose_password(path).status_code == 302


def test_invited_person_can_request_new_invitation(client: Client) -> None:
    invite(client)
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        ask(FORM["email"])
        work()
        assert mail.outbox[-1].subject == "Kutsu ylläpitoon: Aijuu työnohjaus"
        assert choose_password(link_in(mail.outbox[-1])).status_code == 302


def test_no_invitation_without_confirmation(client: Client) -> None:
    session = client.session
    del session["password_confirmed_at"]
    session.save()
    assert client.post(CREATE, FORM).status_code == 403
    assert not User.objects.filter(email=FORM["email"]).exists()
    assert not OutgoingMail.objects.filter(purpose=MailPurpose.INVITATION).exists()


@pytest.mark.parametrize("change", ["inactive", "password", "removed"])
def test_no_invitation_to_changed_account(change: str, client: Client) -> None:
    client.post(CREATE, FORM)
    user = User.objects.get(email=FORM["email"])
    if change == "removed":
        user.delete()
    else:
        user.is_active = change != "inactive"
        if change == "password":
            user.set_password(NEW)
        user.save()
    work()
    assert mail.outbox == []


def test_invitation_token_is_not_stored(client: Client) -> None:
    path = invite(client)
    stored = OutgoingMail.objects.get(purpose=MailPurpose.INVITATION)
    assert path.rstrip("/").rpartition("/")[2] not in stored.text + stored.html


EDIT = "/admin/users/edit/{pk}/"
SWITCH = "/admin/bulk/accounts/user/set_active_state/"


@pytest.mark.parametrize("way", ["address corrected", "switched off and on", "switched off and on among others"])
def test_invitation_is_sent_again_after_account_change(client: Client, way: str) -> None:
    wrong = {**FORM, "email": "maija@exmaple.fi"} if way == "address corrected" else FORM
    assert client.post(CREATE, wrong).status_code == 302
    work()
    pk = User.objects.get(email=wrong["email"]).pk
    edit, off, on = EDIT.format(pk=pk), FORM, {**FORM, "is_active": "on"}
    if way == "switched off and on among others":
        edit, off, on = f"{SWITCH}?id={pk}", {"mark_as_active": "False"}, {"mark_as_active": "True"}
    if way != "address corrected":
        assert client.post(edit, off).status_code == 302
        work()
    mail.outbox.clear()
    assert client.post(edit, on).status_code == 302
    work()
    (invitation,) = [message for message in mail.outbox if message.to == [FORM["email"]] and "Kutsu" in message.subject]
    assert choose_password(link_in(invitation)).status_code == 302
    assert can_sign_in(NEW)


def test_changed_name_sends_no_second_invitation(client: Client) -> None:
    invite(client)
    mail.outbox.clear()
    edit = EDIT.format(pk=User.objects.get(email=FORM["email"]).pk)
    assert client.post(edit, {**FORM, "name": "Maija Uusi", "is_active": "on"}).status_code == 302
    work()
    assert [message.subject for message in mail.outbox] == []


def test_account_with_a_password_is_not_invited_again(client: Client) -> None:
    invite(client)
    user = User.objects.get(email=FORM["email"])
    user.set_password(NEW)
    user.save()
    invitations = OutgoingMail.objects.filter(purpose=MailPurpose.INVITATION)
    before = invitations.count()
    for fields in (FORM, {**FORM, "is_active": "on"}):
        assert client.post(EDIT.format(pk=user.pk), fields).status_code == 302
        assert invitations.count() == before
