"""Typed text is cleaned, refused with a message or escaped, and never causes a server error."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.enquiry.forms import ContactForm
from intake.models import Enquiry
from intake.typed_text import clean_line, clean_lines, read_typed
from tests.intake.visiting import ShownForm, Visitor, letter, page_text

FREE_TEXT = ("name", "organisation", "message")


def test_header_injection_in_name_is_flattened(visitor: Visitor) -> None:
    assert visitor.sends(letter(name="Maija\r\nBcc: kaikki@esimerkki.fi")).status_code == 303
    assert Enquiry.objects.get().name == "Maija Bcc: kaikki@esimerkki.fi"


@pytest.mark.parametrize(
    "end", ["\r\nBcc: x@esimerkki.fi", "\nBcc: x@esimerkki.fi", "\rX: y", "\u2028X: y", "\x85X: y"]
)
def test_header_injection_in_email_is_refused(visitor: Visitor, end: str) -> None:
    answer = visitor.sends(letter(email=f"maija@esimerkki.fi{end}"))
    assert answer.status_code == 422
    assert ShownForm.of(answer).errors("email")


@pytest.mark.parametrize("mark", ["\x00", "\x08", "\x7f", "\u202e", "\u2066", "\u200b", "\ufeff", "\x9b"])
@pytest.mark.parametrize("field", FREE_TEXT)
def test_invisible_characters_are_removed_from_text(visitor: Visitor, field: str, mark: str) -> None:
    assert visitor.sends(letter(**{field: f"Mai{mark}ja"})).status_code == 303
    assert getattr(Enquiry.objects.get(), field) == "Maija"


@pytest.mark.parametrize("field", ["email", "phone"])
def test_invisible_marks_in_contact_fields_are_accepted(visitor: Visitor, field: str) -> None:
    good = str(letter()[field])
    assert visitor.sends(letter(**{field: f"\u202a{good}\u202c\x00"})).status_code == 303


@pytest.mark.parametrize(
    "words", ["👩‍👩‍👧‍👦 kiitos 🙏🏽", "<b>Hei</b> & 'terve' \"moi\"", "Åke Čapek Ŝ", "日本語", "a\u0308iti"]
)
@pytest.mark.parametrize("field", FREE_TEXT)
def test_any_script_is_stored_as_nfc(visitor: Visitor, field: str, words: str) -> None:
    assert visitor.sends(letter(**{field: words})).status_code == 303
    assert getattr(Enquiry.objects.get(), field) == unicodedata.normalize("NFC", words)


@pytest.mark.parametrize("field", FREE_TEXT)
def test_html_in_returned_form_is_escaped(visitor: Visitor, field: str) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    answer = visitor.sends(letter(**{field: evil, "email": ""}))
    assert b"<script>alert" not in answer.content
    assert b"<img src=x" not in answer.content
    assert ShownForm.of(answer).words[field] == evil


@pytest.mark.parametrize("field", [*FREE_TEXT, "email", "phone"])
def test_overlong_text_returns_with_validation_error(visitor: Visitor, field: str) -> None:
    long = "työ" * 33_333
    answer = visitor.sends(letter(**{field: long}))
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert re.match(r"Lyhennä \w+( nimeä)?: nyt 99999 merkkiä, enintään ", shown.errors(field)[0])
    assert shown.words[field] == long


@pytest.mark.parametrize(("field", "limit"), [("name", 100), ("organisation", 150), ("message", 5000)])
def test_length_limit_counts_cleaned_text(visitor: Visitor, field: str, limit: int) -> None:
    padded = "  \u200b" + "ä" * limit + "\u202c  "
    assert visitor.sends(letter(**{field: padded})).status_code == 303
    assert getattr(Enquiry.objects.get(), field) == "ä" * limit


def test_line_break_counts_as_one_character(visitor: Visitor) -> None:
    message = "a" + "\r\n" * 4998 + "b"
    assert visitor.sends(letter(message=message)).status_code == 303
    assert Enquiry.objects.get().message == message.replace("\r\n", "\n")


def test_line_breaks_kept_in_message_only(visitor: Visitor) -> None:
    visitor.sends(letter(message="Hei,\r\n\r\n\tkiitos", organisation="Porin\r\n  koulu"))
    enquiry = Enquiry.objects.get()
    assert enquiry.message == "Hei,\n\n\tkiitos"
    assert enquiry.organisation == "Porin koulu"


def test_error_summary_counts_the_errors(visitor: Visitor) -> None:
    answer = visitor.sends(letter(name="", email=""))
    assert "Tarkista nämä 2 kohtaa:" in page_text(answer)


@given(st.text())
def test_cleaning_is_idempotent(text: str) -> None:
    assert clean_lines(clean_lines(text)) == clean_lines(text)
    assert clean_line(clean_line(text)) == clean_line(text)


@given(st.text())
def test_cleaned_line_has_no_line_break(text: str) -> None:
    assert len(clean_line(text).splitlines()) <= 1
    assert "\x00" not in clean_lines(text)
    clean_lines(text).encode()


@given(st.text(st.characters(categories=["L", "N", "P", "Sm", "Sc"])))
def test_cleaning_keeps_letters_digits_and_punctuation(text: str) -> None:
    assert clean_lines(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(("marks", "runs"), [(30, [30]), (31, [30, 1]), (61, [30, 30, 1])])
def test_combining_marks_are_split_after_thirty(marks: int, runs: list[int]) -> None:
    # "q" forms no composed character with this mark.
    pieces = clean_lines("q" + "\u0300" * marks).split("\u034f")
    assert [piece.count("\u0300") for piece in pieces] == runs


def test_long_runs_of_combining_marks_are_split() -> None:
    cleaned = clean_lines("Za" + "\u0300" * 100 + "lgo")
    assert max(len(run) for run in cleaned.replace("\u0300", "|").split("\u034f")) <= 34
    assert cleaned.replace("\u034f", "").count("\u0300") in (99, 100)
    assert clean_lines(cleaned) == cleaned


@pytest.mark.parametrize("text", ["ệ", "\u0344" * 20, "\u0f73" * 20, "각", "שָׁלוֹם", "q\u0323\u0307"])
def test_combining_marks_of_languages_are_kept(text: str) -> None:
    assert clean_lines(clean_lines(text)) == clean_lines(text)
    if len(text) < 10:
        assert "\u034f" not in clean_lines(text)


def test_length_error_states_typed_length() -> None:
    form = ContactForm(None)
    with pytest.raises(Exception, match="nyt 400001 merkkiä, enintään 100"):
        form.fields["name"].clean("a" + "\u0301\u0316" * 200_000)


@pytest.mark.parametrize("several_lines", [True, False])
def test_surrounding_whitespace_does_not_count_to_length(several_lines: bool) -> None:
    assert read_typed("\n" * 10_000 + "Hei" + " " * 10_000, limit=5, several_lines=several_lines) == "Hei"
