"""A check over all translation catalogues together; `make check` checks each one alone."""

import pytest

from tests.tools.catalogues import APPS, read_catalogue

pytestmark = pytest.mark.once


def test_apps_translate_same_msgid_alike() -> None:
    """All apps share one catalogue at run time, so a translation in one app also applies to the others."""
    translations: dict[object, set[str]] = {}
    for app in APPS:
        for message in read_catalogue(app):
            if message.id:
                translations.setdefault((str(message.id), message.context), set()).add(str(message.string))
    assert len(translations) > 100
    assert {text: words for text, words in translations.items() if len(words) > 1} == {}
