"""A form page that was renamed, unpublished or deleted while a visitor filled in the form: no text is lost."""

from typing import Any

import pytest
from django.test import Client
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page, Site

from home.models import ContentPage
from intake.choices import Kind
from intake.models import ContactPage, Enquiry
from tests.intake.conftest import Rename
from tests.intake.visiting import ADDRESS, ShownForm, Visitor, letter, page_text, token
from tests.intake.waiting.visitors import set_pause

FORMS = ["", "viesti/", "odotuslista/"]
NEW = "/yhteys/"


@pytest.fixture(autouse=True)
def _waiting_list(contact_page: ContactPage) -> None:
    """Offer the waiting list, because its form is accepted only then."""
    set_pause()


def post(client: Client, address: str, words: Any = None, **headers: str) -> Any:
    fields = {"form_token": token(), **(letter() if words is None else words)}
    return client.post(address, fields, headers={"Sec-Fetch-Site": "same-origin", **headers})


@pytest.mark.parametrize(("below", "slash"), list(zip(FORMS, ["", "/", ""], strict=True)))
def test_post_to_old_address_is_stored(contact_page: ContactPage, rename: Rename, below: str, slash: str) -> None:
    rename(contact_page, "yhteys")
    answer = post(Client(), (ADDRESS + below).rstrip("/") + slash)
    assert answer.status_code == 303
    enquiry = Enquiry.objects.get()
    assert answer["Location"] == f"{NEW}kiitos/{enquiry.receipt}/"
    assert enquiry.kind == (Kind.WAITING if below == "odotuslista/" else Kind.CONTACT)
    assert enquiry.message == letter()["message"]


def test_post_without_trailing_slash_is_stored(contact_page: ContactPage) -> None:
    for below in FORMS:
        assert post(Client(), (ADDRESS + below).rstrip("/"), letter(message=f"Viesti {below}")).status_code == 303
    assert Enquiry.objects.count() == len(FORMS)


def test_every_former_address_still_works(contact_page: ContactPage, rename: Rename) -> None:
    for slug in ("a", "b", "yhteys"):
        rename(contact_page, slug)
    for old in ("a", "b", "ota-yhteytta"):
        assert post(Client(), f"/{old}/", letter(message=f"Viesti {old}")).status_code == 303
        assert Client().get(f"/{old}/viesti/")["Location"] == f"{NEW}viesti/"
    assert Enquiry.objects.count() == 3


def test_enquiry_is_stored_under_non_ascii_slug(contact_page: ContactPage, rename: Rename) -> None:
    """A script or an import can store such a slug. Its URL is percent-encoded."""
    rename(contact_page, "ääkköset")
    for below in FORMS:
        assert post(Client(), ADDRESS + below, letter(message=f"Viesti {below}")).status_code == 303
        assert Client().get(ADDRESS + below).headers["Location"] == "/%C3%A4%C3%A4kk%C3%B6set/" + below
    rename(contact_page, "yhteys")
    for below in FORMS:
        assert post(Client(), f"/ääkköset/{below}", letter(message=f"Toinen {below}")).status_code == 303
    assert Enquiry.objects.count() == 2 * len(FORMS)


def test_page_renamed_back_accepts_both_addresses(contact_page: ContactPage, rename: Rename) -> None:
    rename(contact_page, "yhteys")
    rename(contact_page, "ota-yhteytta")
    assert post(Client(), NEW).status_code == 303
    assert post(Client(), ADDRESS, letter(message="Toinen viesti.")).status_code == 303
    assert Client().get(ADDRESS).status_code == 200


def test_hidden_page_is_not_found_at_any_address(contact_page: ContactPage, rename: Rename) -> None:
    for slug in ("uusi", "ota-yhteytta"):
        rename(contact_page, slug)
    contact_page.refresh_from_db()
    contact_page.unpublish()
    for address in (ADDRESS, f"{ADDRESS}?lahde=lehti", "/uusi/", "/uusi/viesti/"):
        assert Client().get(address).status_code == 404


@pytest.mark.parametrize("target", ["/oma/", "http://testserver/oma/", "/oma/?a=1"])
def test_redirect_to_itself_is_not_followed(contact_page: ContactPage, target: str) -> None:
    Redirect.objects.create(old_path="/oma", redirect_link=target)
    assert Client().get("/oma/").status_code == 404


@pytest.mark.parametrize(("permanent", "status"), [(True, 301), (False, 302)])
def test_redirect_to_another_site_is_followed(contact_page: ContactPage, permanent: bool, status: int) -> None:
    Redirect.objects.create(old_path="/lehti", redirect_link="https://esimerkki.fi/lehti/", is_permanent=permanent)
    answer = Client().get("/lehti/?utm_source=a")
    assert (answer.status_code, answer["Location"]) == (status, "https://esimerkki.fi/lehti/")


def test_old_address_post_works_despite_slug_reuse(contact_page: ContactPage, rename: Rename) -> None:
    rename(contact_page, "yhteys")
    contact_page.get_parent().add_child(instance=ContentPage(title="Uusi", slug="ota-yhteytta"))
    for below in FORMS:
        assert post(Client(), ADDRESS + below, letter(message=f"Viesti {below}")).status_code == 303
        without = (ADDRESS + below).rstrip("/")
        assert post(Client(), without, letter(message=f"Toinen viesti {below}")).status_code == 303
    assert Enquiry.objects.count() == 2 * len(FORMS)
    assert "Uusi" in page_text(Client().get(ADDRESS))
    assert Client().get(ADDRESS.rstrip("/"))["Location"] == ADDRESS


def test_validation_error_is_shown_at_old_address(contact_page: ContactPage, rename: Rename) -> None:
    rename(contact_page, "yhteys")
    answer = post(Client(), ADDRESS, letter(name=""))
    assert answer.status_code == 422
    assert ShownForm.of(answer).words == letter(name="")
    assert answer["Cache-Control"].count("no-store")


def test_cross_site_post_to_old_address_refused(contact_page: ContactPage, rename: Rename) -> None:
    rename(contact_page, "yhteys")
    answer = post(Client(), ADDRESS, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert not Enquiry.objects.exists()
    assert ShownForm.of(answer).words == letter()


def test_get_of_old_address_redirects(visitor: Visitor, rename: Rename) -> None:
    visitor.sends()
    rename(ContactPage.objects.get(), "yhteys")
    for path in (*FORMS, f"kiitos/{Enquiry.objects.get().receipt}/"):
        answer = visitor.client.get(f"{ADDRESS}{path}?kysymys=1")
        assert answer.status_code == 301, path
        assert answer["Location"].split("?")[0] == NEW + path
        assert visitor.client.get(NEW + path).status_code in (200, 302), path


def test_unknown_address_below_old_one_is_not_found(contact_page: ContactPage, rename: Rename) -> None:
    rename(contact_page, "yhteys")
    for path in ("ei/", "viesti/ei/", "kiitos/", "viesti/" * 200):
        assert Client().get(ADDRESS + path).status_code == 404, path[:20]


def test_manual_redirect_leads_to_form_page(contact_page: ContactPage) -> None:
    Redirect.add_redirect("/kirje", redirect_to=contact_page, is_permanent=False)
    assert Client().get("/kirje/")["Location"] == ADDRESS
    assert Client().get("/kirje/viesti/")["Location"] == f"{ADDRESS}viesti/"
    assert post(Client(), "/kirje/").status_code == 303


def test_redirect_of_another_site_is_not_followed(contact_page: ContactPage, rename: Rename) -> None:
    other = Site.objects.create(hostname="toinen.fi", root_page=Page.objects.get(depth=1))
    Redirect.add_redirect("/kirje", redirect_to=contact_page, site=other)
    assert Client().get("/kirje/viesti/").status_code == 404


def unpublish(page: ContactPage) -> None:
    page.unpublish()


def remove(page: ContactPage) -> None:
    page.delete()


def rename_and_unpublish(page: ContactPage) -> None:
    Redirect.add_redirect(ADDRESS, redirect_to=page)
    page.slug = "yhteys"
    page.save()
    page.unpublish()


BELOW = [*FORMS, "muu/", "viesti", "/"]


@pytest.mark.parametrize(
    ("way", "places"), [(unpublish, BELOW), (remove, BELOW[:2]), (rename_and_unpublish, BELOW[:3])]
)
def test_post_to_removed_page_returns_typed_text(contact_page: ContactPage, way: Any, places: list[str]) -> None:
    way(contact_page)
    words = letter(message="Ensin tämä,\n\nsitten <b>tuo</b> & se.")
    for below in places:
        answer = post(Client(), ADDRESS + below, words)
        assert answer.status_code == 404, below
        assert "no-store" in answer["Cache-Control"]
        shown = page_text(answer)
        for text in ("Ensin tämä, sitten <b>tuo</b> & se.", "Maija Meikäläinen", "maija.meikalainen@esimerkki.fi"):
            assert text in shown, below
        for text in ("050 123 4567", "Porin perhekeskus", "Ryhmätyönohjaus", "Verkossa", "050 534 8567"):
            assert text in shown, below
        assert "<b>tuo" not in answer.content.decode()
    assert not Enquiry.objects.exists()


def test_post_without_known_fields_is_plain_404(contact_page: ContactPage) -> None:
    contact_page.unpublish()
    answer = post(Client(), ADDRESS, {"log": "admin", "pwd": "salainen", "message": "  "})
    assert answer.status_code == 404
    assert "salainen" not in page_text(answer)
    assert "Kirjoitit näin" not in page_text(answer)


def test_post_to_non_form_page_returns_text(contact_page: ContactPage) -> None:
    answer = post(Client(), "/")
    assert answer.status_code == 405
    assert "tilaa ajatella yhdessä" in page_text(answer)


def test_oversized_post_to_unpublished_page_is_413(contact_page: ContactPage) -> None:
    contact_page.unpublish()
    assert post(Client(), ADDRESS, letter(message="x" * (2 * 1024 * 1024 + 1))).status_code == 413


def test_fetch_post_gets_201_with_location(contact_page: ContactPage) -> None:
    answer = post(Client(), ADDRESS, **{"X-Requested-With": "fetch"})
    assert answer.status_code == 201
    assert answer["Location"] == f"{ADDRESS}kiitos/{Enquiry.objects.get().receipt}/"
