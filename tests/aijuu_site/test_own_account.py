"""The admin page on which users change their own name, password and theme."""

from bs4 import BeautifulSoup
from django.contrib.auth.models import Group
from django.test import Client
from wagtail.users.models import UserProfile

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


def test_own_account_saves_name_and_theme(db: None) -> None:
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


def test_own_account_page_requires_login(db: None) -> None:
    answer = Client().get(ADDRESS)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
    assert "frame-src 'self'" in signed_in("Työnohjaaja").get(ADDRESS)["Content-Security-Policy"]


def test_later_save_of_own_account_undoes_nothing(db: None) -> None:
    client = signed_in("Työnohjaaja")
    first, second = own_form(client), own_form(client)
    changes = {"name_email-name": "Kati Levola", "theme-theme": "dark"}
    assert client.post(ADDRESS, {**first, **changes}).status_code == 302
    assert client.post(ADDRESS, {**second, "theme-density": "snug"}).status_code == 302
    user, profile = User.objects.get(), UserProfile.objects.get()
    assert (user.name, profile.theme, profile.density) == (
        "Kati Levola",
        "dark",
        "snug",
    )


def test_conflicting_own_name_is_refused_once(db: None) -> None:
    client = signed_in("Työnohjaaja")
    first, second = own_form(client), own_form(client)
    client.post(ADDRESS, {**first, "name_email-name": "Kati Levola"})
    refused = client.post(ADDRESS, {**second, "name_email-name": "K. Levola", "theme-theme": "dark"})
    assert refused.status_code == 200
    assert "Tätä on muutettu toisessa ikkunassa. Nyt siinä on: ”Kati Levola”." in refused.text
    again = parse(refused.text)
    assert (again["name_email-name"], again["theme-theme"]) == ("K. Levola", "dark")
    assert client.post(ADDRESS, again).status_code == 302
    assert (User.objects.get().name, UserProfile.objects.get().theme) == ("K. Levola", "dark")


def test_email_changed_elsewhere_needs_no_password(db: None) -> None:
    client = signed_in("Työnohjaaja")
    form = own_form(client)
    User.objects.update(email="uusi@example.fi")
    assert client.post(ADDRESS, {**form, "name_email-name": "Kati Levola"}).status_code == 302
    assert (User.objects.get().email, User.objects.get().name) == ("uusi@example.fi", "Kati Levola")


def own_form(client: Client) -> dict[str, str]:
    return parse(client.get(ADDRESS).text)


def parse(page: str) -> dict[str, str]:
    """Return what the page's form sends if nothing on it is changed."""
    found = {}
    fields = BeautifulSoup(page, "html.parser").select("main form [name]:not([name=csrfmiddlewaretoken])")
    for field in fields:
        if field.name == "select":
            chosen = field.select_one("option[selected]") or field.select_one("option")
            found[str(field["name"])] = str(chosen["value"]) if chosen else ""
        elif field.get("type") not in ("checkbox", "radio", "file") or field.has_attr("checked"):
            found[str(field["name"])] = str(field.get("value", ""))
    return found
