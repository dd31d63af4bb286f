"""The text of a one-character limit is in the singular."""

import pytest

from intake.mapping.presentation import as_asked
from tests.intake.mapping.asking import as_set, row, step


@pytest.mark.parametrize(("limit", "words"), [(1, "Enintään 1 merkki."), (2, "Enintään 2 merkkiä.")])
def test_limit_of_one_character_is_singular(limit: int, words: str) -> None:
    [asked_step] = as_asked(as_set([step("Vaihe"), row("short_text", "a", label="Kirjain?", limit=limit)]), {}, {})
    [asked] = asked_step.questions
    assert asked.rules == (words,)
