"""A personal identity code in a letter is refused with a message, in whatever way people write it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.henkilotunnus import contains_henkilotunnus
from intake.models import Enquiry
from tests.intake.visiting import ShownForm, Visitor, letter

REFUSAL = "Tekstissä näyttää olevan henkilötunnus. Poista se ennen lähettämistä."
# The example of the Digital and Population Data Services Agency: nobody's.
EXAMPLE = "131052-308T"


@pytest.mark.parametrize("field", ["name", "organisation", "message", "email", "phone"])
@pytest.mark.parametrize(
    "written", [EXAMPLE, "131052-308t", "131052–308T", "131052\u2011308T", "131052-\u200b308T", "１３１０５２-308T"]
)
def test_a_code_is_refused_in_every_field_and_the_words_stay(visitor: Visitor, field: str, written: str) -> None:
    words = f"{written}@esimerkki.fi" if field == "email" else f"Hei, {written}." if field != "phone" else written
    answer = visitor.sends(letter(**{field: words}))
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert shown.errors(field) == [REFUSAL]
    assert shown.words[field] == words.replace("\u200b", "")
    assert not Enquiry.objects.exists()


@pytest.mark.parametrize("words", ["131052-308U", "131052-308", "tilaus 131052-3081", "321352-308T", "050-1234567"])
def test_a_number_that_only_looks_like_one_is_just_a_number(visitor: Visitor, words: str) -> None:
    assert visitor.sends(letter(message=words)).status_code == 303


@pytest.mark.parametrize("separator", list("+-YXWVUABCDEF"))
def test_every_separator_in_use_is_known(separator: str) -> None:
    assert contains_henkilotunnus(f"tunnus 131052{separator}308T")


@given(
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(2, 899),
    st.sampled_from("+-YXWVUABCDEF"),
    st.booleans(),
)
def test_every_real_code_is_found_and_no_other_check_character(
    born: date, number: int, separator: str, is_lower: bool
) -> None:
    digits = f"{born:%d%m%y}{number:03}"
    characters = "0123456789ABCDEFHJKLMNPRSTUVWXY"
    right = characters[int(digits) % 31]
    for character in characters:
        code = f"{born:%d%m%y}{separator}{number:03}{character}"
        assert contains_henkilotunnus(code.lower() if is_lower else code) is (character == right)
