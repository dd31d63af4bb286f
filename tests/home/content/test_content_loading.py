"""The initial content is loaded once, and later changes by an editor are never overwritten."""

import re
import shutil
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from wagtail import blocks
from wagtail.fields import RichTextField, StreamField
from wagtail.images import get_image_model
from wagtail.models import Page, Revision

from home.content import loader as content_loader
from home.content.files import CONTENT_DIR, ContentError
from home.content.loader import Action, load_content
from home.models import ContactDetails, ContentPage, HomePage, LoadedContent, PauseNotice, ServicePage
from tests.accounts import make_user
from tests.loaded_rows import LoadedContent as FirstContent

pytestmark = pytest.mark.django_db

SmallContent = Callable[[str, str], Path]


def load(directory: Path = CONTENT_DIR) -> dict[str, Action]:
    return {outcome.key: outcome.action for outcome in load_content(directory)}


def command_output() -> str:
    output = StringIO()
    call_command("load_content", stdout=output)
    return output.getvalue()


@pytest.fixture
def loaded(db: None, _loaded_content: FirstContent) -> None:
    """The initial content, already loaded."""
    _loaded_content.put_back()


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of the content files that a test may change."""
    return Path(shutil.copytree(CONTENT_DIR, tmp_path / "content"))


@pytest.fixture
def small_content(tmp_path: Path) -> SmallContent:
    """`small_content(name, text)` writes a content file and returns its folder."""

    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_load_content_is_idempotent() -> None:
    first = command_output()
    assert "Ladattu: page:/\n" in first
    assert first.count("Ladattu: ") == len(list(CONTENT_DIR.glob("*.toml")))
    before = (Page.objects.count(), Revision.objects.count(), get_image_model().objects.count())
    assert command_output() == "Sisältö on ladattu jo aiemmin: mikään ei muuttunut.\n"
    assert (Page.objects.count(), Revision.objects.count(), get_image_model().objects.count()) == before
    assert set(load().values()) == {Action.KEPT}


def test_verbosity_0_prints_nothing(loaded: None) -> None:
    LoadedContent.objects.filter(key="page:/tietosuoja/").delete()
    output = StringIO()
    call_command("load_content", verbosity=0, stdout=output)
    assert output.getvalue() == ""
    assert LoadedContent.objects.filter(key="page:/tietosuoja/").exists()


def test_loaded_settings_match_customers_text(loaded: None) -> None:
    details, notice = ContactDetails.load(), PauseNotice.load()
    assert (details.person_name, details.email, details.phone_display) == (
        "Kati",
        "kati.levola@aijuu.fi",
        "050 534 8567",
    )
    assert (details.contact_url, details.privacy_url) == ("/ota-yhteytta/", "/tietosuoja/")
    assert (notice.active, notice.returns_on, notice.message) == (True, None, "")
    # Facts that only the supervisor can supply are not invented.
    assert not any(
        (
            details.facebook_url,
            details.business_id,
            details.official_name,
            details.postal_address,
            details.response_time,
        )
    )


@pytest.mark.parametrize("slug", ["etusivu", "yksilotyonohjaus", "ota-yhteytta", "tietosuoja", "saavutettavuus"])
def test_loaded_page_is_published_and_editable(slug: str, client: Client, loaded: None) -> None:
    page = Page.objects.get(slug=slug)
    assert page.live
    assert page.live_revision_id == page.latest_revision_id is not None
    assert not page.has_unpublished_changes
    client.force_login(make_user(is_superuser=True))
    assert client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).status_code == 200


def test_editors_changes_survive_load_content(loaded: None) -> None:
    privacy = ContentPage.objects.get(slug="tietosuoja")
    privacy.title = "Näin käsittelen tietojasi"
    privacy.slug = "tietosuojaseloste"
    privacy.save_revision().publish()
    Page.objects.get(slug="ryhmatyonohjaus").delete()
    Page.objects.get(slug="saavutettavuus").unpublish()
    PauseNotice.objects.update(active=False)
    get_image_model().objects.all().delete()
    assert set(load().values()) == {Action.KEPT}
    assert not Page.objects.filter(slug__in=["tietosuoja", "ryhmatyonohjaus"]).exists()
    assert not Page.objects.get(slug="saavutettavuus").live
    assert not PauseNotice.load().active
    assert HomePage.objects.get().image is None


def test_interrupted_content_load_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    publish = content_loader._publish

    def power_cut(page: Page) -> None:
        if page.slug == "tietosuoja":
            raise KeyboardInterrupt
        publish(page)

    with monkeypatch.context() as patch:
        patch.setattr(content_loader, "_publish", power_cut)
        with pytest.raises(KeyboardInterrupt):
            load()
    # The interrupted page was rolled back, and the pages before it are complete.
    assert not Page.objects.filter(slug="tietosuoja").exists()
    assert not LoadedContent.objects.filter(key="page:/tietosuoja/").exists()
    assert ServicePage.objects.live().count() == 3
    actions = load()
    assert actions["page:/yksilotyonohjaus/"] is Action.KEPT
    assert actions["page:/tietosuoja/"] is Action.LOADED
    assert Page.objects.filter(slug="tietosuoja").count() == 1
    assert HomePage.objects.get().image is not None
    assert Page.find_problems() == ([], [], [], [], [])


PAGE = 'type = "home.ContentPage"\npath = "/uusi/"\ntitle = "Uusi"\n'
FRONT = 'type = "home.HomePage"\npath = "/"\ntitle = "Etusivu"\n[fields]\nlead = "<p>Aijuu</p>"\n'
DETAILS = 'type = "home.ContactDetails"\n[fields]\nemail = "kati.levola@aijuu.fi"\nphone = "0505348567"\n'


def test_content_load_keeps_existing_page(small_content: SmallContent) -> None:
    directory = small_content("1.toml", PAGE)
    front = HomePage.objects.get()
    own = front.add_child(instance=ContentPage(title="Omani", slug="uusi"))
    assert load(directory) == {"page:/uusi/": Action.LEFT_ALONE}
    assert Page.objects.get(slug="uusi").pk == own.pk
    assert Page.objects.get(slug="uusi").title == "Omani"
    assert load(directory) == {"page:/uusi/": Action.KEPT}


def test_edited_front_page_is_not_loaded(small_content: SmallContent) -> None:
    front = HomePage.objects.get()
    front.lead = "<p>Omat sanat</p>"
    front.save_revision().publish()
    assert load(small_content("1.toml", FRONT)) == {"page:/": Action.LEFT_ALONE}
    assert HomePage.objects.get().lead == "<p>Omat sanat</p>"


def test_untouched_front_page_is_loaded(small_content: SmallContent) -> None:
    assert load(small_content("1.toml", FRONT)) == {"page:/": Action.LOADED}
    assert "Aijuu" in HomePage.objects.get().lead


def test_content_load_keeps_filled_settings(small_content: SmallContent) -> None:
    ContactDetails.load()
    ContactDetails.objects.update(phone="02 633 1234")
    assert load(small_content("1.toml", DETAILS)) == {"setting:home.ContactDetails": Action.LEFT_ALONE}
    assert ContactDetails.load().phone == "02 633 1234"
    assert ContactDetails.load().email == ""


def test_page_link_follows_slug_change(client: Client, loaded: None) -> None:
    service = ServicePage.objects.get(slug="yksilotyonohjaus")
    service.slug = "yksilolle"
    service.save_revision().publish()
    assert 'href="/yksilolle/">' in client.get("/").text


def test_link_to_deleted_page_becomes_text(content: Path, client: Client) -> None:
    front = content / "50-etusivu.toml"
    text = front.read_text(encoding="utf-8")
    link = '<a href="sivu:/ryhmatyonohjaus/">Ryhmätyönohjaus</a>'
    text = text.replace("<p>Aijuun palveluihin", f"<ul><li>{link}</li></ul><p>Aijuun palveluihin")
    front.unlink()
    load(content)
    Page.objects.get(slug="ryhmatyonohjaus").delete()
    front.write_text(text, encoding="utf-8")
    assert load(content)["page:/"] is Action.LOADED
    assert re.search(r"<li[^>]*>Ryhmätyönohjaus</li>", str(HomePage.objects.get().body.raw_data[0]))
    # The same holds for a link that is a block of its own.
    assert "/ryhmatyonohjaus/" not in client.get("/").text


def test_changed_content_file_keeps_loaded_page(small_content: SmallContent) -> None:
    assert load(small_content("1.toml", PAGE)) == {"page:/uusi/": Action.LOADED}
    assert load(small_content("1.toml", PAGE.replace('"Uusi"', '"Muutettu"'))) == {"page:/uusi/": Action.KEPT}
    assert Page.objects.get(slug="uusi").title == "Uusi"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('type = "home.NoSuch"\npath = "/uusi/"\ntitle = "Uusi"\n', "there is no home.NoSuch"),
        ('type = "home.PauseNotice"\npath = "/uusi/"\ntitle = "Uusi"\n', "not a page"),
        ("title = ", "bad.toml"),
        ('title = "Uusi"\n', "app.Model"),
        (PAGE.replace("/uusi/", "uusi"), "slash"),
        (PAGE.replace("/uusi/", "/ei/ole/"), "no page above"),
        (PAGE + 'titel = "Uusi"\n', "unknown: titel"),
        (PAGE + '[fields]\nlead = "x"\n', "no field lead"),
        (PAGE + '[[body]]\nblock = "video"\n', "no block 'video'"),
        (PAGE + '[[body]]\nblock = "text"\nbody = "x"\n', "unknown in a block: body"),
        (PAGE + '[[body]]\nblock = "text"\nheading = "x"\n', "bad.toml"),
        (PAGE + '[[body]]\nblock = "text"\ntext = \'<a href="sivu:/ei-ole/">x</a>\'\n', "no page /ei-ole/"),
        (PAGE + '[[body]]\nblock = "text"\ntext = \'<a class="x" href="sivu:/">x</a>\'\n', "must be written as"),
        ('type = "home.Picture"\nfile = "puuttuu.svg"\ntitle = "x"\n', "no picture puuttuu.svg"),
    ],
)
def test_content_file_error_is_named_nothing_loaded(small_content: SmallContent, text: str, message: str) -> None:
    pages = Page.objects.count()
    with pytest.raises(ContentError) as error:
        load(small_content("bad.toml", text))
    assert message in str(error.value)
    assert error.value.args[0].startswith("bad.toml")
    assert Page.objects.count() == pages
    assert not LoadedContent.objects.exists()


def test_link_to_later_page_is_an_error(small_content: SmallContent) -> None:
    small_content("1.toml", PAGE + '[[body]]\nblock = "text"\ntext = \'<a href="sivu:/myohempi/">x</a>\'\n')
    directory = small_content("2.toml", PAGE.replace("/uusi/", "/myohempi/"))
    with pytest.raises(ContentError, match=r"1\.toml: the page /myohempi/ must be loaded before"):
        load(directory)


PICTURE = 'type = "home.Picture"\nfile = "p.svg"\ntitle = "x"\n'


def copy_picture(directory: Path) -> None:
    (directory / "images").mkdir()
    shutil.copy(CONTENT_DIR / "images" / "hero.svg", directory / "images" / "p.svg")


def test_a_picture_without_alt_text_is_not_loaded(small_content: SmallContent) -> None:
    directory = small_content("1.toml", PICTURE)
    copy_picture(directory)
    with pytest.raises(ContentError, match=r"1\.toml: .*vaihtoehtoinen teksti"):
        load(directory)
    assert not get_image_model().objects.exists()
    small_content("1.toml", PICTURE + "decorative = true\n")
    load(directory)
    assert get_image_model().objects.get().default_alt_text == ""


def test_loaded_body_image_has_alt_and_caption(small_content: SmallContent, client: Client) -> None:
    directory = small_content("1.toml", PICTURE + 'alt = "Kaksi polkua"\n')
    copy_picture(directory)
    small_content(
        "2.toml",
        PAGE + '[[body]]\nblock = "image"\nimage = "p.svg"\ncaption = "Yhdessä"\ncredit = "Kuva: Aijuu"\n',
    )
    load(directory)
    html = client.get("/uusi/").text
    assert 'alt="Kaksi polkua"' in html
    assert "Yhdessä" in html
    assert '<span class="figure__credit">Kuva: Aijuu</span>' in html


def test_loaded_text_has_no_unresolved_placeholders(loaded: None) -> None:
    for revision in Revision.objects.all():
        text = str(revision.content)
        assert "[[" not in text.replace("'[[", "").replace('"[[', "")
        assert "sivu:" not in text


def rich_texts(page: Page) -> Iterator[tuple[Any, str]]:
    """Yield every rich text of a page with the widget that edits it."""
    for field in page._meta.get_fields():
        if isinstance(field, RichTextField):
            yield field.formfield().widget, getattr(page, field.name)
        elif isinstance(field, StreamField):
            for child in getattr(page, field.name):
                yield from _in_block(child.block, child.value)


def _in_block(block: blocks.Block, value: Any) -> Iterator[tuple[Any, str]]:
    if isinstance(block, blocks.RichTextBlock):
        yield block.field.widget, value.source
    elif isinstance(block, blocks.StructBlock):
        for name, child in block.child_blocks.items():
            yield from _in_block(child, value[name])
    elif isinstance(block, blocks.ListBlock):
        for item in value:
            yield from _in_block(block.child_block, item)


def test_unedited_rich_text_is_saved_unchanged(loaded: None) -> None:
    found = [pair for page in Page.objects.specific() for pair in rich_texts(page)]
    assert len(found) > 10
    for widget, stored in found:
        assert widget.value_from_datadict({"text": widget.format_value(stored)}, {}, "text") == stored
