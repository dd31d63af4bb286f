"""A personal identity code in the form is refused with a message, in every usual spelling."""

from datetime import date

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from intake.enquiry.forms import ContactForm
from intake.models import Enquiry
from intake.typed_text import contains_henkilotunnus
from tests.intake.visiting import ShownForm, Visitor, letter

REFUSAL = "Tekstissä näyttää olevan henkilötunnus. Poista se ennen lähettämistä."
# An example code of the Digital and Population Data Services Agency, which belongs to nobody.
EXAMPLE = "131052-308T"


def test_henkilotunnus_is_refused_in_every_field(visitor: Visitor) -> None:
    for written in (
        EXAMPLE,
        "131052-308t",
        "131052–308T",
        "131052\u2011308T",
        "131052-\u200b308T",
        "１３１０５２-308T",
    ):
        words = dict.fromkeys(("name", "organisation", "message"), f"Hei, {written}.")
        words |= {"email": f"{written}@esimerkki.fi", "phone": written}
        answer = visitor.sends(letter(**words))
        shown = ShownForm.of(answer)
        assert answer.status_code == 422
        for field, typed in words.items():
            assert shown.errors(field) == [REFUSAL]
            assert shown.words[field] == typed.replace("\u200b", "")
    assert not Enquiry.objects.exists()


def errors_of(message: str) -> list[str]:
    """Return the validation errors of the contact form for a message."""
    data = QueryDict(mutable=True)
    data["message"] = message
    found = ContactForm(data).errors.get_json_data()
    return [str(error["message"]) for error in found.get("message", [])]


@pytest.mark.parametrize(
    "written",
    [
        *("131052 308T", "131052 -308T", "131052- 308T", "131052 - 308 T", "13 10 52-308T", "1 3 1 0 5 2 - 3 0 8 T"),
        *("131052-\r\n308T", "131\n052-308T", "131052\u00a0-\u00a0308T", "13\u00ad1052-308T", "131052\u00ad308T"),
        *("131052--308T", "131052 -- 308T", "131052–\u2010308T", "131052308T", "131052 A 308T", "_131052-308T_"),
        *("131052-30\u20608T", "131052\u2043308T", "111111 131052-308T", "１３１０５２ － ３０８Ｔ"),
        *("13.10.52-308T", "13.10.1952-308T", "13101952-308T", "13/10/52 308T", "131052.308T", "131052/308T"),
        *("131052_308T", "131052:308T", "131052, 308T", "131052 (308T)", "131052·308T", "131052=308T", "131052*308T"),
        *("hetu131052-308T", "131052-308Tampere", "131052-308T131052-308T"),
    ],
)
def test_split_henkilotunnus_is_found(written: str) -> None:
    assert errors_of(f"Tunnukseni on {written}.") == [REFUSAL]


@pytest.mark.parametrize("grouping", ["{} {} {}", "{}-{}{}", "{} {}-{}", "{}{}{}", "{} {}{}"])
@given(number=st.integers(0, 9_999_999), area=st.sampled_from(["050", "040", "045", "044", "010", "020"]))
def test_phone_number_is_not_henkilotunnus(grouping: str, number: int, area: str) -> None:
    digits = f"{number:07}"
    assert not contains_henkilotunnus(grouping.format(area, digits[:3], digits[3:]))


@pytest.mark.parametrize(
    "words", ["131052-308U", "131052-308", "tilaus 131052-3081", "321352-308T", "050-1234567", "1131052-308T"]
)
def test_similar_number_is_not_henkilotunnus(words: str) -> None:
    assert errors_of(words) == []


@given(
    day=st.dates(date(2026, 1, 1), date(2030, 1, 1)), hour=st.integers(8, 20), minute=st.sampled_from([0, 15, 30, 45])
)
def test_date_and_time_is_not_henkilotunnus(day: date, hour: int, minute: int) -> None:
    written = f"{day.day:02}.{day.month:02}.{day.year} klo {hour}.{minute:02}"
    assert not contains_henkilotunnus(f"Sopiiko {written}–{hour + 1}.{minute:02} Teams?")


@pytest.mark.parametrize("separator", list("+-YXWVUABCDEF"))
def test_every_henkilotunnus_separator_is_known(separator: str) -> None:
    assert contains_henkilotunnus(f"tunnus 131052{separator}308T")


@given(
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(2, 899),
    st.sampled_from("+-YXWVUABCDEF"),
    st.booleans(),
)
def test_only_correct_check_character_is_henkilotunnus(born: date, number: int, separator: str, is_lower: bool) -> None:
    digits = f"{born:%d%m%y}{number:03}"
    characters = "0123456789ABCDEFHJKLMNPRSTUVWXY"
    right = characters[int(digits) % 31]
    for character in characters:
        code = f"{born:%d%m%y}{separator}{number:03}{character}"
        assert contains_henkilotunnus(code.lower() if is_lower else code) is (character == right)
