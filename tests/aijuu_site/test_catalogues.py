"""What the check of the catalogues (`make check`) can't see in one of them alone."""

import pytest

from tests.tools.catalogues import APPS, read_catalogue

pytestmark = pytest.mark.once


def test_apps_translate_same_msgid_alike() -> None:
    """All apps share one catalogue at run time: the translation of one would appear in the other."""
    said: dict[object, set[str]] = {}
    for app in APPS:
        for message in read_catalogue(app):
            if message.id:
                said.setdefault((str(message.id), message.context), set()).add(str(message.string))
    assert len(said) > 100
    assert {text: words for text, words in said.items() if len(words) > 1} == {}
