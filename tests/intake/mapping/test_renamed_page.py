"""The mapping's page is renamed, unpublished or removed while somebody types on it: no text is lost."""

from typing import Any

import pytest
from django.test import Client

from intake.models import ContactPage, Enquiry, InitialMapping, MappingPage
from tests.intake.conftest import Rename
from tests.intake.contact.test_renamed_pages import post
from tests.intake.mapping.answering import BEGIN, Answerer, contact_facts
from tests.intake.visiting import ADDRESS, ShownForm, page_text


def test_forms_arrive_after_two_pages_swap_names(
    mapping_page: MappingPage, contact_page: ContactPage, rename: Rename
) -> None:
    form = ShownForm.of(Client().get(BEGIN)).values
    rename(contact_page, "valiaikainen")
    rename(mapping_page, "ota-yhteytta")
    rename(contact_page, "alkukartoitus")
    assert post(Client(), ADDRESS).status_code == 303
    assert post(Client(), BEGIN, {**contact_facts(), "form_token": form["form_token"]}).status_code == 303
    assert Enquiry.objects.count() == InitialMapping.objects.count() == 1


@pytest.mark.parametrize("slash", ["/", ""])
def test_start_post_to_old_address_is_stored(answerer: Answerer, rename: Rename, slash: str) -> None:
    form = ShownForm.of(answerer.client.get(BEGIN)).values
    rename(MappingPage.objects.get(), "kartoitus")
    answer = answerer.posts(BEGIN.rstrip("/") + slash, {**form, **contact_facts()})
    assert answer.status_code == 303
    answerer.follows(answer)
    assert InitialMapping.objects.get().facts["name"] == "Maija Meikäläinen"


@pytest.mark.parametrize("place", ["yhteystiedot", "vaihe/2"])
def test_step_post_without_slash_is_stored(begun: Answerer, place: str) -> None:
    words = {"version": begun.version(), "q_muutos": "Lisää tilaa.", **contact_facts(name="Matti")}
    assert begun.posts(begun.address(place).rstrip("/"), words).status_code == 303
    stored = InitialMapping.objects.get()
    assert stored.answers == {"muutos": "Lisää tilaa."} if place == "vaihe/2" else stored.facts["name"] == "Matti"


@pytest.mark.parametrize("path", ["aloita/", "muualle/", "aloita"])
def test_old_mapping_url_redirects_to_new_one(mapping_page: MappingPage, rename: Rename, path: str) -> None:
    rename(mapping_page, "kartoitus")
    answer = Client().get(f"/alkukartoitus/{path}", follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == f"/kartoitus/{path.rstrip('/')}/"


@pytest.mark.parametrize("way", [MappingPage.unpublish, MappingPage.delete])
def test_start_post_to_removed_page_returns_text(answerer: Answerer, way: Any) -> None:
    form = ShownForm.of(answerer.client.get(BEGIN)).values
    way(MappingPage.objects.get())
    answer = answerer.posts(BEGIN, {**form, **contact_facts()})
    assert answer.status_code == 404
    assert "Maija Meikäläinen" in page_text(answer)
    assert form["form_token"] not in answer.content.decode()
