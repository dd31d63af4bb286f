"""Pages with a password have the site's design in Finnish. The front page and form pages can't have a password."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from wagtail.models import Page, PageViewRestriction

from home.models import ContentPage, HomePage, ServicePage
from intake.models import ContactPage, Enquiry, MappingPage
from tests.accounts import make_user
from tests.intake.visiting import Visitor, letter, token
from tests.intake.waiting.visitors import set_pause

pytestmark = pytest.mark.usefixtures("loaded_site")
KINDS = ["password", "login", "groups"]
PASSWORD = "kivi-paperi"


@pytest.fixture
def superuser(db: None) -> Client:
    client = Client()
    client.force_login(make_user("ylläpitäjä", is_superuser=True))
    return client


@pytest.fixture
def private_page() -> ContentPage:
    """Protect the privacy page with a password and return it."""
    page = ContentPage.objects.get(slug="tietosuoja")
    PageViewRestriction.objects.create(page=page, restriction_type="password", password=PASSWORD)
    return page


def restrict(page: Page, kind: str) -> PageViewRestriction:
    return PageViewRestriction.objects.create(page=page, restriction_type=kind, password=PASSWORD)


@pytest.mark.parametrize(
    ("type_", "above", "kind"),
    [
        *((ContactPage, above, kind) for above in ("itself", "front page", "root") for kind in KINDS),
        *((type_, above, "password") for type_ in (MappingPage, HomePage) for above in ("itself", "root")),
    ],
)
def test_restriction_does_not_apply_to_form_pages(type_: type[Page], above: str, kind: str) -> None:
    page = type_.objects.get()
    over = {"itself": page, "front page": HomePage.objects.get(), "root": Page.objects.get(depth=1)}
    restrict(over[above], kind)
    answer = Client().get(page.url)
    assert answer.status_code == 200
    assert page.title in answer.content.decode()
    assert not answer.cookies


@pytest.mark.parametrize("kind", KINDS)
def test_form_post_is_stored_despite_restriction(kind: str) -> None:
    set_pause()
    restrict(HomePage.objects.get(), kind)
    restrict(ContactPage.objects.get(), kind)
    visitor = Visitor()
    for below in ("", "viesti/", "odotuslista/"):
        words = {**letter(message=f"Viesti {below}"), "form_token": token()}
        answer = visitor.client.post(ContactPage.objects.get().url + below, words, headers=visitor.headers)
        assert answer.status_code == 303
    assert Enquiry.objects.count() == 3


def offers_privacy(client: Client, page: Page) -> bool:
    shown = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
    return bool(BeautifulSoup(shown, "html.parser").select("[data-a11y-dialog-show=set-privacy]"))


@pytest.mark.parametrize("type_", [ContactPage, MappingPage, HomePage])
def test_form_pages_offer_no_privacy_setting(superuser: Client, type_: type[Page]) -> None:
    page = type_.objects.get()
    assert not offers_privacy(superuser, page)
    address = reverse("wagtailadmin_pages:set_privacy", args=[page.pk])
    superuser.post(address, {"restriction_type": "password", "password": PASSWORD})
    assert not PageViewRestriction.objects.exists()


def test_other_pages_offer_only_password_restriction(superuser: Client) -> None:
    page = ServicePage.objects.get(slug="ryhmatyonohjaus")
    assert offers_privacy(superuser, page)
    address = reverse("wagtailadmin_pages:set_privacy", args=[page.pk])
    offered = BeautifulSoup(superuser.get(address).json()["html"], "html.parser")
    assert [choice["value"] for choice in offered.select("[name=restriction_type]")] == ["none", "password"]


def test_password_page_has_site_design(private_page: ContentPage) -> None:
    client = Client()
    soup = BeautifulSoup(client.get(private_page.url).content.decode(), "html.parser")
    assert soup.find("h1").get_text(strip=True) == "Sivulla on salasana"  # type: ignore[union-attr]
    assert soup.select_one("link[rel=stylesheet][href*='site']")
    assert soup.select_one("meta[name=robots][content=noindex]")
    assert not soup.select("[rel=canonical], [property='og:title'], [type='application/ld+json']")
    label = soup.select_one("main label")
    assert label is not None
    assert "Salasana" in label.get_text()


def answer_password(client: Client, page: ContentPage, password: str) -> Any:
    soup = BeautifulSoup(client.get(page.url).content.decode(), "html.parser")
    form = soup.select_one("main form")
    assert form is not None
    sent = {str(field["name"]): str(field.get("value", "")) for field in form.select("input")}
    return client.post(str(form["action"]), {**sent, "password": password}, follow=True)


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("väärin", "Antamasi salasana ei ole oikein."),
        ("x" * 5000, "Antamasi salasana ei ole oikein."),
        ("", "Tämä kenttä on pakollinen."),
        (" ", "Tämä kenttä on pakollinen."),
        ("\x00", "Virhe:"),
    ],
)
def test_wrong_page_password_shows_finnish_error(private_page: ContentPage, password: str, message: str) -> None:
    answer = answer_password(Client(enforce_csrf_checks=True), private_page, password)
    assert answer.status_code == 200
    text = BeautifulSoup(answer.content.decode(), "html.parser").get_text(" ", strip=True)
    assert text.startswith("Virhe:")
    assert message in text.split("Avaa sivu")[0].split("Sivulla on salasana")[-1]


def test_right_page_password_opens_page(private_page: ContentPage) -> None:
    answer = answer_password(Client(enforce_csrf_checks=True), private_page, PASSWORD)
    assert answer.status_code == 200
    assert private_page.title in answer.content.decode()
    assert answer.redirect_chain == [(private_page.url, 302)]


def test_frontend_login_redirects_to_admin_login() -> None:
    assert Client().get("/_util/login/")["Location"] == reverse("wagtailadmin_login")
