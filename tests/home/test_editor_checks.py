"""Content checks in the editor, and the warning of past days in the pause form."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client, RequestFactory
from django.urls import reverse
from wagtail.admin.userbar import AdminItem, ContentCheckerItem
from wagtail.models import Page

from home import editing as checks
from home.editing import SiteContentChecker, page_findings
from home.models import ContentPage, HomePage, PauseNotice
from home.pause.wording import past_days
from home.wagtail_hooks import use_site_content_checker
from tests.accounts import make_user

pytestmark = pytest.mark.django_db
CLEAN: dict[str, Any] = {"title": "Koe", "slug": "koe", "search_description": "Lyhyt kuvaus sivusta."}
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def text(html: str = "<p>Teksti.</p>", heading: str = "Alku") -> dict[str, Any]:
    return {"type": "text", "value": {"heading": heading, "text": html}}


def keys(page: Page) -> list[str]:
    return [finding.key for finding in page_findings(page)]


def test_valid_page_has_no_findings() -> None:
    assert keys(ContentPage(**CLEAN, intro="<p>Näin ”se” on.</p>", body=[text()])) == []


@pytest.mark.usefixtures("loaded_site")
def test_initial_content_has_no_findings() -> None:
    pages = [page for page in Page.objects.filter(depth__gt=1).specific() if hasattr(page, "body")]
    assert len(pages) >= 6
    assert {page.slug: keys(page) for page in pages if keys(page)} == {}


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"search_description": " "}, checks.DESCRIPTION_MISSING),
        ({"search_description": "a" * 156}, checks.DESCRIPTION_LONG),
        ({"title": "a" * 61}, checks.TITLE_LONG),
        ({"seo_title": "a" * 61}, checks.TITLE_LONG),
        ({"intro": "<p>Sanoo &quot;niin&quot;.</p>"}, checks.STRAIGHT_QUOTES),
        ({"title": 'Sanoo "niin"'}, checks.STRAIGHT_QUOTES),
        ({"body": [text(heading="Tiimin 'oma' aika")]}, checks.STRAIGHT_QUOTES),
        ({"body": [text('<p>Hän on "tässä".</p>')]}, checks.STRAIGHT_QUOTES),
        ({"body": [{"type": "benefits", "value": {"items": ['"oma"']}}]}, checks.STRAIGHT_QUOTES),
    ],
)
def test_each_finding_is_detected(changed: dict[str, Any], finding: checks.Finding) -> None:
    assert page_findings(ContentPage(**{**CLEAN, **changed})) == [finding]


def test_short_seo_title_allows_long_title() -> None:
    assert keys(ContentPage(**{**CLEAN, "title": "a" * 80, "seo_title": "Lyhyt"})) == []


def test_attribute_quotes_and_inches_stay_straight() -> None:
    assert keys(ContentPage(**CLEAN, intro='<p><a href="/x/">x</a> 5" näyttö</p>')) == []


def test_site_content_checker_replaces_wagtails() -> None:
    other = AdminItem()
    items: list[Any] = [other, ContentCheckerItem(in_editor=True)]
    use_site_content_checker(RequestFactory().get("/"), items, None)
    assert items[0] is other
    assert isinstance(items[1], SiteContentChecker)
    assert items[1].in_editor


def test_site_content_checker_keeps_other_rules() -> None:
    request = RequestFactory().get("/")
    theirs = {rule["id"] for rule in ContentCheckerItem().get_axe_custom_rules(request)} - {"empty-meta-description"}
    ours = [rule["id"] for rule in SiteContentChecker().get_axe_custom_rules(request)]
    assert theirs
    assert theirs < set(ours)
    assert "empty-meta-description" not in ours


def test_every_active_rule_has_a_message() -> None:
    configuration = SiteContentChecker().get_axe_configuration(RequestFactory().get("/"))
    rules = configuration["options"]["runOnly"]
    assert {finding.key for finding in checks.FINDINGS} <= set(rules)
    assert set(rules) <= set(configuration["messages"])
    assert "heading-order" in rules


def test_findings_only_in_preview_panel(client: Client, front_page: HomePage) -> None:
    page = front_page.add_child(instance=ContentPage(title="Koe", slug="koe"))
    assert "data-findings" not in client.get("/koe/").text
    client.force_login(make_user(is_superuser=True))
    address = reverse("wagtailadmin_pages:preview_on_edit", args=[page.pk])
    form = {"title": "Koe", "slug": "koe", "intro": "null", "body-count": "0"}
    assert client.post(address, form).json()["is_valid"]
    soup = BeautifulSoup(client.get(address, {"in_preview_panel": "true"}).content, "html.parser")
    assert soup.body is not None
    assert soup.body["data-findings"] == checks.DESCRIPTION_MISSING.key
    assert "data-findings" not in client.get("/koe/").text


@pytest.mark.parametrize(
    ("words", "past"),
    [
        ("Tauolla 1.2.2026 asti", ["1.2.2026"]),
        ("21.11.2026 ja 1. 1. 2025", ["21.11.2026", "1. 1. 2025"]),
        ("22.11.2026, 1.2.2027, 1.2., 31.2.2020, 10.2.20261", []),
        ('<a href="/1.1.2020/">sivu</a>', []),
    ],
)
def test_past_days_are_found(words: str, past: list[str]) -> None:
    assert past_days(f"<p>{words}</p>", now=NOW) == past


def settings_form(client: Client, **notice: Any) -> str:
    client.force_login(make_user(is_superuser=True))
    stored = PauseNotice.load()
    for name, value in notice.items():
        setattr(stored, name, value)
    stored.save()
    return client.get(reverse("wagtailsettings:edit", args=["home", "pausenotice"]), follow=True).text


def test_pause_form_warns_of_past_return_day(client: Client) -> None:
    html = settings_form(client, active=True, returns_on=datetime(2024, 2, 1, tzinfo=UTC).date())
    assert "Ilmoituksen päivä 1.2.2024 on tullut." in html
    assert "Omassa sanamuodossasi" not in html


def test_pause_form_warns_past_day_in_message(client: Client) -> None:
    html = settings_form(client, active=True, message="<p>Tauolla 1.2.2024 asti.</p>")
    assert "Omassa sanamuodossasi on mennyt päivä: 1.2.2024." in html


@pytest.mark.parametrize("field", ["upcoming_message", "overdue_message", "resumed_message"])
def test_pause_form_checks_every_wording(client: Client, field: str) -> None:
    html = settings_form(client, active=True, message="<p>1.3.2024</p>", **{field: "<p>1.2.2024, 1.3.2024</p>"})
    assert "1.2.2024" in html.split("Omassa sanamuodossasi on mennyt päivä: ")[1].split(". ")[0]
    assert html.split("Omassa sanamuodossasi")[1].split("</p>")[0].count("1.3.2024") == 1


def test_pause_form_shows_no_warning_without_pause(client: Client) -> None:
    html = settings_form(
        client, active=False, returns_on=datetime(2024, 2, 1, tzinfo=UTC).date(), message="<p>1.2.2024</p>"
    )
    assert "on tullut." not in html
    assert "Omassa sanamuodossasi" not in html
