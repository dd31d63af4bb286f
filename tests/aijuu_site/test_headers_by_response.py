"""The exact security headers of each class of response behind https."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.http import HttpResponseBase
from django.test import Client, override_settings
from wagtail.documents import get_document_model

from aijuu_site import views
from aijuu_site.kept_pages.keeper import Keeper
from aijuu_site.plain_pages import refused_request_page
from aijuu_site.serving.shell import Shell
from aijuu_site.serving.wsgi_call import base_environ
from home.pause.rules import FormMode
from intake.models import Enquiry
from tests.accounts import make_user, passed_second_step
from tests.aijuu_site.environments import https_settings
from tests.intake.visiting import ADDRESS, Visitor, letter, token
from tests.intake.waiting.visitors import joins, private_address, set_pause

HOST = "www.aijuu-koe.fi"
PUBLIC = (
    "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; img-src 'self'; manifest-src 'self'; script-src 'self'; style-src 'self'"
)
# With the digest of the page's inline style.
PLAIN = f"{PUBLIC} 'sha256-…'"
ADMIN = (
    "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'self'; frame-src 'self'; img-src 'self' blob: data:; manifest-src 'self'; "
    "script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'"
)
MEDIA = "default-src 'none'; frame-ancestors 'none'; sandbox"
ALWAYS = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
PRIVATE = {"referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow"}
NO_STORE = "max-age=0, no-cache, no-store, must-revalidate, private"
# Headers that no class of response may have.
NEVER = ("access-control-", "server", "x-powered-by")
SESSION, CSRF = "__Host-sessionid", "__Host-csrftoken"

Headers = dict[str, str]
pytestmark = pytest.mark.usefixtures("loaded_site")


@pytest.fixture(autouse=True)
def https(tmp_path: Path, settings: Any) -> None:
    for name, value in https_settings(tmp_path, HOST).items():
        setattr(settings, name, value)


class Browser(Client):
    """A browser behind the proxy."""

    def __init__(self, **options: Any) -> None:
        super().__init__(headers={"host": HOST, "x-forwarded-proto": "https"}, **options)


def ask(path: str, **extra: Any) -> HttpResponseBase:
    return Browser(raise_request_exception=False).get(path, **extra)  # type: ignore[return-value]


def form_post(**words: str) -> Any:
    return Visitor(client=Browser()).sends({**letter(), "form_token": token(), **words})


def private_page() -> HttpResponseBase:
    set_pause(FormMode.WAITING_LIST)
    joins(Visitor(client=Browser()))
    return ask(private_address(Enquiry.objects.get()))


def own_copy(end: str = "") -> HttpResponseBase:
    form_post()
    return ask(f"/jatka/{Enquiry.objects.get().receipt}/kopio/{end}")


def too_many() -> HttpResponseBase:
    with override_settings(FORM_RATE_LIMIT=1):
        form_post()
        answer: HttpResponseBase = form_post(message="Toinen viesti.")
    return answer


def server_error() -> HttpResponseBase:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(views, "ContactDetails", None)
        return ask("/.well-known/security.txt")


def uploader() -> Client:
    browser, user = Browser(), make_user("kati@example.fi", is_superuser=True)
    browser.force_login(user)
    return passed_second_step(browser, user)


def uploaded() -> HttpResponseBase:
    name = default_storage.save("original_images/a.svg", ContentFile(b"<svg/>"))
    return uploader().get(f"/admin/uploads/{name}")  # type: ignore[return-value]


def document() -> HttpResponseBase:
    file = get_document_model().objects.create(title="x", file=ContentFile(b"%PDF-1.4", "x.pdf"))
    return ask(file.url)


def media() -> HttpResponseBase:
    return ask(storages["pictures"].url(storages["pictures"].save("images/a.svg", ContentFile(b"<svg/>"))))


def static(tmp_path: Path) -> HttpResponseBase:
    (tmp_path / "site.css").write_text("body{}")
    with override_settings(STATIC_ROOT=tmp_path):
        return ask("/static/site.css")


def kept(path: str) -> tuple[Headers, Headers, Headers]:
    """Return the headers of a page from memory, of its 304 response, and of the rendered response that was kept."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    environ = base_environ(method="GET", path=path, query="", scheme="http", client="127.0.0.1:5", server=":0")
    environ |= {"HTTP_HOST": HOST, "HTTP_X_FORWARDED_PROTO": "https"}
    response, entry = Shell(get_wsgi_application(), Keeper())._call_and_keep(path, environ)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    assert entry is not None
    unchanged = entry.answer(if_none_match=entry.etag)
    assert unchanged.status == 304
    return lower_case(entry.answer().headers), lower_case(unchanged.headers), lower_case(response.headers)


def lower_case(headers: Any) -> Headers:
    return {name.lower(): value for name, value in headers}


# name: response, status, policy, Cache-Control, whether it has a Permissions-Policy, what else differs from ALWAYS
CLASSES: dict[str, tuple[Callable[[], HttpResponseBase], int, str, str, Headers]] = {
    "page": (lambda: ask("/"), 200, PUBLIC, "no-cache", {}),
    "form": (lambda: ask(ADDRESS), 200, PUBLIC, "no-cache, private", {}),
    "form with errors": (lambda: form_post(email="x"), 422, PUBLIC, NO_STORE, {}),
    "thank-you page": (lambda: ask(form_post()["Location"]), 200, PUBLIC, NO_STORE, {}),
    "post that was stored": (form_post, 303, PUBLIC, NO_STORE, {}),
    "private page": (private_page, 200, PUBLIC, "no-store, private", PRIVATE),
    "private page that is gone": (lambda: ask("/jatka/x/"), 404, PUBLIC, "no-store, private", PRIVATE),
    "own copy": (own_copy, 200, PUBLIC, "no-store, private", PRIVATE),
    "own copy to save": (lambda: own_copy("tiedosto/"), 200, PUBLIC, "no-store, private", PRIVATE),
    "own copy that is gone": (lambda: ask("/jatka/x/kopio/"), 410, PUBLIC, "no-store, private", PRIVATE),
    "media": (media, 200, MEDIA, "public, max-age=2592000", {}),
    "upload": (uploaded, 200, MEDIA, "private, no-cache", {}),
    "upload for a stranger": (lambda: ask("/admin/uploads/original_images/a.svg"), 404, PUBLIC, "no-cache", {}),
    "document": (document, 200, "default-src 'none'", "no-cache", {}),
    "not found": (lambda: ask("/tata-ei-ole/"), 404, PUBLIC, "no-cache", {}),
    "too many posts": (too_many, 429, PUBLIC, NO_STORE, {}),
    "server error": (server_error, 500, PLAIN, "no-store", {}),
    "bad request": (lambda: ask("/?q=%00"), 400, PLAIN, "no-store", {}),
    "bad host": (lambda: ask("/", headers={"host": "evil.example"}), 400, PLAIN, "no-store", {}),
    "method not allowed": (lambda: Browser().delete("/robots.txt"), 405, PUBLIC, "no-cache", {}),  # type: ignore[dict-item]
    "login": (lambda: ask("/admin/login/"), 200, ADMIN, NO_STORE, {}),
    "admin": (lambda: uploader().get("/admin/"), 200, ADMIN, NO_STORE, {}),  # type: ignore[dict-item]
    "admin for a stranger": (lambda: ask("/admin/"), 302, ADMIN, NO_STORE, {}),
    "redirect to the slash": (lambda: ask("/tietosuoja"), 301, PUBLIC, "no-cache", {}),
    "redirect to the site's name": (lambda: ask("/", headers={"host": "aijuu-koe.fi"}), 301, PUBLIC, "no-cache", {}),
    "robots.txt": (lambda: ask("/robots.txt"), 200, PUBLIC, "no-cache", {}),
    "health": (lambda: ask("/health/live"), 200, PUBLIC, NO_STORE, {}),
}


def security_headers(headers: Mapping[str, str]) -> Headers:
    """Return the headers of ALWAYS and PRIVATE, the policy and Cache-Control. No other header is about security."""
    found = {name.lower(): value for name, value in headers.items()}
    assert not [name for name in found if name.startswith(NEVER)]
    names = {*ALWAYS, *PRIVATE, "content-security-policy", "cache-control"}
    for name, separator in (("content-security-policy", ";"), ("cache-control", ",")):
        # The order of the parts does not matter.
        found[name] = f"{separator} ".join(sorted(part.strip() for part in found[name].split(separator)))
    policy = re.sub(r" 'nonce-[^']+'", "", found["content-security-policy"])
    found["content-security-policy"] = re.sub(r"'sha256-[^']+'", "'sha256-…'", policy)
    return {name: value for name, value in found.items() if name in names}


def expected(policy: str, cache_control: str, **differs: str) -> Headers:
    return security_headers({**ALWAYS, **differs, "content-security-policy": policy, "cache-control": cache_control})


@pytest.mark.parametrize("name", CLASSES)
def test_security_headers_of_response_class(name: str) -> None:
    respond, status, policy, cache_control, differs = CLASSES[name]
    response = respond()
    response.close()
    assert response.status_code == status
    assert security_headers(response.headers) == expected(policy, cache_control, **differs)
    assert "camera=()" in response["Permissions-Policy"]
    cookies = {"login": {CSRF}, "admin": {CSRF}}.get(name, set())
    assert {cookie for cookie in response.cookies if response.cookies[cookie].value} == cookies


def test_static_file_headers(tmp_path: Path) -> None:
    response = static(tmp_path)
    response.close()
    assert security_headers(response.headers) == expected(PUBLIC, "max-age=60, public")
    assert "Permissions-Policy" not in response


@pytest.mark.parametrize("path", ["/", "/robots.txt", "/tietosuoja/"])
def test_kept_page_has_headers_of_uncached_one(path: str) -> None:
    from_memory, unchanged, rendered = kept(path)
    for headers in (from_memory, unchanged, rendered):
        assert security_headers(headers) == expected(PUBLIC, "no-cache")
        assert "set-cookie" not in headers


@pytest.mark.parametrize("code", [400, 408, 411, 413, 431, 500])
def test_headers_of_request_refused_by_server(code: int) -> None:
    headers, body = refused_request_page(code)
    assert security_headers(dict(headers)) == expected(PLAIN, "no-store")
    assert b"<h1>" in body


def test_redirect_to_https_sends_no_hsts() -> None:
    """A browser ignores the header over http (RFC 6797, 8.1)."""
    for host in (HOST, "aijuu-koe.fi"):
        response = ask("/a/", headers={"host": host, "x-forwarded-proto": "http"})
        assert (response.status_code, response["Location"]) == (301, f"https://{host}/a/")
        assert "Strict-Transport-Security" not in response
        assert response["Content-Security-Policy"]


def test_cookies_are_host_only_secure_and_unreadable() -> None:
    user = make_user("kati@example.fi", is_superuser=True, password="kuusen-alla-istuu-7-lasta")
    browser = Browser(enforce_csrf_checks=True)
    page = browser.get("/admin/login/")
    form = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert form is not None
    sent = {"username": user.email, "password": "kuusen-alla-istuu-7-lasta", "csrfmiddlewaretoken": form[1]}
    response = browser.post("/admin/login/", sent, headers={"origin": f"https://{HOST}"})
    assert response.status_code == 302
    assert (set(page.cookies), set(response.cookies)) == ({CSRF}, {SESSION})
    for cookie in (*page.cookies.values(), *response.cookies.values()):
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert (cookie["path"], cookie["domain"]) == ("/", "")
    out = browser.post("/admin/logout/", {"csrfmiddlewaretoken": form[1]}, headers={"origin": f"https://{HOST}"})
    # A browser ignores a Set-Cookie for the prefix __Host- without Secure, so it would keep the cookie.
    assert all(cookie["secure"] for cookie in out.cookies.values())


@pytest.mark.parametrize(
    ("written", "header"),
    [
        ("", "max-age=31536000"),
        ("subdomains", "max-age=31536000; includeSubDomains"),
        ("Preload", "max-age=31536000; includeSubDomains; preload"),
    ],
)
def test_hsts_follows_its_setting(tmp_path: Path, written: str, header: str) -> None:
    with override_settings(**https_settings(tmp_path, HOST, HSTS=written)):
        assert ask("/")["Strict-Transport-Security"] == header


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    yield
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
        signal.connect(close_old_connections)
