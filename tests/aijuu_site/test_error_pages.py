"""The error pages and the maintenance page have the site's design, even while the rest of the site fails."""

import base64
import hashlib
import re
from html import unescape
from io import StringIO
from typing import Any, NoReturn

import pytest
from bs4 import BeautifulSoup, Tag
from django.core.management import call_command
from django.db import OperationalError, connection
from django.http import HttpResponse, HttpResponseBase
from django.template import engines
from django.test import Client
from wagtail.models import Site

from aijuu_site.plain_pages import plain_page, style_sources
from home.models import ContactDetails

NAMES = ["400.html", "413.html", "500.html", "503.html"]


def fail(*_: Any, **__: Any) -> NoReturn:
    raise OperationalError("the database is down")


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


def own_style(html: str) -> str:
    styles = re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)
    assert len(styles) == 1
    return str(styles[0])


def assert_style_is_allowed(response: HttpResponseBase) -> None:
    """Assert that the policy has the digest of the page's inline style, which a browser compares."""
    assert isinstance(response, HttpResponse)
    digest = base64.b64encode(hashlib.sha256(own_style(response.text).encode()).digest()).decode()
    (rule,) = (part for part in response["Content-Security-Policy"].split("; ") if part.startswith("style-src "))
    assert rule == f"style-src 'self' 'sha256-{digest}'"
    assert "unsafe" not in response["Content-Security-Policy"]


def store_contact_details(**facts: str) -> None:
    details = ContactDetails.load()
    for name, value in facts.items():
        setattr(details, name, value)
    details.save()


@pytest.mark.django_db
def test_error_page_without_database(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    store_contact_details(phone="0401234567")
    # A site record that an earlier request has cached would hide the missing database.
    Site.clear_site_root_paths_cache()
    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", fail)
        response = visitor.get("/")
    assert response.status_code == 503
    assert "<h1>Nyt meni jokin vikaan</h1>" in response.text
    assert 'href="tel:+358401234567"' in response.text
    assert "the database is down" not in response.text
    assert response["Cache-Control"] == "no-store"
    assert_style_is_allowed(response)


def test_error_page_survives_failing_context_processor(
    visitor: Client, loaded_site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engines["django"].engine  # type: ignore[attr-defined]
    monkeypatch.setattr(engine, "template_context_processors", (fail,))
    response = visitor.get("/")
    assert response.status_code == 503
    assert "<h1>Nyt meni jokin vikaan</h1>" in response.text
    assert_style_is_allowed(response)


@pytest.mark.parametrize(("address", "host"), [("/?q=%00", "127.0.0.1"), ("/", "evil.example")])
def test_bad_request_gets_styled_page(visitor: Client, address: str, host: str) -> None:
    response = visitor.get(address, headers={"host": host})
    assert response.status_code == 400
    assert "<h1>Pyyntöä ei ymmärretty</h1>" in response.text
    assert response["Cache-Control"] == "no-store"
    assert_style_is_allowed(response)


@pytest.mark.usefixtures("loaded_site")
def test_other_pages_allow_no_inline_style(visitor: Client) -> None:
    assert "sha256-" not in visitor.get("/")["Content-Security-Policy"]
    assert "sha256-" not in visitor.get("/tata-ei-ole/")["Content-Security-Policy"]


@pytest.mark.once
@pytest.mark.parametrize("name", NAMES)
def test_plain_page_loads_no_other_file(name: str) -> None:
    html = plain_page(name)
    assert html.startswith("<!doctype html>")
    assert '<html lang="fi">' in html
    assert not re.search(r"\ssrc\s*=|<link\b|<script\b|@import|url\((?!#)", html)
    assert not re.search(r"\sstyle\s*=|\son[a-z]+\s*=", html)
    # The address is obfuscated against simple harvesters.
    assert "kati.levola@" not in html
    assert "{%" not in html
    assert "{#" not in html


@pytest.mark.once
def test_plain_pages_have_same_style() -> None:
    assert len({own_style(plain_page(name)) for name in NAMES}) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_plain_pages_show_current_contact_details(name: str) -> None:
    store_contact_details(phone="0401234567", email="uusi@example.fi")
    html = plain_page(name)
    assert '<a href="tel:+358401234567">040 123 4567</a>' in html.replace("\u00a0", " ")
    assert "uusi@" not in html
    assert '<a href="mailto:uusi@example.fi">uusi@example.fi</a>' in unescape(html)
    store_contact_details(phone="", email="")
    html = plain_page(name)
    assert "ota yhteyttä näin" not in html
    assert "<li>" not in html
    assert 'href="/"' in html


@pytest.mark.django_db
def test_request_updates_contact_details_of_plain_pages() -> None:
    store_contact_details(phone="0401234567")
    ContactDetails.objects.update(phone="0409876543")
    Client().get("/")
    assert "tel:+358409876543" in plain_page("500.html")


@pytest.mark.django_db
def test_maintenance_page_command_prints_page() -> None:
    store_contact_details(phone="0401234567")
    ContactDetails.objects.update(phone="0409876543")
    output = StringIO()
    call_command("maintenance_page", stdout=output)
    policy = BeautifulSoup(output.getvalue(), "html.parser").find("meta", attrs={"http-equiv": True})
    assert isinstance(policy, Tag)
    # The proxy sends none of our headers with the page, so its policy is in a <meta> element.
    assert policy["content"] == f"default-src 'none'; style-src {' '.join(style_sources(output.getvalue()))}"
    assert re.sub(r"\s*<meta http-equiv[^>]*>", "", output.getvalue()).rstrip() == plain_page("503.html").rstrip()
    assert "<h1>Sivusto on huollossa</h1>" in output.getvalue()
    assert "tel:+358409876543" in output.getvalue()
