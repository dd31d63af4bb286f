"""The page where somebody in the admin changes their own name, password and look."""

from django.contrib.auth.models import Group
from django.test import Client

from aijuu_site.accounts.models import User
from tests.accounts import make_user

ADDRESS = "/admin/account/"


def signed_in(group: str) -> Client:
    user = make_user("kati")
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def test_own_account_page_has_no_notifications_tab(db: None) -> None:
    for group in ("Työnohjaaja", "Sisällöntuottaja"):
        User.objects.all().delete()
        page = signed_in(group).get(ADDRESS).content.decode()
        assert "Ilmoitukset" not in page
        assert "notifications-" not in page
        assert "password-old_password" in page


def test_what_is_left_is_saved(db: None) -> None:
    client = signed_in("Työnohjaaja")
    answer = client.post(
        ADDRESS,
        {
            "name_email-name": "Kati Levola",
            "name_email-email": "kati@example.fi",
            "theme-theme": "dark",
            "theme-density": "default",
            "theme-contrast": "system",
            "theme-keyboard_shortcuts": "on",
        },
    )
    assert answer.status_code == 302
    assert str(User.objects.get()) == "Kati Levola"


def test_without_signing_in_it_leads_to_the_login(db: None) -> None:
    answer = Client().get(ADDRESS)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
    assert "frame-src 'self'" in signed_in("Työnohjaaja").get(ADDRESS)["Content-Security-Policy"]
