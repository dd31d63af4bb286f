"""Common attacks: open redirects, path traversal, header injection, and account enumeration."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client, override_settings
from wagtail.models import PageViewRestriction

from home.models import ContentPage
from tests.accounts import make_user

pytestmark = pytest.mark.usefixtures("loaded_site")

PASSWORD = "kuusen-alla-istuu-7-lasta"
OTHER_SITES = [
    "https://evil.example/",
    "http://evil.example",
    "//evil.example/",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "//evil.example%2f@testserver/",
    "/admin/\r\nLocation: https://evil.example/",
    "\u2028//evil.example",
]


def leaves_site(location: str) -> bool:
    """Return whether a browser that follows `location` leaves the site. Browsers read "\\" as "/" (WHATWG URL)."""
    seen = location.replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "").lstrip()
    parts = urlsplit(seen)
    return "evil" in (parts.hostname or "") or seen.startswith("//") or parts.scheme not in ("", "http", "https")


def assert_no_open_redirect(response: Any) -> None:
    assert response.status_code < 500
    location = response.headers.get("Location", "")
    assert not leaves_site(location), location
    assert "\n" not in location
    assert "\r" not in location


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(make_user("yllapito", is_superuser=True, password=PASSWORD))
    return client


@pytest.mark.parametrize("target", OTHER_SITES)
def test_login_has_no_open_redirect(target: str) -> None:
    user = make_user("Kati", is_superuser=True, password=PASSWORD)
    client = Client()
    sent = {"username": user.email, "password": PASSWORD, "next": target}
    assert_no_open_redirect(client.post("/admin/login/", sent))
    assert_no_open_redirect(Client().post(f"/admin/login/?next={target}", sent))
    # A signed-in user is redirected at once.
    assert_no_open_redirect(client.get("/admin/login/", {"next": target}))


@pytest.mark.parametrize("target", OTHER_SITES[:6])
def test_logout_has_no_open_redirect(superuser: Client, target: str) -> None:
    assert_no_open_redirect(superuser.post("/admin/logout/", {"next": target}))
    assert_no_open_redirect(Client().get("/_util/login/", {"next": target}))


@pytest.mark.parametrize("target", OTHER_SITES)
def test_page_password_has_no_open_redirect(target: str) -> None:
    page = ContentPage.objects.get(slug="saavutettavuus")
    restriction = PageViewRestriction.objects.create(page=page, restriction_type="password", password="kivi")
    address = f"/_util/authenticate_with_password/{restriction.pk}/{page.pk}/"
    assert_no_open_redirect(Client().post(address, {"password": "kivi", "return_url": target}))


def test_admin_actions_have_no_open_redirect(superuser: Client) -> None:
    page = ContentPage.objects.get(slug="saavutettavuus")
    for target in OTHER_SITES:
        assert_no_open_redirect(superuser.post(f"/admin/pages/{page.pk}/lock/", {"next": target}))
    for action in ("unlock", "unpublish", "delete"):
        for target in OTHER_SITES[:3]:
            assert_no_open_redirect(superuser.post(f"/admin/pages/{page.pk}/{action}/", {"next": target}))


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example/", "/%5cevil.example", "/%2f%2fevil.example", "/%09/evil.example"]
)
def test_no_path_is_an_open_redirect(path: str) -> None:
    for spelled in (path, path.rstrip("/")):
        assert_no_open_redirect(Client().get(spelled))


@pytest.mark.parametrize(
    "path", ["/tietosuoja%0d%0aSet-Cookie:%20a=b", "/%0d%0aX:%20y", "/admin%0d%0aX:y", "/media/a%0d%0aX:y.svg"]
)
def test_line_break_in_url_injects_no_header(path: str) -> None:
    response = Client().get(path)
    assert response.status_code in (301, 302, 400, 404)
    assert not response.cookies
    assert not [value for value in response.headers.values() if "\n" in value or "\r" in value]
    assert "X" not in response.headers


TRAVERSALS = [
    "../secret_key", "..%2fsecret_key", "%2e%2e/secret_key", "%2e%2e%2fsecret_key", "..%5csecret_key", "..\\secret_key",
    "css/../../secret_key", "css/%2e%2e/%2e%2e/secret_key", ".%2e/secret_key", "....//secret_key", "/secret_key",
    "%252e%252e%252fsecret_key", "..%c0%afsecret_key", "..%00/secret_key", "css/..;/../secret_key",
]  # fmt: skip


@pytest.mark.parametrize("folder", ["/static/", "/media/", "/admin/uploads/", "/documents/1/"])
def test_path_traversal_is_refused(folder: str, tmp_path: Path, superuser: Client) -> None:
    (tmp_path / "static" / "css").mkdir(parents=True)
    for name in ("media", "uploads"):
        (tmp_path / name).mkdir()
    (tmp_path / "secret_key").write_text("salaisuus")
    with override_settings(STATIC_ROOT=tmp_path / "static", MEDIA_ROOT=tmp_path / "media"):
        # Only the folder of the admin needs a login.
        client = superuser if folder == "/admin/uploads/" else Client()
        for spelled in TRAVERSALS:
            response = client.get(f"{folder}{spelled}")
            assert response.status_code in (301, 302, 400, 404), spelled
            assert b"salaisuus" not in response.getvalue(), spelled


@pytest.mark.parametrize("group", ["", "Sisällöntuottaja"])
@pytest.mark.parametrize(
    "path", ["/admin/users/", "/admin/users/1/", "/admin/groups/", "/admin/users/new/", "/admin/reports/site-history/"]
)
def test_list_of_accounts_is_private(group: str, path: str) -> None:
    hidden = make_user("Salainen Ylläpitäjä", email="salainen@example.fi", is_superuser=True)
    client = Client()
    if group:
        client.force_login(make_user("Sisko", group=group))
    response = client.get(path.replace("/1/", f"/{hidden.pk}/"), follow=True)
    assert hidden.email not in response.text
    assert hidden.name not in response.text


def test_password_reset_reveals_no_account() -> None:
    known = make_user("Kati")
    texts = []
    for email in (known.email, "joku@muu.fi"):
        response = Client().post("/admin/password_reset/", {"email": email})
        texts.append((response.status_code, response.headers.get("Location"), response.text))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "X" * 30])
@pytest.mark.parametrize("path", ["/", "/ota-yhteytta/", "/admin/login/", "/static/x.css", "/health/live"])
def test_unusual_methods_are_refused(method: str, path: str) -> None:
    response = Client().generic(method, path, headers={"cookie": "a=salaisuus"})
    assert response.status_code in (400, 403, 404, 405)
    assert "salaisuus" not in response.text


def test_project_files_are_not_served() -> None:
    for path in ("/.env", "/.git/config", "/db.sqlite3", "/var/db.sqlite3", "/secret_key", "/manage.py", "/metrics"):
        assert Client().get(path, follow=True).status_code == 404
    assert settings.DEBUG is False
