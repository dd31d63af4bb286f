"""Files that programs request at fixed addresses: sitemap, robots.txt, security.txt, manifest, favicon."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from wagtail.models import PageViewRestriction

from home.models import ContactDetails, ContentPage, HomePage
from tests.intake.enquiries import received

pytestmark = pytest.mark.django_db

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture(autouse=True)
def public_site(settings: Any, tmp_path: Path) -> None:
    settings.SITE_URL = "https://aijuu.example"
    settings.MEDIA_ROOT = tmp_path / "media"


def listed(client: Client) -> dict[str, str]:
    """Return the sitemap's addresses with their lastmod dates."""
    response = client.get("/sitemap.xml", headers={"host": "localhost"})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/xml"
    root = ElementTree.fromstring(response.content)  # noqa: S314 - our own
    return {
        url.findtext(f"{SITEMAP}loc", ""): url.findtext(f"{SITEMAP}lastmod", "") for url in root.iter(f"{SITEMAP}url")
    }


def lines(client: Client, address: str) -> list[str]:
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    return response.text.splitlines()


@pytest.mark.usefixtures("loaded_site")
def test_sitemap_lists_canonical_url_of_every_page(client: Client) -> None:
    pages = listed(client)
    assert set(pages) == {
        f"https://aijuu.example/{path}"
        for path in (
            "",
            "yksilotyonohjaus/",
            "ryhmatyonohjaus/",
            "tyoyhteison-tyonohjaus/",
            "alkukartoitus/",
            "ota-yhteytta/",
            "tietosuoja/",
            "saavutettavuus/",
        )
    }
    for address in pages:
        html = client.get(address.removeprefix("https://aijuu.example")).text
        assert f'<link rel="canonical" href="{address}">' in html


def test_sitemap_lastmod_is_last_publication_date(client: Client) -> None:
    page = HomePage.objects.get(slug="etusivu")
    # In Finland this is the next day.
    with time_machine.travel(datetime(2026, 3, 9, 22, 30, tzinfo=UTC), tick=False):
        page.save_revision().publish()
    assert listed(client)["https://aijuu.example/"] == "2026-03-10"


def test_sitemap_excludes_drafts_and_private_pages(client: Client) -> None:
    front = HomePage.objects.get(slug="etusivu")
    front.add_child(instance=ContentPage(title="Luonnos", slug="luonnos", live=False))
    closed = front.add_child(instance=ContentPage(title="Suljettu", slug="suljettu"))
    PageViewRestriction.objects.create(page=closed, restriction_type=PageViewRestriction.LOGIN)
    front.add_child(instance=ContentPage(title="Avoin", slug="avoin"))
    assert set(listed(client)) == {"https://aijuu.example/", "https://aijuu.example/avoin/"}


def test_robots_txt_disallows_only_admin(client: Client) -> None:
    assert lines(client, "/robots.txt") == [
        "User-agent: *",
        "Disallow: /admin/",
        "",
        "Sitemap: https://aijuu.example/sitemap.xml",
    ]


@pytest.mark.usefixtures("loaded_site")
def test_security_txt_has_contact_and_valid_expiry(client: Client) -> None:
    found = lines(client, "/.well-known/security.txt")
    fields: dict[str, list[str]] = {}
    for line in found:
        name, _, value = line.partition(": ")
        fields.setdefault(name, []).append(value)
    assert fields["Contact"] == ["https://aijuu.example/ota-yhteytta/", "tel:+358505348567"]
    assert fields["Preferred-Languages"] == ["fi, en"]
    assert fields["Canonical"] == ["https://aijuu.example/.well-known/security.txt"]
    (expires,) = fields["Expires"]
    left = datetime.fromisoformat(expires) - timezone.now()
    assert timedelta(days=90) < left < timedelta(days=365)
    assert set(fields) == {"Contact", "Preferred-Languages", "Canonical", "Expires"}


@pytest.mark.usefixtures("loaded_site")
def test_security_txt_expiry_moves_with_time(client: Client) -> None:
    with time_machine.travel(datetime(2031, 5, 1, tzinfo=UTC), tick=False):
        assert any(line.startswith("Expires: 2031-10-") for line in lines(client, "/.well-known/security.txt"))


@pytest.mark.usefixtures("loaded_site")
def test_security_txt_omits_missing_contacts(client: Client) -> None:
    details = ContactDetails.load()
    assert details.contact_page is not None
    details.contact_page.unpublish()
    found = lines(client, "/.well-known/security.txt")
    assert [line for line in found if line.startswith("Contact")] == ["Contact: tel:+358505348567"]
    details.phone = ""
    details.save()
    # RFC 9116 requires a Contact, so the file does not exist without one.
    assert client.get("/.well-known/security.txt").status_code == 404


def static_image(address: str) -> Image.Image:
    path = finders.find(address.removeprefix("/static/"))
    assert isinstance(path, str), address
    return Image.open(io.BytesIO(Path(path).read_bytes()))


def test_manifest_icons_match_declared_size_and_type(client: Client) -> None:
    response = client.get("/manifest.webmanifest")
    assert response["Content-Type"] == "application/manifest+json"
    manifest = json.loads(response.content)
    assert (manifest["name"], manifest["short_name"], manifest["lang"], manifest["start_url"]) == (
        "Aijuu työnohjaus",
        "Aijuu",
        "fi",
        "/",
    )
    assert {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]} == {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }
    for icon in manifest["icons"]:
        image = static_image(icon["src"])
        assert "{}x{}".format(*image.size) == icon["sizes"]
        assert (image.format, icon["type"]) == ("PNG", "image/png")
        # A maskable icon must have no transparent corners.
        corner = image.convert("RGBA").getpixel((0, 0))
        assert isinstance(corner, tuple)
        assert (corner[3] == 255) == (icon["purpose"] == "maskable")


@pytest.mark.usefixtures("loaded_site")
def test_pages_link_manifest_icons_and_theme_colours(client: Client) -> None:
    html = client.get("/").text
    manifest = json.loads(client.get(reverse("manifest")).content)
    assert '<link rel="manifest" href="/manifest.webmanifest">' in html
    assert '<link rel="icon" href="/static/img/favicon.svg" type="image/svg+xml">' in html
    assert '<link rel="apple-touch-icon" href="/static/img/icons/apple-touch-icon.png">' in html
    assert static_image("/static/img/icons/apple-touch-icon.png").size == (180, 180)
    assert (
        f'<meta name="theme-color" content="{manifest["theme_color"]}" media="(prefers-color-scheme: light)">' in html
    )
    assert '<meta name="theme-color" content="#0f1f22" media="(prefers-color-scheme: dark)">' in html


def test_favicon_ico_redirects_to_icon_file(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 302
    icon = static_image(response["Location"])
    assert icon.format == "ICO"
    assert icon.size == (32, 32)


@pytest.mark.parametrize(
    "address", ["/robots.txt", "/sitemap.xml", "/favicon.ico", "/manifest.webmanifest", "/.well-known/security.txt"]
)
def test_well_known_files_accept_only_get_and_head(loaded_site: None, client: Client, address: str) -> None:
    assert client.head(address).status_code in (200, 302)
    assert client.post(address).status_code == 405
    assert client.get(address).cookies == {}


@pytest.mark.usefixtures("loaded_site")
def test_thanks_page_is_noindex_without_metadata(client: Client) -> None:
    receipt = received().receipt
    html = client.get(f"/ota-yhteytta/kiitos/{receipt}/").text
    assert '<meta name="robots" content="noindex">' in html
    assert "canonical" not in html
    assert "og:" not in html
    assert "ld+json" not in html
    assert str(receipt) not in client.get("/sitemap.xml").text
