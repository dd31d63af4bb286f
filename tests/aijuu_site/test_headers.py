"""Every response has the security headers."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.http import HttpResponseBase
from django.test import Client, override_settings
from django.urls import reverse

PUBLIC = ["/", "/yksilotyonohjaus/", "/ota-yhteytta/", "/tietosuoja/", "/saavutettavuus/", "/tata-ei-ole/"]


def policy(response: HttpResponseBase) -> dict[str, list[str]]:
    directives = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in directives}


def assert_common_headers(response: HttpResponseBase) -> None:
    assert_file_headers(response)
    for feature in ("camera", "microphone", "geolocation", "payment"):
        assert f"{feature}=()" in response["Permissions-Policy"]


def assert_file_headers(response: HttpResponseBase) -> None:
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"


def assert_public_policy(response: HttpResponseBase) -> None:
    rules = policy(response)
    assert rules["default-src"] == ["'none'"]
    assert rules["frame-ancestors"] == ["'none'"]
    assert rules["base-uri"] == ["'none'"]
    assert rules["form-action"] == ["'self'"]
    sources = {source for values in rules.values() for source in values}
    assert not {source for source in sources if "unsafe" in source or "*" in source}
    own = re.compile(r"'(none|self|nonce-[A-Za-z0-9+/=_-]+)'")
    assert not {source for source in sources if not own.fullmatch(source)}
    assert response["X-Frame-Options"] == "DENY"


@pytest.mark.usefixtures("loaded_site")
@pytest.mark.parametrize("address", PUBLIC)
def test_public_page_loads_only_own_files(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == (404 if address == "/tata-ei-ole/" else 200)
    assert_common_headers(response)
    assert_public_policy(response)
    assert not response.cookies
    html = response.content.decode()
    assert_no_inline_code(html)
    assert_no_third_party_files(html)


def assert_no_inline_code(html: str) -> None:
    assert not re.search(r"<[a-z][^>]*\sstyle\s*=", html)
    assert not re.search(r"<[a-z][^>]*\son[a-z]+\s*=", html)
    assert not re.search(r"<style(?![^>]*\bnonce=)", html)
    # JSON-LD is not executed, so the policy does not block it.
    assert not re.search(r"<script(?! type=\"application/ld\+json\">)(?![^>]*\b(?:nonce|src)=)", html)


def assert_no_third_party_files(html: str) -> None:
    loaded = re.findall(r"""<(?:script|img|iframe|source|video|audio)[^>]*?\ssrc(?:set)?=["']([^"']*)""", html)
    loaded += re.findall(r"""<link[^>]*rel=["'](?:stylesheet|icon|preload|manifest)[^>]*""", html)
    assert not [source for source in loaded if "//" in source]


@pytest.mark.once
def test_static_file_has_security_headers(tmp_path: Path) -> None:
    (tmp_path / "site.css").write_text("body{}")
    with override_settings(STATIC_ROOT=tmp_path):
        response = Client().get("/static/site.css")
    assert response.status_code == 200
    assert_file_headers(response)
    assert_public_policy(response)
    # A static file is not opened as a page. The header would be half of the bytes of a small file's response.
    assert "Permissions-Policy" not in response


@pytest.mark.django_db
@pytest.mark.once
def test_uploaded_svg_runs_no_script(client: Client, tmp_path: Path) -> None:
    script = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    with override_settings(MEDIA_ROOT=tmp_path):
        name = storages["pictures"].save("images/hero.svg", ContentFile(script))
        response = client.get(storages["pictures"].url(name))
        response.close()
    assert response.status_code == 200
    assert response["Content-Type"] == "image/svg+xml"
    assert_common_headers(response)
    rules = policy(response)
    assert rules["default-src"] == ["'none'"]
    assert rules["sandbox"] == []
    assert not [value for values in rules.values() for value in values if value.startswith("'unsafe")]


@pytest.mark.once
@pytest.mark.parametrize("address", ["/media/", "/media/../manage.py", "/media/%2e%2e/manage.py", "/media/none.svg"])
def test_media_serves_no_folder_or_outside_file(client: Client, tmp_path: Path, address: str, db: None) -> None:
    with override_settings(MEDIA_ROOT=tmp_path):
        response = client.get(address)
    assert response.status_code in (400, 404)
    assert_common_headers(response)


@pytest.mark.django_db
def test_login_page_allows_no_foreign_framing(client: Client) -> None:
    response = client.get("/admin/login/")
    assert response.status_code == 200
    assert_common_headers(response)
    assert policy(response)["frame-ancestors"] in (["'self'"], ["'none'"])
    assert response["X-Frame-Options"] in ("SAMEORIGIN", "DENY")


@pytest.mark.usefixtures("loaded_site")
def test_admin_csp_allows_only_listed_sources(admin_client: Client) -> None:
    response = admin_client.get("/admin/")
    assert response.status_code == 200
    assert_common_headers(response)
    rules = policy(response)
    assert rules["default-src"] == ["'none'"]
    assert rules["base-uri"] == ["'none'"]
    sources = {source for values in rules.values() for source in values}
    assert sources <= {"'self'", "'none'", "'unsafe-inline'", "blob:", "data:"}
    assert "no-store" in response["Cache-Control"] or "private" in response["Cache-Control"]


@pytest.mark.usefixtures("loaded_site")
def test_admin_loads_no_third_party_files(admin_client: Client) -> None:
    html = admin_client.get("/admin/").content.decode()
    loaded = re.findall(r"""<(?:script|img|iframe)[^>]*?\ssrc=["']([^"']*)""", html)
    loaded += re.findall(r"""<link[^>]*?\shref=["']([^"']*)""", html)
    assert loaded
    assert not [source for source in loaded if "//" in source]


@pytest.mark.django_db
def test_health_is_not_cached(client: Client) -> None:
    response = client.get("/health/live")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert_public_policy(response)


@pytest.mark.django_db
@pytest.mark.once
def test_admin_is_served_at_admin_path(client: Client) -> None:
    """The admin's own rules (policy, caching, size of a post) depend on this setting."""
    assert reverse("wagtailadmin_home") == settings.ADMIN_PATH
    assert client.get(settings.ADMIN_PATH)["Location"].startswith(f"{settings.ADMIN_PATH}login/")
