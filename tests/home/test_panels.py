"""Admin forms of pages and settings: Finnish labels and help, the field order of the page, and styled previews."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Group
from django.db import models
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation
from wagtail import blocks
from wagtail.admin.panels import FieldPanel, InlinePanel, MultiFieldPanel, PublishingPanel
from wagtail.contrib.settings.registry import registry
from wagtail.contrib.settings.views import get_setting_edit_handler
from wagtail.fields import RichTextField
from wagtail.models import Page, get_page_models
from wagtail.test.utils.form_data import nested_form_data, rich_text, streamfield

from home.blocks import BodyStreamBlock
from home.models import BasePage, HomePage
from tests.accounts import make_user

pytestmark = pytest.mark.django_db

PAGES: list[type[Page]] = [model for model in get_page_models() if issubclass(model, BasePage)]
SETTINGS: list[type[models.Model]] = list(registry)
JARGON = re.compile(r"domain|slug|tägi|meta|html\b|\burl\b", re.IGNORECASE)


class Field(NamedTuple):
    name: str
    label: str
    help: str


def edit_handler(model: type[models.Model]) -> Any:
    return model.get_edit_handler() if issubclass(model, BasePage) else get_setting_edit_handler(model)


def bound_form(model: type[models.Model]) -> Any:
    handler, instance = edit_handler(model), model()
    form = handler.get_form_class()(instance=instance)
    return handler.get_bound_panel(instance=instance, request=RequestFactory().get("/"), form=form)


def shown_panels(panel: Any) -> Iterator[Any]:
    """Yield every nested panel except those of scheduled publishing, which Wagtail shows in a dialog."""
    for child in getattr(panel, "children", []):
        if not isinstance(child.panel, PublishingPanel):
            yield child
            yield from shown_panels(child)


def fields(model: type[models.Model], language: str = "fi") -> list[Field]:
    with translation.override(language):
        return [
            Field(one.panel.clean_name, str(one.heading), str(one.help_text or ""))
            for one in shown_panels(bound_form(model))
            if isinstance(one.panel, FieldPanel | InlinePanel)
        ]


def group_headings(model: type[models.Model], language: str) -> list[str]:
    with translation.override(language):
        return [str(one.heading) for one in shown_panels(bound_form(model)) if isinstance(one.panel, MultiFieldPanel)]


def label_errors(finnish: list[Field], english: list[Field]) -> dict[str, str]:
    """Return the problem of each field's label or help text by field; `english` is the same form untranslated."""
    errors = {}
    for field, untranslated in zip(finnish, english, strict=True):
        if not field.label or field.label == untranslated.label:
            errors[field.name] = "no Finnish label"
        elif not field.help:
            errors[field.name] = "no help"
        elif field.help == untranslated.help:
            errors[field.name] = "help is not Finnish"
        elif JARGON.search(field.label + field.help):
            errors[field.name] = "jargon"
    return errors


@pytest.mark.parametrize("model", [*PAGES, *SETTINGS], ids=lambda model: model.__name__)
def test_every_field_has_finnish_label_and_help(model: type[models.Model]) -> None:
    assert fields(model)
    assert label_errors(fields(model), fields(model, "en")) == {}
    assert not set(group_headings(model, "fi")) & set(group_headings(model, "en"))


@pytest.mark.parametrize("model", [*PAGES, *SETTINGS], ids=lambda model: model.__name__)
def test_form_contains_every_editable_field(model: type[models.Model]) -> None:
    ours = {
        field.name
        for field in model._meta.get_fields()
        if isinstance(field, models.Field) and field.editable and field.model is model and not field.primary_key
        if not (isinstance(field, models.OneToOneField) and field.remote_field.parent_link)
    }
    assert ours - {field.name for field in fields(model)} == set()


@pytest.mark.once
def test_missing_finnish_label_or_help_is_detected() -> None:
    finnish = [Field("a", "Kuva", ""), Field("b", "Slug", "x"), Field("c", "Tieto", "Fact."), Field("d", "Tägi", "z")]
    english = [Field("a", "Image", ""), Field("b", "Slug", "y"), Field("c", "Fact", "Fact."), Field("d", "Tag", "w")]
    wrong = {"a": "no help", "b": "no Finnish label", "c": "help is not Finnish", "d": "jargon"}
    assert label_errors(finnish, english) == wrong


@pytest.fixture
def kati(client: Client, loaded_site: None) -> Client:
    user = make_user("kati")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    client.force_login(user)
    return client


def words_in(page: Page) -> dict[str, str]:
    """Give each text field and the body of `page` a word of its own, and return them by field."""
    words: dict[str, str] = {}
    for field in page._meta.get_fields():
        is_text = isinstance(field, models.CharField | models.TextField) and field.model is type(page)
        if field.name == "title" or (is_text and field.editable and not field.choices):
            word = words[field.name] = f"Sana{len(words)}x"
            setattr(page, field.name, f"<p>{word}</p>" if isinstance(field, RichTextField) else word)
    words["body"] = "Sanabx"
    page.body = [{"type": "text", "value": {"heading": words["body"], "text": "<p>x</p>"}}]  # type: ignore[attr-defined]
    return words


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_form_fields_follow_page_order(model: type[Page], kati: Client) -> None:
    page = model.objects.first()
    words = words_in(page)
    page.save_revision().publish()
    html = kati.get(page.url).text
    main = html[html.index("<main") : html.index("</main>")]
    on_page = sorted((name for name in words if words[name] in main), key=lambda name: main.index(words[name]))
    assert {"heading" if "heading" in words else "title", "body"} <= set(on_page)
    assert [field.name for field in fields(model) if field.name in on_page] == on_page


TEXT = (
    "text",
    {
        "heading": "Alku",
        "line": "",
        "text": rich_text("<p>Luonnoksen sana.</p>"),
        "facts": streamfield([]),
        "image": "",
        "drawing": "",
    },
)
QUESTION = {"label": "Mitä kuuluu?", "help": "", "required_message": "", "limit": "200", "role": ""}
MORE: dict[str, dict[str, Any]] = {
    "MappingPage": {
        "elsewhere_text": rich_text(""),
        "questions": streamfield(
            [
                ("step", {"title": "Tilanne", "introduction": ""}),
                ("short_text", {**QUESTION, "when": streamfield([])}),
            ]
        ),
    },
    "HomePage": {"lead": rich_text("")},
}


def draft(model: type[Page]) -> dict[str, Any]:
    """Return the form data of a page with only a few fields filled."""
    texts = {} if model is HomePage else {"intro": rich_text("")}
    given = {"title": "Luonnoksen otsikko", "slug": "luonnos", "body": streamfield([TEXT]), **texts}
    return dict(nested_form_data({**given, **MORE.get(model.__name__, {})}))


def assert_styled_preview(html: str) -> None:
    assert "css/site.css" in html
    assert re.search(r"<h1>\s*Luonnoksen\s+otsikko", html.replace("\u00ad", ""))
    assert "Luonnoksen sana." in html
    assert '<html lang="fi">' in html


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_every_page_type_has_styled_preview(model: type[Page], kati: Client) -> None:
    page = model.objects.first()
    address = reverse("wagtailadmin_pages:preview_on_edit", args=[page.pk])
    answer = kati.post(address, draft(model)).json()
    assert answer == {"is_valid": True, "is_available": True}
    shown = kati.get(address)
    assert shown.status_code == 200
    assert_styled_preview(shown.text)
    # Without this header the frame beside the editor stays empty.
    assert "frame-ancestors 'self'" in shown["Content-Security-Policy"]


@pytest.mark.parametrize("model", [model for model in PAGES if model is not HomePage], ids=lambda model: model.__name__)
def test_unsaved_page_can_be_previewed(model: type[Page], kati: Client) -> None:
    parent = HomePage.objects.get()
    # Of some page types there can be only one page.
    for page in model.objects.all() if model.max_count == 1 else []:
        page.delete()
    arguments = [model._meta.app_label, model._meta.model_name, parent.pk]
    address = reverse("wagtailadmin_pages:preview_on_add", args=arguments)
    assert kati.get(reverse("wagtailadmin_pages:add", args=arguments)).status_code == 200
    assert kati.post(address, draft(model)).json()["is_valid"]
    shown = kati.get(address)
    assert shown.status_code == 200
    assert_styled_preview(shown.text)


def missing_preview_parts(stream: blocks.StreamBlock) -> dict[str, list[str]]:
    """Return, for each block of `stream`, the missing parts of its preview in the block chooser."""
    errors = {}
    for name, block in stream.child_blocks.items():
        own_example = hasattr(block.meta, "preview_value") or (
            type(block).get_preview_value is not blocks.Block.get_preview_value
        )
        there = {
            "template": getattr(block.meta, "preview_template", "") == "home/blocks/preview.html",
            "example": own_example,
            "description": bool(block.get_description()),
        }
        if lacking := [what for what, is_there in there.items() if not is_there]:
            errors[name] = lacking
    return errors


def test_every_block_has_styled_preview_and_description() -> None:
    assert missing_preview_parts(BodyStreamBlock()) == {}


def test_block_without_preview_is_detected() -> None:
    class Bare(blocks.StructBlock):
        text = blocks.CharBlock()

    class Half(Bare):
        class Meta:
            preview_template = "home/blocks/preview.html"
            description = "Has no example."

    stream = type("Stream", (BodyStreamBlock,), {"bare": Bare(), "half": Half()})()
    assert missing_preview_parts(stream) == {"bare": ["template", "example", "description"], "half": ["example"]}
