"""Phone numbers as people write them."""

import pytest

from intake.models import Enquiry
from intake.phone import dialled_phone, readable_phone
from tests.intake.visiting import ShownForm, Visitor, letter


@pytest.mark.parametrize(
    ("written", "kept"),
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
        ("", ""),
    ],
)
def test_every_common_way_of_writing_a_number_is_understood(visitor: Visitor, written: str, kept: str) -> None:
    assert visitor.sends(letter(phone=written, preferred_contact="email")).status_code == 303
    assert Enquiry.objects.get().phone == kept


@pytest.mark.parametrize("written", ["123", "050 123 4567 tai 040 765 4321", "ei ole", "=1+1", "+", "05"])
def test_what_cannot_be_dialled_comes_back(visitor: Visitor, written: str) -> None:
    answer = visitor.sends(letter(phone=written))
    assert answer.status_code == 422
    assert ShownForm.of(answer).words["phone"] == written


def test_who_wants_a_call_must_leave_a_number_and_is_told_only_once(visitor: Visitor) -> None:
    wrong = ShownForm.of(visitor.sends(letter(phone="ei ole", preferred_contact="phone")))
    assert len(wrong.errors("phone")) == 1
    assert visitor.sends(letter(phone="", preferred_contact="email")).status_code == 303


@pytest.mark.parametrize(
    ("kept", "read", "dialled"),
    [
        ("+358501234567", "050 123 4567", "050 123 4567"),
        ("+46701234567", "+46 70 123 45 67", "00 46 70 123 45 67"),
        ("", "", ""),
    ],
)
def test_a_kept_number_is_shown_as_it_is_read_aloud(kept: str, read: str, dialled: str) -> None:
    assert readable_phone(kept) == read
    assert dialled_phone(kept) == dialled
