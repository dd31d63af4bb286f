"""Which page may stand where, and that the front page replaces Wagtail's welcome page and back."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from wagtail.models import Page, Site
from wagtail.test.utils import WagtailPageTestCase
from wagtail.test.utils.form_data import nested_form_data, rich_text, streamfield

from home.models import ContentPage, HomePage, ServicePage
from home.pages import is_taken_address
from tests.accounts import make_user


def form_data(page: Page) -> dict[str, Any]:
    """What the editor's form sends for a page with an empty body."""
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

    def test_the_site_leads_to_the_front_page(self) -> None:
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

    def test_the_editor_s_fields_are_in_finnish(self) -> None:
        self.client.force_login(make_user(is_superuser=True))
        html = self.client.get(reverse("wagtailadmin_pages:edit", args=[HomePage.objects.get().pk])).text
        for words in ("Ingressi", "Etusivun kuva", "Hakukoneille"):
            assert words.lower() in html.lower()
        for words in ("Title for search engines", "Picture of the front page"):
            assert words.lower() not in html.lower()

    def test_address_that_the_site_needs_is_refused(self) -> None:
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
