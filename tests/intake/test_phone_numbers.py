"""Phone numbers as people type them."""

import unicodedata

import phonenumbers
import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from intake.enquiry.forms import ContactForm
from intake.models import Enquiry
from intake.typed_text import dialled_phone, e164_phone, readable_phone
from tests.intake.visiting import ShownForm, Visitor, letter


def form_with(phone: str) -> ContactForm:
    """Return the contact form submitted with this number."""
    data = QueryDict(mutable=True)
    data.update({"phone": phone, "preferred_contact": "email"})
    return ContactForm(data)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("050 123 4567", "+358501234567"),
        ("0501234567", "+358501234567"),
        ("050-123 4567", "+358501234567"),
        ("(050) 123 45 67", "+358501234567"),
        ("+358 50 123 4567", "+358501234567"),
        ("00358 50 1234567", "+358501234567"),
        ("+358 (0)50 123 4567", "+358501234567"),
        ("02 621 1100", "+35826211100"),
        ("+46 70 123 45 67", "+46701234567"),
        ("０５０ １２３ ４５６７", "+358501234567"),
        ("٠٥٠ ١٢٣ ٤٥٦٧", "+358501234567"),
        ("050\u00a0123\u00a04567", "+358501234567"),
        ("050\u00ad123\u20114567", "+358501234567"),
        ("050.123.4567.", "+358501234567"),
        ("050/123 4567", "+358501234567"),
        ("(+358) 50 123 4567", "+358501234567"),
        ("00358 (0)50 123 4567", "+358501234567"),
        ("358501234567", "+358501234567"),
        ("puh. 050 123 4567", "+358501234567"),
        ("tel:+358501234567", "+358501234567"),
        ("GSM 050 123 4567", "+358501234567"),
        ("matk. 050 123 4567", "+358501234567"),
        ("050 123 4567, ", "+358501234567"),
        ("050 123 4567;", "+358501234567"),
        ("+358 (50) 123 4567", "+358501234567"),
        ("+7 495 123-45-67", "+74951234567"),
        ("", ""),
    ],
)
def test_common_phone_formats_are_normalized(written: str, stored: str) -> None:
    form = form_with(written)
    assert "phone" not in form.errors
    assert form.cleaned_data["phone"] == stored


def test_normalized_phone_number_is_stored(visitor: Visitor) -> None:
    assert visitor.sends(letter(phone="puh. 050 123 4567", preferred_contact="email")).status_code == 303
    assert Enquiry.objects.get().phone == "+358501234567"


@pytest.mark.parametrize(
    "written",
    [
        *(
            "02 633 1234 klo 9",
            "02 633 1234 ark",
            "02 633 1234 9-15",
            "02 633 1234-35",
            "02 633 1234–5",
            "050 1234 koti",
        ),
        *("050 I23 4567", "050 123 4567 alanumero 12", "050 123 4567 x12", "050 123 4567;ext=3", "050 123 4567 #1"),
        *("050 1234567, 040 7654321", "050 1234567/040 7654321", "050 123 4567 040 765 4321", "050+1234567"),
        *("0358501234567", "000358501234567", "1-800-FLOWERS", "²50 123 4567", "koti 050 123 4567"),
        *("050 1234567 (8)", "050 1234567(12).", "02 633 1234 ( 5 )", "050 123 4567, 8"),
    ],
)
def test_invalid_phone_input_is_refused_unchanged(written: str) -> None:
    form = form_with(written)
    assert "phone" in form.errors
    assert form["phone"].value() == written


def test_extra_text_in_phone_shows_error(visitor: Visitor) -> None:
    answer = visitor.sends(letter(phone="02 633 1234 klo 9–15"))
    assert answer.status_code == 422
    assert ShownForm.of(answer).words["phone"] == "02 633 1234 klo 9–15"
    assert not Enquiry.objects.exists()
    assert ShownForm.of(answer).errors("phone") == [
        "Kirjoita tähän vain yksi puhelinnumero ilman muuta tekstiä, esimerkiksi 050 123 4567."
    ]


@given(st.text("0123456789 -–()./+٣", max_size=24) | st.text(max_size=12).map(lambda words: f"050 123 4567{words}"))
def test_normalized_digits_are_a_suffix_of_typed(written: str) -> None:
    try:
        stored = e164_phone(written)
    except ValueError:
        return
    typed = "".join(str(unicodedata.decimal(one)) for one in written if one.isdecimal())
    national = stored.removeprefix(f"+{phonenumbers.parse(stored).country_code}")
    assert typed.endswith(national)
    # At most the prefix is left out: 00 or 990, the country code and a 0.
    assert len(typed) - len(national) <= 7


@pytest.mark.parametrize("written", ["123", "050 123 4567 tai 040 765 4321", "ei ole", "=1+1", "+", "05"])
def test_undialable_phone_number_is_refused(written: str) -> None:
    form = form_with(written)
    assert "phone" in form.errors
    assert form["phone"].value() == written


def test_call_preference_requires_a_phone_number(visitor: Visitor) -> None:
    wrong = ShownForm.of(visitor.sends(letter(phone="ei ole", preferred_contact="phone")))
    assert len(wrong.errors("phone")) == 1
    assert visitor.sends(letter(phone="", preferred_contact="email")).status_code == 303


@pytest.mark.parametrize(
    ("stored", "read", "dialled"),
    [
        ("+358501234567", "050 123 4567", "050 123 4567"),
        ("+46701234567", "+46 70 123 45 67", "00 46 70 123 45 67"),
        ("", "", ""),
    ],
)
def test_stored_phone_is_shown_in_readable_form(stored: str, read: str, dialled: str) -> None:
    assert readable_phone(stored) == read
    assert dialled_phone(stored) == dialled
