"""The first step: the origin of its post, its form token and the contact facts."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone

from intake.models import InitialMapping, MappingPage
from intake.submission import MAPPING_FORM, new_form_token
from tests.intake.mapping.answering import BEGIN, Answerer, contact_facts
from tests.intake.mapping.kept_words import facts, kept
from tests.intake.visiting import ShownForm, letter

HENKILOTUNNUS = "131052-308T"


def start_token(*, opened: timedelta = timedelta(minutes=5)) -> str:
    return new_form_token(timezone.now() - opened, form=MAPPING_FORM)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://muu.example"}])
def test_cross_site_start_stores_nothing_and_keeps_input(answerer: Answerer, headers: dict[str, str]) -> None:
    answer = answerer.begins(headers=headers)
    assert answer.status_code == 403
    assert kept(answer, facts())
    assert not InitialMapping.objects.exists()
    assert answerer.posts(BEGIN, ShownForm.of(answer).values).status_code == 303


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\x00", "💥"])
def test_forged_start_token_is_replaced(answerer: Answerer, token: str) -> None:
    answer = answerer.posts(BEGIN, {**contact_facts(), "form_token": token})
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert "vanhentua" in shown.notice
    assert kept(answer, facts())
    assert not InitialMapping.objects.exists()
    assert answerer.posts(BEGIN, shown.values).status_code == 303


def test_year_old_form_token_begins_mapping(answerer: Answerer) -> None:
    token = start_token(opened=timedelta(days=365))
    assert answerer.posts(BEGIN, {**contact_facts(), "form_token": token}).status_code == 303


def test_contact_form_token_is_rejected_by_mapping(answerer: Answerer) -> None:
    token = str(ShownForm.of(answerer.client.get("/ota-yhteytta/")).values["form_token"])
    assert answerer.posts(BEGIN, {**contact_facts(), "form_token": token}).status_code == 422


def test_mapping_facts_share_contact_form_validation(answerer: Answerer) -> None:
    wrong = contact_facts(name="", email="maija", phone="12", delivery_modes=["moon"], organisation=HENKILOTUNNUS)
    contact = ShownForm.of(
        answerer.posts("/ota-yhteytta/", {**letter(), **wrong, "form_token": ""}),
    )
    answer = answerer.begins(wrong)
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert shown.summary == contact.summary
    for name in ("name", "email", "phone", "organisation", "delivery_modes"):
        assert shown.errors(name) == contact.errors(name) != []
    assert not InitialMapping.objects.exists()


def test_facts_can_be_edited_with_validation(begun: Answerer) -> None:
    place = begun.address("yhteystiedot")
    wrong = {**facts(), "email": "maija"}
    answer = begun.posts(place, wrong)
    assert answer.status_code == 422
    assert kept(answer, wrong)
    assert InitialMapping.objects.get().facts["email"] == "maija.meikalainen@esimerkki.fi"
    assert begun.posts(place, {**facts(), "name": "Matti"})["Location"] == begun.address("vaihe/1")
    assert InitialMapping.objects.get().facts["name"] == "Matti"


@pytest.mark.parametrize("field", ["name", "organisation"])
def test_a_henkilotunnus_in_a_fact_is_not_stored(answerer: Answerer, field: str) -> None:
    answer = answerer.begins(contact_facts(**{field: f"Maija {HENKILOTUNNUS}"}))
    assert answer.status_code == 422
    assert "henkilötunnus" in " ".join(ShownForm.of(answer).errors(field))


def test_dead_link_page_offers_a_new_mapping(client: Client, mapping_page: MappingPage) -> None:
    def button() -> list[str]:
        answer = client.get("/jatka/tama-linkki-ei-avaa/")
        assert answer.status_code == 404
        buttons = BeautifulSoup(answer.content, "html.parser").select("main a.button")
        return [str(link["href"]) for link in buttons if "uusi" in link.get_text().lower()]

    assert button() == ["/alkukartoitus/"]
    mapping_page.slug = "kartoitus"
    mapping_page.save_revision().publish()
    assert button() == ["/kartoitus/"]
    mapping_page.unpublish()
    assert button() == []
