"""Pages that the site needs: a warning before one is hidden or deleted, an alert afterwards, and no dead links."""

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
from django.utils.text import slugify
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


def at(address: str) -> Any:
    return next(page for page in Page.objects.filter(depth__gt=1).specific() if page.url == address)


@pytest.fixture(params=RIGHTS)
def editor(request: Any) -> Client:
    return signed_in(request.param)


@pytest.fixture
def kati() -> Client:
    return signed_in("Työnohjaaja")


def signed_in(rights: str) -> Client:
    user = User.objects.filter(email=f"{slugify(rights)}@example.fi").first()
    if user is None:
        user = make_user(rights, is_superuser=rights == "superuser")
    if rights != "superuser":
        user.groups.add(Group.objects.get(name=rights))
    client = Client()
    client.force_login(user)
    return client


def dashboard(client: Client) -> str:
    shown = BeautifulSoup(client.get("/admin/").content, "html.parser")
    return " ".join(alarm.get_text(" ", strip=True) for alarm in shown.select(".enquiry-alert[role=alert]"))


def dead_links(client: Client, *addresses: str) -> dict[str, list[str]]:
    """Return, by page, its links within this site that do not lead to a page."""
    found, statuses = {}, dict[str, int]()
    for address in addresses:
        shown = BeautifulSoup(client.get(address).content, "html.parser")
        assert not shown.select("a:not([href])"), address
        own = {a["href"].split("#")[0] for a in shown.select("a[href^='/']")} - {""}
        # Most links are on every page, so each is requested once.
        statuses |= {link: client.get(link, follow=True).status_code for link in own - statuses.keys()}
        if dead := [link for link in own if statuses[link] != 200]:
            found[address] = dead
    return found


def test_hiding_or_deleting_shows_a_warning() -> None:
    editors = [signed_in(rights) for rights in RIGHTS]
    pages = [at(address) for address in STOPS]
    for action in ("delete", "unpublish"):
        # The warning depends on the page alone, not on the editor.
        for page, editor in zip(pages, cycle(editors), strict=False):
            text = editor.get(f"/admin/pages/{page.pk}/{action}/").content.decode()
            assert STOPS[page.url] in text, page.url
            assert (FINAL in text) == (action == "delete"), page.url
        chosen = "".join(f"&id={page.pk}" for page in (*pages, at("/ryhmatyonohjaus/")))
        text = editors[1].get(f"/admin/bulk/wagtailcore/page/{action}/?next=/admin/{chosen}").content.decode()
        assert [stops for stops in STOPS.values() if stops not in text] == []
        assert (FINAL in text) == (action == "delete")
    assert [page.url for page in pages if not Page.objects.get(pk=page.pk).live] == []


def test_deleting_other_page_warns_it_is_final(kati: Client) -> None:
    page = at("/ryhmatyonohjaus/")
    text = kati.get(f"/admin/pages/{page.pk}/delete/").content.decode()
    assert FINAL in text
    assert "Sivusto tarvitsee tätä sivua" not in text
    assert "Sivusto tarvitsee" not in kati.get(f"/admin/pages/{page.pk}/unpublish/").content.decode()


def test_important_page_cannot_expire() -> None:
    soon = timezone.now() + timedelta(days=1)
    for address in (*STOPS, "/"):
        page = at(address)
        page.expire_at = soon
        with pytest.raises(ValidationError, match="ei voi ajastaa katoamaan"):
            page.full_clean()
    ordinary = at("/ryhmatyonohjaus/")
    ordinary.expire_at = soon
    ordinary.full_clean()


def test_dashboard_alerts_while_pages_are_hidden(kati: Client) -> None:
    assert dashboard(kati) == ""
    pages = [at(address) for address in STOPS]
    for page in pages:
        page.unpublish()
    alerts = dashboard(kati)
    shown = kati.get("/admin/").content.decode()
    for page in pages:
        assert f"Sivu ”{page.title}” on piilossa" in alerts
        assert STOPS[page.url] in alerts
        assert f"/admin/pages/{page.pk}/edit/" in shown
    Page.objects.update(live=True)
    assert dashboard(kati) == ""


def test_dashboard_alerts_while_pages_are_missing() -> None:
    for address in STOPS:
        at(address).delete()
    for editor in map(signed_in, RIGHTS[:2]):
        alarms = BeautifulSoup(editor.get("/admin/").content, "html.parser").select(".enquiry-alert[role=alert]")
        alerts = " ".join(alarm.get_text(" ", strip=True) for alarm in alarms)
        assert [stops for stops in STOPS.values() if stops not in alerts] == []
        assert alerts.count("Korjaa asia") == len(alarms)
        for link in {str(link["href"]) for alarm in alarms for link in alarm.select("a")}:
            assert editor.get(link).status_code in (200, 302)


def test_page_with_two_uses_has_one_alert(kati: Client) -> None:
    at("/ota-yhteytta/").unpublish()
    alerts = dashboard(kati)
    assert alerts.count("on piilossa") == 1
    assert STOPS["/ota-yhteytta/"] in alerts
    assert "”Ota yhteyttä” -painikkeita ei ole" in alerts


def test_dashboard_alerts_for_restricted_expiring_moved_pages(kati: Client) -> None:
    privacy = at("/tietosuoja/")
    PageViewRestriction.objects.create(page=privacy, restriction_type="password", password="x")
    assert "salasanan takana" in dashboard(kati)
    PageViewRestriction.objects.all().delete()
    Page.objects.filter(pk=privacy.pk).update(expire_at=timezone.now() + timedelta(days=3))
    assert re.search(r"katoaa sivustolta \d+\.\d+\.\d{4} klo \d+\.\d\d\. Sen jälkeen", dashboard(kati))
    Page.objects.filter(pk=privacy.pk).update(expire_at=None)
    privacy.move(Page.objects.get(depth=1), pos="last-child")
    assert "on sivuston ulkopuolella" in dashboard(kati)
    ContactDetails.objects.update(privacy_page=None)
    assert "ei ole valittu tietosuojasivua" in dashboard(kati)


def test_expiring_page_cannot_be_chosen(kati: Client) -> None:
    confirmed(kati)
    page = HomePage.objects.get().add_child(instance=ContentPage(title="Uusi seloste", slug="uusi-seloste"))
    page.save_revision().publish()
    address = f"/admin/settings/home/contactdetails/{ContactDetails.load().pk}/"
    form = shown(kati.get(address))
    now = timezone.now()
    # A scheduled version, and a published one.
    for live_at, gone_at in ((now + timedelta(days=1), now + timedelta(days=2)), (None, now + timedelta(days=2))):
        page = ContentPage.objects.get(pk=page.pk)
        page.go_live_at, page.expire_at = live_at, gone_at
        page.save_revision().publish()
        names = ("privacy_page", "accessibility_page")
        refused = kati.post(address, {**form, **dict.fromkeys(names, str(page.pk))})
        for name in names:
            error = errors(refused)[name]
            assert f"Sivu ”Uusi seloste” on ajastettu katoamaan {finnish_moment(gone_at)}." in error
            assert shown(refused)[name] == str(page.pk)
    # An earlier choice does not prevent other changes.
    ContactDetails.objects.update(privacy_page=page.pk)
    chosen = shown(kati.get(address))
    saved = kati.post(address, {**chosen, "response_time": "viikossa"})
    assert saved.status_code == 302, errors(saved)
    ContactDetails.objects.update(privacy_page=form["privacy_page"])
    page.expire_at = None
    page.save_revision().publish()
    assert kati.post(address, {**form, "privacy_page": str(page.pk)}).status_code == 302


def test_version_that_expires_important_page_is_not_published() -> None:
    """Stored by a program, or before this was refused: the page stays, and publishing raises an error."""
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


def test_dashboard_alerts_while_front_page_is_hidden(kati: Client) -> None:
    HomePage.objects.get().unpublish()
    assert "Koko sivusto on poissa" in dashboard(kati)


def test_important_page_cannot_be_restricted(editor: Client) -> None:
    user = User.objects.get()
    assert not at("/tietosuoja/").permissions_for_user(user).can_set_view_restrictions()
    assert not at("/saavutettavuus/").permissions_for_user(user).can_set_view_restrictions()
    assert at("/ryhmatyonohjaus/").permissions_for_user(user).can_set_view_restrictions()


# In each case either the contact page or the mapping page still exists.
CONTACT = ["/ota-yhteytta/", "/yksilotyonohjaus/"]
OTHERS = ["/alkukartoitus/", "/tietosuoja/", "/saavutettavuus/"]


@pytest.mark.parametrize("addresses", [CONTACT, OTHERS])
@pytest.mark.parametrize("action", ["unpublish", "delete"])
def test_hidden_pages_leave_no_dead_links(action: str, addresses: list[str]) -> None:
    for address in addresses:
        getattr(at(address), action)()
    client = Client()
    others = [page.url for page in Page.objects.filter(depth__gt=1, live=True).specific()]
    assert others
    assert dead_links(client, *others, "/ei-ole/") == {}


def test_hidden_front_page_is_not_linked() -> None:
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
def test_link_text_stays_without_its_page(action: str) -> None:
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
def test_page_list_omits_hidden_page(action: str) -> None:
    getattr(at("/ryhmatyonohjaus/"), action)()
    rows = BeautifulSoup(Client().get("/").content, "html.parser").select(".ways__link")
    assert [str(row["href"]) for row in rows] == ["/yksilotyonohjaus/", "/tyoyhteison-tyonohjaus/"]


@pytest.mark.parametrize("action", ["unpublish", "delete"])
def test_call_to_action_links_contact_page_instead(action: str) -> None:
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


def test_editor_check_finds_dead_link() -> None:
    front = HomePage.objects.get()
    assert "home-dead-link" not in [finding.key for finding in page_findings(front)]
    at("/ryhmatyonohjaus/").unpublish()
    assert "home-dead-link" in [finding.key for finding in page_findings(front)]


def test_single_pages_cannot_be_copied() -> None:
    front = HomePage.objects.get()
    form = {"new_title": "x", "new_slug": "x", "new_parent_page": front.pk, "publish_copies": "on"}
    # The privacy page is a content page, of which there can be many.
    for page, rights in zip((at("/ota-yhteytta/"), at("/alkukartoitus/"), front, at("/tietosuoja/")), cycle(RIGHTS)):
        editor = signed_in(rights)
        assert f"/admin/pages/{page.pk}/copy/" not in editor.get(f"/admin/pages/{page.pk}/edit/").content.decode()
        editor.post(f"/admin/pages/{page.pk}/copy/", form)
    assert [kind.objects.count() for kind in (ContactPage, MappingPage, HomePage)] == [1, 1, 1]
    assert not Page.objects.filter(slug="x").exists()
    listing = signed_in(RIGHTS[0]).get(f"/admin/pages/{front.pk}/").content.decode()
    for page in (at("/ota-yhteytta/"), at("/alkukartoitus/"), front):
        assert f"/admin/pages/{page.pk}/edit/" in listing
        assert f"/admin/pages/{page.pk}/copy/" not in listing


def test_other_pages_can_be_copied(kati: Client) -> None:
    page = at("/yksilotyonohjaus/")
    assert f"/admin/pages/{page.pk}/copy/" in kati.get(f"/admin/pages/{page.pk}/edit/").content.decode()
    form = {"new_title": "Toinen", "new_slug": "toinen", "new_parent_page": HomePage.objects.get().pk}
    assert kati.post(f"/admin/pages/{page.pk}/copy/", form).status_code == 302
    assert ServicePage.objects.filter(slug="toinen").exists()


def test_page_without_valid_parent_cannot_be_moved(kati: Client) -> None:
    page = at("/ota-yhteytta/")
    listing = kati.get(f"/admin/pages/{HomePage.objects.get().pk}/").content.decode()
    assert f"/admin/pages/{page.pk}/move/" not in listing
    assert kati.get(f"/admin/pages/{page.pk}/move/").status_code in (302, 403)


def test_initial_content_has_all_important_pages() -> None:
    assert {one.key: one.page() is not None for one in important_pages()} == {
        "front": True, "contact-link": True, "privacy": True, "accessibility": True, "contact-form": True,
        "mapping": True,
    }  # fmt: skip
    Site.objects.all().delete()
    assert [one.key for one in important_pages() if one.page() is None] == ["front"]
    assert ContentPage.objects.exists()
