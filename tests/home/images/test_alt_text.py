"""Alternative texts: every way of uploading asks for one, and pages take it from the picture."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage

from home.images.preparation import make_files
from home.models import HomePage, ServicePage
from tests.accounts import make_user
from tests.uploading import describe, drawn, stored, upload

pytestmark = pytest.mark.django_db
REFUSAL = "Kirjoita vaihtoehtoinen teksti tai rastita, että kuva on vain koristeellinen."
WORDS = "Kati istuu pöydän ääressä"


def signed_in(group: str) -> Client:
    client = Client()
    client.force_login(make_user(group=group))
    return client


@pytest.fixture
def kati() -> Client:
    """Not a superuser: her permissions come from her group."""
    return signed_in("Työnohjaaja")


def by_form(client: Client, **fields: str) -> str:
    return client.post(reverse("wagtailimages:add"), {"title": "Kuva", "file": upload(drawn()), **fields}).text


def by_many(client: Client, **fields: str) -> str:
    answer = client.post(reverse("wagtailimages:add_multiple"), {"title": "Kuva", "files[]": upload(drawn())})
    return str(describe(client, answer.json()["uploaded_file_id"], title="Kuva", **fields).json().get("form", ""))


def by_chooser(client: Client, **fields: str) -> str:
    form = {"title": "Kuva", "file": upload(drawn()), **fields}
    data = {f"image-chooser-upload-{name}": value for name, value in form.items()}
    answer = client.post(reverse("wagtailimages_chooser:create"), data)
    return "".join(str(part) for part in json.loads(answer.content).values())


WAYS = [by_form, by_many, by_chooser]


@pytest.mark.every_case
@pytest.mark.parametrize(
    ("way", "description"),
    [
        *((way, "\u200b\u00ad\u2060") for way in WAYS),
        *((by_form, description) for description in ("", " \t\u00a0", "\u3164 \ufeff")),
    ],
)
def test_upload_without_alt_text_is_refused(kati: Client, way: Callable[..., str], description: str) -> None:
    assert REFUSAL in way(kati, description=description)
    assert not get_image_model().objects.exists()


@pytest.mark.every_case
@pytest.mark.parametrize(
    ("way", "fields", "alt"),
    [
        *((way, {"description": WORDS}, WORDS) for way in WAYS),
        *((way, {"is_decorative": "on"}, "") for way in WAYS),
        (by_form, {"description": WORDS, "is_decorative": "on"}, ""),
        (by_form, {"description": "a" * 250}, "a" * 250),
    ],
)
def test_upload_with_alt_text_or_decorative(
    kati: Client, way: Callable[..., str], fields: dict[str, str], alt: str
) -> None:
    assert REFUSAL not in way(kati, **fields)
    assert get_image_model().objects.get().default_alt_text == alt


@pytest.mark.parametrize("way", WAYS)
def test_alt_text_has_at_most_250_characters(kati: Client, way: Callable[..., str]) -> None:
    assert "250" in way(kati, description="a" * 251)
    assert not get_image_model().objects.exists()


def test_alt_text_cannot_be_emptied(kati: Client) -> None:
    image = stored(kati, upload(drawn()))
    address = reverse("wagtailimages:edit", args=[image.pk])
    soup = BeautifulSoup(kati.post(address, {"title": "Kuva", "description": ""}).content, "html.parser")
    field = soup.select_one("#id_description")
    assert field is not None
    assert field["aria-invalid"] == "true"
    assert REFUSAL in soup.text
    image.refresh_from_db()
    assert image.description == "Kati"
    assert kati.post(address, {"title": "Kuva", "description": "", "is_decorative": "on"}).status_code == 302


def test_database_requires_alt_text_or_decoration() -> None:
    model = get_image_model()
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(title="Kuva", file=upload(drawn()))
    image = model.objects.create(title="Kuva", file=upload(drawn()), is_decorative=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.filter(pk=image.pk).update(is_decorative=False)


def test_many_uploads_suggest_the_file_name_as_title(kati: Client) -> None:
    file = upload(drawn(), name="Kati pöydän ääressä.jpeg")
    form = kati.post(reverse("wagtailimages:add_multiple"), {"title": "x", "files[]": file}).json()["form"]
    title = BeautifulSoup(form, "html.parser").select_one("input[name$=title]")
    assert title is not None
    assert title["value"] == "Kati pöydän ääressä"


def show_everywhere(front_page: HomePage, image: AbstractImage) -> tuple[str, str]:
    """Show the image on the front page, and at the head and in the text of a service page. Return both addresses."""
    make_files(image)
    front_page.image = image
    front_page.save_revision().publish()
    body = [{"type": "image", "value": {"image": image.pk, "caption": "", "credit": ""}}]
    front_page.add_child(instance=ServicePage(title="K", slug="koe", image=image, body=body))
    return "/", "/koe/"


def alts(client: Client, addresses: tuple[str, str]) -> list[str]:
    pages = [BeautifulSoup(client.get(address).content, "html.parser") for address in addresses]
    return [str(img["alt"]) for page in pages for img in page.select("main figure img")]


def test_pages_show_changed_alt_text_at_once(kati: Client, client: Client, front_page: HomePage) -> None:
    image = stored(kati, upload(drawn()))
    addresses = show_everywhere(front_page, image)
    assert alts(client, addresses) == ["Kati"] * 3
    address = reverse("wagtailimages:edit", args=[image.pk])
    for fields, alt in (
        ({"description": '<b>"Kati"</b>'}, '<b>"Kati"</b>'.replace('"', "”")),
        ({"description": WORDS}, WORDS),
        ({"description": WORDS, "is_decorative": "on"}, ""),
    ):
        assert kati.post(address, {"title": "Kuva", **fields}).status_code == 302
        assert [text.replace("\u00a0", " ") for text in alts(client, addresses)] == [alt] * 3


def test_image_search_finds_the_alt_text(kati: Client) -> None:
    for title, description in (("Ensimmäinen", "Kati kirjoittaa"), ("Toinen", "Polku metsässä")):
        fields = {"title": title, "description": description, "file": upload(drawn())}
        assert kati.post(reverse("wagtailimages:add"), fields).status_code == 302
    for name in ("wagtailimages:index_results", "wagtailimages_chooser:choose_results"):
        found = kati.get(reverse(name), {"q": "metsässä"}).text
        assert "Toinen" in found
        assert "Ensimmäinen" not in found


@pytest.mark.parametrize("group", ["Työnohjaaja", "Sisällöntuottaja"])
def test_each_group_manages_images(group: str, front_page: HomePage, client: Client) -> None:
    editor = signed_in(group)
    image = stored(editor, upload(drawn()))
    assert image.uploaded_by_user is not None
    addresses = show_everywhere(front_page, image)
    assert editor.get(reverse("wagtailimages_chooser:chosen", args=[image.pk])).status_code == 200
    assert editor.get(reverse("wagtailimages:edit", args=[image.pk])).status_code == 200
    usage = editor.get(reverse("wagtailimages:image_usage", args=[image.pk])).text
    assert reverse("wagtailadmin_pages:edit", args=[front_page.pk]) in usage
    # A page still works after its picture was deleted.
    assert editor.post(reverse("wagtailimages:delete", args=[image.pk])).status_code == 302
    assert alts(client, addresses) == []


def test_account_without_group_cannot_manage_images(kati: Client) -> None:
    image = stored(kati, upload(drawn()))
    stranger = make_user("Muu")
    stranger.user_permissions.add(Permission.objects.get(codename="access_admin"))
    client = Client()
    client.force_login(stranger)
    places: list[tuple[str, list[Any]]] = [
        ("wagtailimages:add", []),
        ("wagtailimages:add_multiple", []),
        ("wagtailimages:edit", [image.pk]),
        ("wagtailimages:delete", [image.pk]),
    ]
    for name, args in places:
        assert client.get(reverse(name, args=args)).status_code in {302, 403}, name
    assert not Permission.objects.filter(content_type__app_label="home", content_type__model__startswith="picture")
