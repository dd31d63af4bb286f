"""The getting-started checklist: missing facts are found in the data, and marks made by hand are stored."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage
from wagtail.models import Page

from aijuu_site.accounts.models import User
from home.checklist import Checklist, all_items, checklist_for, mark_point
from home.contact_details import is_business_id
from home.models import ChecklistMark, ContactDetails, HomePage, PauseNotice
from home.pause.rules import FormMode
from intake.models import IntakeSettings
from tests.accounts import make_user
from tests.uploading import drawn, upload

pytestmark = pytest.mark.django_db
FRONT = "/admin/"

FILLED = {
    "facebook": {"facebook_url": "https://www.facebook.com/aijuu"},
    "surname": {"person_name": "Kati Esimerkki"},
    "response-time": {"response_time": "muutaman arkipäivän kuluessa"},
    "official-name": {"official_name": "Tmi Esimerkki"},
    "business-id": {"business_id": "1234567-1"},
    "postal-address": {"postal_address": "Esimerkkikatu 1, 28100 Pori"},
    "server": {"server_provider": "Esimerkkipalvelu Oy", "data_location": "Suomi"},
    "mail": {"mail_provider": "Esimerkkiposti Oy"},
}

BY_HAND = ("training", "price", "accessibility")


def account(group: str) -> User:
    user = make_user(group)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.fixture
def kati(loaded_site: None) -> User:
    return account("Työnohjaaja")


@pytest.fixture
def desk(kati: User) -> Client:
    client = Client()
    client.force_login(kati)
    return client


def open_keys(user: User) -> set[str]:
    return {point.item.key for point in checklist_for(user).open}


def fill_everything() -> None:
    ContactDetails.objects.update(**{name: text for fields in FILLED.values() for name, text in fields.items()})
    PauseNotice.objects.update(form_mode=FormMode.WAITING_LIST)
    use_own_picture()
    for key in BY_HAND:
        mark_point(item=item(key), state="done")


def own_picture() -> AbstractImage:
    image: AbstractImage = get_image_model().objects.create(description="Kati", title="Kati", file=upload(drawn()))
    return image


def use_own_picture() -> None:
    page = HomePage.objects.get(slug="etusivu")
    page.image = own_picture()
    page.save()


def item(key: str):  # type: ignore[no-untyped-def]
    return next(item for item in all_items() if item.key == key)


def test_new_site_checklist_lists_missing_facts(kati: User) -> None:
    assert open_keys(kati) == {*FILLED, *BY_HAND, "own-picture", "contact-page-in-pause"}
    checklist = checklist_for(kati)
    assert (checklist.handled, checklist.total) == (1, 14)


def test_training_and_price_are_written_on_front_page(kati: User, desk: Client) -> None:
    front_page = reverse("wagtailadmin_pages:edit", args=[HomePage.objects.get().pk])
    for key in ("training", "price"):
        [point] = [point for point in checklist_for(kati).points if point.item.key == key]
        assert point.address == front_page
        assert point.is_marked_by_hand
        assert press(desk, key, "done") == FRONT
        assert "on merkitty tehdyksi." in desk.get(FRONT).content.decode()
        assert key not in open_keys(kati)


def test_unknown_training_and_price_are_not_published(kati: User, client: Client) -> None:
    page = client.get("/").content.decode()
    for invented in ("[[", "]]", "Hinta", "hinta", "€", "jäsenyy", "tutkinto"):
        assert invented not in page


@pytest.mark.parametrize("key", FILLED)
def test_filled_field_completes_its_item(key: str, kati: User) -> None:
    before = open_keys(kati)
    fields = FILLED[key]
    for number, name in enumerate(fields, start=1):
        ContactDetails.objects.update(**{name: fields[name]})
        assert (key in open_keys(kati)) is (number < len(fields))
    assert before - open_keys(kati) == {key}


def test_blank_field_does_not_complete_its_item(kati: User) -> None:
    ContactDetails.objects.update(**dict.fromkeys((name for fields in FILLED.values() for name in fields), "  "))
    assert FILLED.keys() <= open_keys(kati)


def test_own_picture_counts_when_shown_on_page(kati: User) -> None:
    own_picture()
    assert "own-picture" in open_keys(kati)
    use_own_picture()
    assert "own-picture" not in open_keys(kati)


def test_checklist_requires_a_notification_address(kati: User) -> None:
    ContactDetails.objects.update(email="")
    assert "notification-address" in open_keys(kati)
    IntakeSettings.objects.update(notification_email="kati@example.fi")
    assert "notification-address" not in open_keys(kati)


def test_checklist_asks_for_form_mode_in_pause(kati: User) -> None:
    assert "contact-page-in-pause" in open_keys(kati)
    PauseNotice.objects.update(form_mode=FormMode.WAITING_LIST)
    assert "contact-page-in-pause" not in open_keys(kati)


def test_checklist_points_link_to_existing_fields(kati: User, desk: Client) -> None:
    pages: dict[str, str] = {}
    for point in checklist_for(kati).points:
        address, _, field = point.address.partition("#")
        if address not in pages:
            page = desk.get(address)
            assert page.status_code == 200, point.item.key
            pages[address] = page.content.decode()
        if field:
            assert re.search(rf'<(input|textarea|select)[^>]* id="{field}"', pages[address]), point.item.key


def test_checklist_point_links_first_empty_field(kati: User) -> None:
    def address() -> str:
        return next(point.address for point in checklist_for(kati).points if point.item.key == "server")

    assert address().endswith("#id_server_provider")
    ContactDetails.objects.update(server_provider="Esimerkkipalvelu Oy")
    assert address().endswith("#id_data_location")


def test_accessibility_point_links_the_chosen_page(kati: User) -> None:
    def address() -> str:
        return next(point.address for point in checklist_for(kati).points if point.item.key == "accessibility")

    page = Page.objects.get(slug="saavutettavuus")
    page.slug = "esteettomyys"
    page.save()
    assert address() == reverse("wagtailadmin_pages:edit", args=[page.pk])
    ContactDetails.objects.update(accessibility_page=None)
    assert address().endswith("#id_accessibility_page")


def press(desk: Client, key: str, state: str, **fields: str) -> str:
    response = desk.post(reverse("checklist_mark", args=[key]), {"state": state, **fields})
    assert response.status_code == 302
    return response["Location"]


def test_checklist_item_is_set_aside_and_reopened(kati: User, desk: Client) -> None:
    assert "Facebook-sivun osoite" in desk.get(FRONT).content.decode()
    assert press(desk, "facebook", "set_aside") == FRONT
    page = desk.get(FRONT).content.decode()
    assert "poistui listalta. Löydät sen uudelleen kohdasta Ohjeet, Aloituslista." in page
    assert "2/14 kunnossa" in page
    assert "Facebook-sivun osoite</a>" not in page
    assert press(desk, "facebook", "open", **{"from": "list"}) == reverse("checklist")
    assert "on taas listalla." in desk.get(reverse("checklist")).content.decode()
    assert "facebook" in open_keys(kati)


def test_filled_field_overrides_set_aside_mark(kati: User) -> None:
    mark_point(item=item("facebook"), state="set_aside")
    ContactDetails.objects.update(**FILLED["facebook"])
    [point] = [point for point in checklist_for(kati).points if point.item.key == "facebook"]
    assert (point.is_done, point.is_set_aside) == (True, False)


def test_empty_field_cannot_be_marked_done(desk: Client) -> None:
    response = desk.post(reverse("checklist_mark", args=["facebook"]), {"state": "done"})
    assert response.status_code == 400
    assert not ChecklistMark.objects.exists()


@pytest.mark.parametrize("state", ["", "tehty", "OPEN"])
def test_an_unknown_mark_is_refused(state: str, desk: Client) -> None:
    assert desk.post(reverse("checklist_mark", args=["facebook"]), {"state": state}).status_code == 400
    assert not ChecklistMark.objects.exists()


def test_marking_needs_post_and_known_item(desk: Client) -> None:
    assert desk.get(reverse("checklist_mark", args=["facebook"])).status_code == 405
    assert desk.post(reverse("checklist_mark", args=["eiole"]), {"state": "open"}).status_code == 404


def test_marking_needs_csrf_token(kati: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(kati)
    assert client.post(reverse("checklist_mark", args=["facebook"]), {"state": "set_aside"}).status_code == 403
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(FRONT).content.decode())
    assert token
    fields = {"state": "set_aside", "csrfmiddlewaretoken": token[1]}
    assert client.post(reverse("checklist_mark", args=["facebook"]), fields).status_code == 302


def test_complete_checklist_hides_panel_keeps_list(kati: User, desk: Client) -> None:
    assert "Sivustoltasi puuttuu vielä" in desk.get(FRONT).content.decode()
    fill_everything()
    assert checklist_for(kati).open == []
    page = desk.get(FRONT).content.decode()
    assert "Sivustoltasi puuttuu vielä" not in page
    assert "aloituslista" in page  # the link in the help menu
    whole = desk.get(reverse("checklist")).content.decode()
    assert "Kunnossa on 14/14." in whole
    assert whole.count("Palauta listalle") == len(BY_HAND)  # the items that were marked by hand
    assert "Puuttuu" not in whole


def test_set_aside_items_complete_the_checklist(kati: User, desk: Client) -> None:
    for key in open_keys(kati):
        press(desk, key, "set_aside")
    assert "Sivustoltasi puuttuu vielä" not in desk.get(FRONT).content.decode()


@pytest.mark.parametrize(
    "act", [lambda c: c.get("/admin/aloituslista/"), lambda c: c.post("/admin/aloituslista/mail/")]
)
def test_checklist_hidden_without_permission(act: Callable[[Client], object], loaded_site: None) -> None:
    editor = account("Sisällöntuottaja")
    client = Client()
    client.force_login(editor)
    assert checklist_for(editor) == Checklist(())
    page = client.get(FRONT).content.decode()
    assert "Sivustoltasi puuttuu vielä" not in page
    assert "aloituslista" not in page
    assert act(client).status_code in (302, 403)  # type: ignore[attr-defined]
    assert not ChecklistMark.objects.exists()


def test_checklist_needs_login(client: Client, loaded_site: None) -> None:
    for address in (reverse("checklist"), reverse("checklist_mark", args=["mail"])):
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


def test_privacy_page_shows_only_filled_facts(loaded_site: None, client: Client) -> None:
    privacy = Page.objects.get(slug="tietosuoja").url
    assert "Yritys ja sen käyttämät palvelut" not in client.get(privacy).content.decode()
    ContactDetails.objects.update(**FILLED["server"])
    page = client.get(privacy).content.decode()
    assert "Palvelinta ylläpitää: Esimerkkipalvelu Oy" in page
    assert "Palvelimen sijainti: Suomi" in page
    assert "Sähköpostin välittää" not in page
    assert "Esimerkkipalvelu" not in client.get(Page.objects.get(slug="saavutettavuus").url).content.decode()


@pytest.mark.parametrize("text", ["1234567-1", "0112038-9", "1572860-0"])
def test_valid_business_id_is_accepted(text: str) -> None:
    assert is_business_id(text)


@pytest.mark.parametrize(
    "text", ["", "1234567-2", "12345671", "FI12345671", "123456-7", "1234567-1 ", "１２３４５６７-1", "0112038-8"]
)
def test_invalid_business_id_is_refused(text: str) -> None:
    assert not is_business_id(text)


def test_business_id_with_remainder_one_is_refused() -> None:
    # 1000001: the sum is 7 + 2 = 9, so the check digit is 2. 0000006: the sum is 12; a remainder of 1 has no digit.
    assert is_business_id("1000001-2")
    assert not any(is_business_id(f"0000006-{digit}") for digit in range(10))


def test_business_id_error_is_finnish() -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError) as refusal:
        ContactDetails(business_name="Aijuu", business_id="1234567-8").full_clean()
    assert refusal.value.message_dict == {"business_id": ["Tarkista Y-tunnus. Oikea muoto on esimerkiksi 1234567-1."]}
