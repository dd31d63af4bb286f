"""Pages that the site needs: who hides or deletes one is warned and keeps being told, and no link is left dead."""

import re
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from wagtail.models import Page, PageViewRestriction, Site
from wagtail.rich_text import RichText

from aijuu_site.accounts.models import User
from home.dates import finnish_moment
from home.editing import page_findings
from home.important_pages import important_pages
from home.models import ContactDetails, ContentPage, HomePage, ServicePage
from intake.models import ContactPage, MappingPage
from tests.accounts import confirmed, make_user
from tests.two_windows import errors, shown

pytestmark = pytest.mark.usefixtures("loaded_site")

STOPS = {
    "/ota-yhteytta/": "Kukaan ei voi lähettää sinulle viestiä",
    "/alkukartoitus/": "Kukaan ei voi aloittaa alkukartoitusta",
    "/tietosuoja/": "ei pääse tietosuojaselosteeseen",
    "/saavutettavuus/": "ei pääse saavutettavuusselosteeseen",
}
FINAL = "Poistaminen on lopullista"
RIGHTS = ["Sisällöntuottaja", "Työnohjaaja", "superuser"]
# What is said depends on the page, and who hears it on the rights: each of both comes once.
EACH = pytest.mark.parametrize(("address", "editor"), list(zip(STOPS, cycle(RIGHTS))), indirect=["editor"])


def at(address: str) -> Any:
    return next(page for page in Page.objects.filter(depth__gt=1).specific() if page.url == address)


@pytest.fixture(params=RIGHTS)
def editor(request: Any) -> Client:
    return signed_in(request.param)


@pytest.fixture
def kati() -> Client:
    return signed_in("Työnohjaaja")


def signed_in(rights: str) -> Client:
    user = make_user("joku", is_superuser=rights == "superuser")
    if rights != "superuser":
        user.groups.add(Group.objects.get(name=rights))
    client = Client()
    client.force_login(user)
    return client


def dashboard(client: Client) -> str:
    shown = BeautifulSoup(client.get("/admin/").content, "html.parser")
    return " ".join(alarm.get_text(" ", strip=True) for alarm in shown.select(".enquiry-alert[role=alert]"))


def dead_links(client: Client, *addresses: str) -> dict[str, list[str]]:
    """The addresses that each page links to on this site and that answer with anything but a page, if there are any."""
    found, statuses = {}, dict[str, int]()
    for address in addresses:
        shown = BeautifulSoup(client.get(address).content, "html.parser")
        assert not shown.select("a:not([href])"), address
        own = {a["href"].split("#")[0] for a in shown.select("a[href^='/']")} - {""}
        # Most links stand on every page.
        statuses |= {link: client.get(link, follow=True).status_code for link in own - statuses.keys()}
        if dead := [link for link in own if statuses[link] != 200]:
            found[address] = dead
    return found


@EACH
def test_who_takes_it_away_is_warned_first(address: str, editor: Client) -> None:
    page = at(address)
    bulk = "/admin/bulk/wagtailcore/page/{action}/?next=/admin/&id={other}&id={page}"
    other = at("/ryhmatyonohjaus/")
    for action in ("delete", "unpublish"):
        for asked in (f"/admin/pages/{page.pk}/{action}/", bulk.format(action=action, page=page.pk, other=other.pk)):
            text = editor.get(asked).content.decode()
            assert STOPS[address] in text, asked
            assert (FINAL in text) == (action == "delete"), asked
    page.refresh_from_db()
    assert page.live


def test_other_pages_only_say_it_is_final(editor: Client) -> None:
    page = at("/ryhmatyonohjaus/")
    text = editor.get(f"/admin/pages/{page.pk}/delete/").content.decode()
    assert FINAL in text
    assert "Sivusto tarvitsee tätä sivua" not in text
    assert "Sivusto tarvitsee" not in editor.get(f"/admin/pages/{page.pk}/unpublish/").content.decode()


@pytest.mark.parametrize("address", [*STOPS, "/"])
def test_it_never_disappears_by_the_clock(address: str) -> None:
    page = at(address)
    page.expire_at = timezone.now() + timedelta(days=1)
    with pytest.raises(ValidationError, match="ei voi ajastaa katoamaan"):
        page.full_clean()
    ordinary = at("/ryhmatyonohjaus/")
    ordinary.expire_at = page.expire_at
    ordinary.full_clean()


@EACH
def test_dashboard_tells_while_it_is_hidden(address: str, editor: Client) -> None:
    assert dashboard(editor) == ""
    page = at(address)
    page.unpublish()
    told = dashboard(editor)
    assert f"Sivu ”{page.title}” on piilossa" in told
    assert STOPS[address] in told
    assert f"/admin/pages/{page.pk}/edit/" in editor.get("/admin/").content.decode()
    page.save_revision().publish()
    assert dashboard(editor) == ""


@EACH
def test_dashboard_tells_while_it_is_missing(address: str, editor: Client) -> None:
    at(address).delete()
    assert STOPS[address] in dashboard(editor)
    assert "Korjaa asia" in dashboard(editor)
    for link in BeautifulSoup(editor.get("/admin/").content, "html.parser").select(".enquiry-alert a"):
        assert editor.get(str(link["href"])).status_code in (200, 302)


def test_one_page_with_two_ends_is_told_once(kati: Client) -> None:
    at("/ota-yhteytta/").unpublish()
    told = dashboard(kati)
    assert told.count("on piilossa") == 1
    assert STOPS["/ota-yhteytta/"] in told
    assert "”Ota yhteyttä” -painikkeita ei ole" in told


def test_dashboard_tells_of_other_ways_to_hide(kati: Client) -> None:
    privacy = at("/tietosuoja/")
    PageViewRestriction.objects.create(page=privacy, restriction_type="password", password="x")
    assert "salasanan takana" in dashboard(kati)
    PageViewRestriction.objects.all().delete()
    Page.objects.filter(pk=privacy.pk).update(expire_at=timezone.now() + timedelta(days=3))
    assert re.search(r"katoaa sivustolta \d+\.\d+\.\d{4} klo \d+\.\d\d\. Sen jälkeen", dashboard(kati))
    Page.objects.filter(pk=privacy.pk).update(expire_at=None)
    ContactDetails.objects.update(privacy_page=None)
    assert "ei ole valittu tietosuojasivua" in dashboard(kati)


def test_page_timed_to_disappear_is_not_chosen(kati: Client) -> None:
    confirmed(kati)
    page = HomePage.objects.get().add_child(instance=ContentPage(title="Uusi seloste", slug="uusi-seloste"))
    page.save_revision().publish()
    address = f"/admin/settings/home/contactdetails/{ContactDetails.load().pk}/"
    form = shown(kati.get(address))
    now = timezone.now()
    # A version that waits, and what is published.
    for live_at, gone_at in ((now + timedelta(days=1), now + timedelta(days=2)), (None, now + timedelta(days=2))):
        page = ContentPage.objects.get(pk=page.pk)
        page.go_live_at, page.expire_at = live_at, gone_at
        page.save_revision().publish()
        for name in ("privacy_page", "accessibility_page"):
            refused = kati.post(address, {**form, name: str(page.pk)})
            said = errors(refused)[name]
            assert f"Sivu ”Uusi seloste” on ajastettu katoamaan {finnish_moment(gone_at)}." in said
            assert shown(refused)[name] == str(page.pk)
    # One that was chosen before stops no other change.
    ContactDetails.objects.update(privacy_page=page.pk)
    chosen = shown(kati.get(address))
    saved = kati.post(address, {**chosen, "response_time": "viikossa"})
    assert saved.status_code == 302, errors(saved)
    ContactDetails.objects.update(privacy_page=form["privacy_page"])
    page.expire_at = None
    page.save_revision().publish()
    assert kati.post(address, {**form, "privacy_page": str(page.pk)}).status_code == 302


def test_version_that_hides_an_important_page_is_not_published() -> None:
    """Chosen by a program, or before this was refused: the page stays, and the failing job is told."""
    page = HomePage.objects.get().add_child(instance=ContentPage(title="Seloste", slug="seloste"))
    page.save_revision().publish()
    page = ContentPage.objects.get(pk=page.pk)
    page.go_live_at, page.expire_at = timezone.now() + timedelta(days=1), timezone.now() + timedelta(days=2)
    page.save_revision().publish()
    ContactDetails.objects.update(privacy_page=page.pk)
    later = time_machine.travel(timezone.now() + timedelta(days=1, hours=1))
    with later, pytest.raises(ValidationError, match="ei voi ajastaa katoamaan"):
        ContentPage.objects.get(pk=page.pk).scheduled_revision.publish()
    page = ContentPage.objects.get(pk=page.pk)
    assert page.live
    assert page.expire_at is None


def test_a_hidden_front_page_is_alarmed(kati: Client) -> None:
    HomePage.objects.get().unpublish()
    assert "Koko sivusto on poissa" in dashboard(kati)


def test_privacy_page_can_get_no_password(editor: Client) -> None:
    user = User.objects.get(email="joku@example.fi")
    assert not at("/tietosuoja/").permissions_for_user(user).can_set_view_restrictions()
    assert not at("/saavutettavuus/").permissions_for_user(user).can_set_view_restrictions()
    assert at("/ryhmatyonohjaus/").permissions_for_user(user).can_set_view_restrictions()


@pytest.mark.parametrize("address", [*STOPS, "/yksilotyonohjaus/"])
@pytest.mark.parametrize("action", ["unpublish", "delete"])
def test_no_link_is_left_dead(action: str, address: str) -> None:
    getattr(at(address), action)()
    client = Client()
    others = [page.url for page in Page.objects.filter(depth__gt=1, live=True).specific()]
    assert others
    assert dead_links(client, *others, "/ei-ole/") == {}


def test_without_front_page_no_link_leads_to_it() -> None:
    HomePage.objects.get().unpublish()
    client = Client()
    assert dead_links(client, "/ei-ole/") == {}
    lost = BeautifulSoup(client.get("/ei-ole/").content, "html.parser")
    assert [a["href"] for a in lost.select("main a.button")] == ["/ota-yhteytta/"]
    assert dead_links(client, "/yksilotyonohjaus/") == {}
    at("/ota-yhteytta/").unpublish()
    lost = BeautifulSoup(client.get("/ei-ole/").content, "html.parser")
    assert not lost.select("main a.button")
    assert lost.select("main a[href^='tel:']")


@pytest.mark.parametrize("action", ["unpublish", "delete"])
def test_words_of_a_link_stay(action: str) -> None:
    service, target = at("/yksilotyonohjaus/"), at("/ryhmatyonohjaus/")
    link = f'<a linktype="page" id="{target.pk}">Ryhmätyönohjaus</a>'
    service.body = [("text", {"heading": "", "text": RichText(f"<p>Katso myös {link}.</p>")})]
    service.save_revision().publish()
    getattr(target, action)()
    main = BeautifulSoup(Client().get(service.url).content, "html.parser").select_one("main")
    assert main is not None
    assert "Ryhmätyönohjaus" in main.text
    assert not main.select("a[href*='ryhma']")


@pytest.mark.parametrize("action", ["unpublish", "delete"])
def test_list_of_pages_leaves_a_hidden_page_out(action: str) -> None:
    getattr(at("/ryhmatyonohjaus/"), action)()
    rows = BeautifulSoup(Client().get("/").content, "html.parser").select(".ways__link")
    assert [str(row["href"]) for row in rows] == ["/yksilotyonohjaus/", "/tyoyhteison-tyonohjaus/"]


@pytest.mark.parametrize("action", ["unpublish", "delete"])
def test_call_to_action_keeps_its_words(action: str) -> None:
    service, target = at("/yksilotyonohjaus/"), at("/alkukartoitus/")
    service.body = [("call_to_action", {"text": "Kerro lisää", "label": "Aloita tästä", "page": target})]
    service.save_revision().publish()
    getattr(target, action)()
    calls = BeautifulSoup(Client().get(service.url).content, "html.parser").select(".cta")
    assert [(call.p.text, call.a["href"]) for call in calls] == [("Kerro lisää", "/ota-yhteytta/")]  # type: ignore[union-attr]


def test_call_to_action_never_leads_to_itself() -> None:
    ContactDetails.objects.update(contact_page=at("/yksilotyonohjaus/"))
    call = BeautifulSoup(Client().get("/yksilotyonohjaus/").content, "html.parser").select_one(".cta")
    assert call is not None
    assert "Sopivin työnohjauksen muoto" in call.text
    assert not call.select("a")


def test_editor_hears_of_a_dead_link() -> None:
    front = HomePage.objects.get()
    assert "home-dead-link" not in [finding.key for finding in page_findings(front)]
    at("/ryhmatyonohjaus/").unpublish()
    assert "home-dead-link" in [finding.key for finding in page_findings(front)]


@pytest.mark.parametrize(
    ("kind", "editor"), list(zip([ContactPage, MappingPage, HomePage], RIGHTS, strict=True)), indirect=["editor"]
)
def test_the_only_one_is_not_copied(kind: type[Page], editor: Client) -> None:
    page = kind.objects.get()
    for address in (f"/admin/pages/{page.pk}/edit/", f"/admin/pages/{page.get_parent().pk}/"):
        assert f"/admin/pages/{page.pk}/copy/" not in editor.get(address).content.decode()
    form = {"new_title": "x", "new_slug": "x", "new_parent_page": HomePage.objects.get().pk}
    editor.post(f"/admin/pages/{page.pk}/copy/", form)
    assert kind.objects.count() == 1


def test_privacy_page_is_not_copied(editor: Client) -> None:
    page = at("/tietosuoja/")
    assert f"/admin/pages/{page.pk}/copy/" not in editor.get(f"/admin/pages/{page.pk}/edit/").content.decode()
    form = {"new_title": "x", "new_slug": "x", "new_parent_page": HomePage.objects.get().pk, "publish_copies": "on"}
    editor.post(f"/admin/pages/{page.pk}/copy/", form)
    assert not Page.objects.filter(slug="x").exists()


def test_other_pages_are_copied(editor: Client) -> None:
    page = at("/yksilotyonohjaus/")
    assert f"/admin/pages/{page.pk}/copy/" in editor.get(f"/admin/pages/{page.pk}/edit/").content.decode()
    form = {"new_title": "Toinen", "new_slug": "toinen", "new_parent_page": HomePage.objects.get().pk}
    assert editor.post(f"/admin/pages/{page.pk}/copy/", form).status_code == 302
    assert ServicePage.objects.filter(slug="toinen").exists()


def test_page_without_valid_parent_cannot_be_moved(editor: Client) -> None:
    page = at("/ota-yhteytta/")
    listing = editor.get(f"/admin/pages/{HomePage.objects.get().pk}/").content.decode()
    assert f"/admin/pages/{page.pk}/move/" not in listing
    assert editor.get(f"/admin/pages/{page.pk}/move/").status_code in (302, 403)


def test_each_is_there_in_the_first_content() -> None:
    assert {one.key: one.page() is not None for one in important_pages()} == {
        "front": True, "contact-link": True, "privacy": True, "accessibility": True, "contact-form": True,
        "mapping": True,
    }  # fmt: skip
    Site.objects.all().delete()
    assert [one.key for one in important_pages() if one.page() is None] == ["front"]
    assert ContentPage.objects.exists()
