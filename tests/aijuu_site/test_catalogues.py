"""Everything that a person sees is Finnish, and the check that holds it notices what it should."""

from pathlib import Path

import pytest

from tests.tools.catalogues import (
    ROOMS,
    Room,
    compile_catalogue,
    problems,
    read_catalogue,
    texts_of,
    untranslated,
    update,
)

pytestmark = pytest.mark.once

SOURCE = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext
NAME = _("Name")
def f(n: int) -> list[str]:
    return [ngettext("%(n)d letter", "%(n)d letters", n), pgettext("month", "May")]
"""
TEMPLATE = """{% load i18n %}
  <p class="it's">{% translate "Read more" %}</p>
    {% blocktranslate trimmed count n=letters %}
      one sheet
    {% plural %}
      {{ n }} sheets
    {% endblocktranslate %} {{ _("Menu") }}
"""
FINNISH = {
    'msgid "Name"\nmsgstr ""': 'msgid "Name"\nmsgstr "Nimi"',
    'msgid "May"\nmsgstr ""': 'msgid "May"\nmsgstr "toukokuu"',
    'msgid "Read more"\nmsgstr ""': 'msgid "Read more"\nmsgstr "Lue lisää"',
    'msgid "Menu"\nmsgstr ""': 'msgid "Menu"\nmsgstr "Valikko"',
    'letters"\nmsgstr[0] ""\nmsgstr[1] ""': 'letters"\nmsgstr[0] "%(n)d kirje"\nmsgstr[1] "%(n)d kirjettä"',
    'sheets"\nmsgstr[0] ""\nmsgstr[1] ""': 'sheets"\nmsgstr[0] "yksi arkki"\nmsgstr[1] "%(n)s arkkia"',
}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_text_of_the_room_is_finnish_and_compiled(room: Room) -> None:
    assert problems(room) == []


@pytest.mark.parametrize("room", ROOMS[:2], ids=lambda room: room.name)
def test_the_rooms_that_people_see_have_texts(room: Room) -> None:
    assert len([message for message in texts_of(room) if message.id]) > 50


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A small room whose catalogue is in order."""
    (tmp_path / "shop" / "pages").mkdir(parents=True)
    (tmp_path / "shop" / "texts.py").write_text(SOURCE)
    (tmp_path / "shop" / "pages" / "page.html").write_text(TEMPLATE)
    room = Room("shop", ("shop/*.py", "shop/pages/*.html"), tmp_path)
    update(room)
    text = room.po.read_text(encoding="utf-8")
    for empty, translated in FINNISH.items():
        assert text.count(empty) == 1
        text = text.replace(empty, translated)
    room.po.write_text(text, encoding="utf-8")
    compile_catalogue(room)
    return room


def rewrite(room: Room, before: str, after: str) -> None:
    text = room.po.read_text(encoding="utf-8")
    assert before in text
    room.po.write_text(text.replace(before, after), encoding="utf-8")


def test_texts_are_found_in_python_and_templates(room: Room) -> None:
    found = {(message.id if isinstance(message.id, str) else message.id[0]) for message in texts_of(room) if message.id}
    assert found == {"Name", "%(n)d letter", "May", "Read more", "one sheet", "Menu"}


def test_a_catalogue_in_order_has_no_problems(room: Room) -> None:
    assert problems(room) == []


def test_a_missing_text_is_noticed(room: Room) -> None:
    (room.root / "shop" / "more.py").write_text('_("Phone")')
    assert [message.id for message in untranslated(room)] == ["Phone"]
    assert any("'Phone'" in line for line in problems(room))


def test_an_untranslated_plural_is_noticed(room: Room) -> None:
    rewrite(room, "%(n)d kirjettä", "")
    assert any("%(n)d letter" in line and "not translated" in line for line in problems(room))


def test_a_fuzzy_text_is_noticed(room: Room) -> None:
    rewrite(room, 'msgid "Name"', '#, fuzzy\nmsgid "Name"')
    assert any(line.startswith("shop: fuzzy") for line in problems(room))


def test_a_text_that_nothing_uses_is_noticed(room: Room) -> None:
    (room.root / "shop" / "pages" / "page.html").write_text("<p>nothing</p>")
    assert any("no longer in the sources" in line and "Read more" in line for line in problems(room))


def test_a_left_over_comment_is_noticed(room: Room) -> None:
    room.po.write_text(room.po.read_text() + '\n#~ msgid "Old"\n#~ msgstr "Vanha"\n')
    assert any("left over" in line and "Old" in line for line in problems(room))


def test_a_translation_that_lost_its_variable_is_noticed(room: Room) -> None:
    rewrite(room, "%(n)d kirjettä", "%(k)d kirjettä")
    assert any("malformed" in line for line in problems(room))


def test_a_stale_compiled_catalogue_is_noticed(room: Room) -> None:
    rewrite(room, '"Nimi"', '"Nimesi"')
    assert problems(room) == ["shop: the .mo is not that of the .po: run make catalogues"]
    compile_catalogue(room)
    assert problems(room) == []


def test_a_missing_compiled_catalogue_is_noticed(room: Room) -> None:
    room.mo.unlink()
    assert problems(room) == ["shop: there is no .mo: run make catalogues"]


def test_updating_keeps_translations_and_says_what_it_takes_out(room: Room) -> None:
    before = room.po.read_text()
    assert update(room) == []
    assert room.po.read_text() == before
    (room.root / "shop" / "texts.py").write_text(SOURCE.replace('"Name"', '"Phone"'))
    assert update(room) == ["shop: new: 'Phone'", "shop: taken out: 'Name' = 'Nimi'"]
    assert "toukokuu" in room.po.read_text()


def test_two_rooms_say_the_same_text_alike() -> None:
    """All rooms share one catalogue when the site runs: the Finnish of one would be seen in the other."""
    said: dict[object, set[str]] = {}
    for own in ROOMS:
        for message in read_catalogue(own):
            if message.id:
                said.setdefault((str(message.id), message.context), set()).add(str(message.string))
    assert {text: words for text, words in said.items() if len(words) > 1} == {}
