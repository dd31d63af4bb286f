"""Allowed parents and addresses of pages, and publishing of scheduled pages and of several at once."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from wagtail.models import Page, Revision, Site
from wagtail.test.utils import WagtailPageTestCase
from wagtail.test.utils.form_data import nested_form_data, rich_text, streamfield

from home.models import ContentPage, HomePage, ServicePage
from home.page_addresses import is_taken_address, refuse_scheduled_address
from tests.accounts import make_user


def form_data(page: Page) -> dict[str, Any]:
    """Return the editor's form data for a page with an empty body."""
    empty = {"lead": rich_text(""), "intro": rich_text(""), "body": streamfield([])}
    return nested_form_data({"title": page.title, "slug": page.slug, **empty})


class PageRules(WagtailPageTestCase):
    def test_single_front_page_directly_below_root(self) -> None:
        self.assertAllowedParentPageTypes(HomePage, {Page})
        assert not HomePage.can_create_at(Page.get_first_root_node())

    def test_service_content_pages_only_below_front_page(self) -> None:
        for model in (ServicePage, ContentPage):
            self.assertAllowedParentPageTypes(model, {HomePage})
            self.assertAllowedSubpageTypes(model, set())
        self.assertCanCreateAt(HomePage, ServicePage)
        self.assertCanCreateAt(HomePage, ContentPage)

    def test_default_site_shows_front_page(self) -> None:
        front = HomePage.objects.get()
        assert Site.objects.get(is_default_site=True).root_page_id == front.pk
        assert front.slug == "etusivu"
        self.assertPageIsRoutable(front)
        self.assertPageIsRenderable(front)
        self.assertPageIsEditable(front, post_data=form_data(front))
        self.assertPageIsPreviewable(front, post_data=form_data(front))

    def test_empty_page_of_each_type_renders(self) -> None:
        front = HomePage.objects.get()
        for model in (ServicePage, ContentPage):
            page = front.add_child(instance=model(title="Tyhjä", slug=model._meta.model_name))
            self.assertPageIsRenderable(page)
            self.assertPageIsEditable(page, post_data=form_data(page))
            self.assertPageIsPreviewable(page, post_data=form_data(page))

    def test_editor_fields_are_finnish(self) -> None:
        self.client.force_login(make_user(is_superuser=True))
        html = self.client.get(reverse("wagtailadmin_pages:edit", args=[HomePage.objects.get().pk])).text
        for words in ("Ingressi", "Etusivun kuva", "Hakukoneille"):
            assert words.lower() in html.lower()
        for words in ("Title for search engines", "Picture of the front page"):
            assert words.lower() not in html.lower()

    def test_reserved_slug_is_refused(self) -> None:
        front = HomePage.objects.get()
        for slug in ("admin", "jatka", "static", "media"):
            with pytest.raises(ValidationError) as refused:
                ContentPage(title="Koe", slug=slug, path="0001", depth=3).full_clean()
            assert refused.value.message_dict["slug"] == ["Sivusto tarvitsee tämän osoitteen itse. Valitse toinen."]
        self.client.force_login(make_user(is_superuser=True))
        page = front.add_child(instance=ContentPage(title="Koe", slug="koe"))
        copy = {"new_title": "Koe", "new_slug": "jatka", "new_parent_page": front.pk}
        answer = self.client.post(reverse("wagtailadmin_pages:copy", args=[page.pk]), copy)
        self.assertContains(answer, "Sivusto tarvitsee tämän osoitteen itse.")
        assert not ContentPage.objects.filter(slug="jatka").exists()
        assert not is_taken_address("yksilotyonohjaus")


@pytest.fixture
def kati(loaded_site: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_user("Kati", group="Työnohjaaja"))
    return client


def scheduled_to_become(slug: str) -> ContentPage:
    """Return a published page with a scheduled version that has this slug."""
    return schedule("Syksy", slug, day=1)


def schedule(title: str, slug: str, *, day: int) -> ContentPage:
    page = HomePage.objects.get().add_child(instance=ContentPage(title=title, slug=title.lower()))
    page.save_revision().publish()
    page = ContentPage.objects.get(pk=page.pk)
    page.slug, page.go_live_at = slug, datetime(2090, 12, day, 6, 0, tzinfo=UTC)
    page.save_revision().publish()
    return ContentPage.objects.get(pk=page.pk)


def refusals(answer: Any) -> str:
    assert answer.status_code == 200
    soup = BeautifulSoup(answer.content, "html.parser")
    return " ".join(one.get_text(" ", strip=True) for one in soup.select(".w-field__errors"))


SCHEDULED = "Sivu ”Syksy” saa tämän osoitteen 1.12.2090 klo 8.00. Valitse toinen osoite."


@pytest.mark.parametrize("action", ["", "action-publish"])
def test_address_of_a_scheduled_version_is_refused(kati: Client, action: str) -> None:
    page = scheduled_to_become("uutta")
    other = HomePage.objects.get().add_child(instance=ContentPage(title="Muu", slug="muu"))
    address = reverse("wagtailadmin_pages:edit", args=[other.pk])
    sent = {**form_data(other), "slug": "uutta", **({action: "1"} if action else {})}
    assert SCHEDULED in refusals(kati.post(address, sent))
    front = HomePage.objects.get()
    # The address is free for the page itself, below another parent, and for every page once nothing is scheduled.
    refuse_scheduled_address("uutta", parent=front, page=page)
    refuse_scheduled_address("uutta", parent=page)
    refuse_scheduled_address("muuta", parent=front)
    Revision.objects.update(approved_go_live_at=None)
    assert kati.post(address, sent).status_code == 302


def test_new_page_and_copy_refuse_scheduled_address(kati: Client) -> None:
    page, front = scheduled_to_become("uutta"), HomePage.objects.get()
    new = reverse("wagtailadmin_pages:add", args=["home", "contentpage", front.pk])
    sent = {**form_data(page), "title": "Uutta", "slug": "uutta"}
    assert SCHEDULED in refusals(kati.post(new, sent))
    copy = {"new_title": "Uutta", "new_slug": "uutta", "new_parent_page": front.pk}
    source = front.add_child(instance=ContentPage(title="Muu", slug="muu"))
    assert SCHEDULED in refusals(kati.post(reverse("wagtailadmin_pages:copy", args=[source.pk]), copy))
    assert not Page.objects.filter(slug="uutta").exists()


def test_copy_checks_address_below_its_parent(kati: Client) -> None:
    scheduled_to_become("uutta")
    front = HomePage.objects.get()
    above = front.add_child(instance=ContentPage(title="Muu", slug="muu"))
    source = above.add_child(instance=ContentPage(title="Alla", slug="alla"))
    address = reverse("wagtailadmin_pages:copy", args=[source.pk])
    sent = {"new_title": "Uutta", "new_slug": "uutta"}
    assert SCHEDULED in refusals(kati.post(address, {**sent, "new_parent_page": front.pk}))
    assert SCHEDULED not in refusals(kati.post(address, {**sent, "new_parent_page": above.pk}))


def test_refusal_names_the_first_scheduled_page(loaded_site: None) -> None:
    schedule("Talvi", "uutta", day=2)
    scheduled_to_become("uutta")
    with pytest.raises(ValidationError, match="Sivu ”Syksy” saa tämän osoitteen"):
        refuse_scheduled_address("uutta", parent=HomePage.objects.get())


def test_second_version_with_a_scheduled_address_is_refused(kati: Client) -> None:
    scheduled_to_become("uutta")
    other = HomePage.objects.get().add_child(instance=ContentPage(title="Muu", slug="muu"))
    sent = {**form_data(other), "slug": "uutta", "go_live_at": "2.12.2090 klo 8.00", "action-publish": "1"}
    assert SCHEDULED in refusals(kati.post(reverse("wagtailadmin_pages:edit", args=[other.pk]), sent))


def test_scheduled_version_is_published_despite_conflict(loaded_site: None) -> None:
    """Both were stored before this rule, or by a program: the earlier version is still published."""
    page = scheduled_to_become("uutta")
    schedule("Muu", "uutta", day=2)
    with time_machine.travel(datetime(2090, 12, 1, 7, 0, tzinfo=UTC)):
        page.scheduled_revision.publish()
    assert Page.objects.get(slug="uutta").pk == page.pk


def draft_with(title: str, slug: str) -> ContentPage:
    """Return an unpublished page whose draft has this slug."""
    page: ContentPage = HomePage.objects.get().add_child(
        instance=ContentPage(title=title, slug=title.lower(), live=False)
    )
    page.slug = slug
    page.save_revision()
    return page


def publish_together(client: Client, *pages: Page) -> str:
    """Publish these pages with the bulk action of the listing, and return the messages shown."""
    chosen = "&".join(f"id={page.pk}" for page in pages)
    address = f"/admin/bulk/wagtailcore/page/publish/?next=/admin/&{chosen}"
    answer = client.post(address, {"include_descendants": "on"}, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain == [("/admin/", 302)]
    return " ".join(
        one.get_text(" ", strip=True) for one in BeautifulSoup(answer.content, "html.parser").select(".messages li")
    )


def test_drafts_with_same_address_are_not_bulk_published(kati: Client) -> None:
    drafts = [draft_with("Yksi", "uutta"), draft_with("Kaksi", "uutta"), draft_with("Kolme", "kolmas")]
    messages = publish_together(kati, *drafts)
    assert "Mitään ei julkaistu." in messages
    assert "uutta" in messages
    assert not Page.objects.filter(pk__in=[page.pk for page in drafts], live=True).exists()
    assert "julkaistu" in publish_together(kati, drafts[0], drafts[2])
    assert "Sivu ”Kaksi”:" in publish_together(kati, drafts[1])


def test_bulk_publishing_refuses_scheduled_address(kati: Client) -> None:
    scheduled_to_become("uutta")
    messages = publish_together(kati, HomePage.objects.get(), draft_with("Muu", "uutta"))
    assert f"Mitään ei julkaistu. Sivu ”Muu”: {SCHEDULED}" in messages


def test_bulk_scheduling_of_same_address_is_refused(kati: Client) -> None:
    """No stored page has the address before the scheduled time."""
    for name in "AB":
        draft_with(name, name.lower()).get_latest_revision().publish()
    pages = list(ContentPage.objects.filter(slug__in="ab"))
    for page in pages:
        page.slug, page.go_live_at = "uutta", datetime(2090, 12, 1, 6, 0, tzinfo=UTC)
        page.save_revision()
    messages = publish_together(kati, *pages)
    assert "Mitään ei julkaistu. Sivu ”B”: Sivu ”A” saa tämän osoitteen 1.12.2090 klo 8.00." in messages
    assert not Revision.objects.filter(approved_go_live_at__isnull=False).exists()
    publish_together(kati, pages[0])
    assert Revision.objects.get(approved_go_live_at__isnull=False).object_id == str(pages[0].pk)


def test_alias_is_published_only_with_its_source(kati: Client) -> None:
    above, source = draft_with("Ylla", "ylla"), draft_with("Muu", "muu")
    alias = source.create_alias(parent=above, update_slug="kopio")
    assert "1 sivu on julkaistu" in publish_together(kati, above)
    publish_together(kati, alias)
    alias.refresh_from_db()
    assert not alias.live
    publish_together(kati, source, alias)
    alias.refresh_from_db()
    assert alias.live


def test_drafts_below_are_published_if_all_are_valid(kati: Client) -> None:
    above = draft_with("Ylla", "ylla")
    for title, slug in (("Yksi", "yksi"), ("Kaksi", "Kaksi tuota")):
        below = above.add_child(instance=ContentPage(title=title, slug=title.lower(), live=False))
        below.slug = slug
        below.save_revision(clean=False)
    assert "Mitään ei julkaistu. Sivu ”Kaksi”:" in publish_together(kati, above)
    assert not Page.objects.filter(slug__in=["ylla", "yksi"], live=True).exists()
    below.slug = "kaksi"
    below.save_revision()
    visible = above.add_child(instance=ContentPage(title="Nyt", slug="nyt"))
    visible.title = "Myöhemmin"
    visible.save_revision()
    assert "1 sivu ja 2 alasivua on julkaistu" in publish_together(kati, above, above)
    below.refresh_from_db()
    assert below.live
    assert Page.objects.get(slug="nyt").title == "Nyt"
