"""What the check of the catalogues (`make check`) can't see in one of them alone."""

import pytest

from tests.tools.catalogues import ROOMS, read_catalogue

pytestmark = pytest.mark.once


def test_two_rooms_say_the_same_text_alike() -> None:
    """All rooms share one catalogue when the site runs: the Finnish of one would be seen in the other."""
    said: dict[object, set[str]] = {}
    for room in ROOMS:
        for message in read_catalogue(room):
            if message.id:
                said.setdefault((str(message.id), message.context), set()).add(str(message.string))
    assert len(said) > 100
    assert {text: words for text, words in said.items() if len(words) > 1} == {}
