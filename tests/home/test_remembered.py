"""`remembered` caches results by text: safe and other strings separately, and long texts not at all."""

import pytest
from django.utils.safestring import SafeString, mark_safe

from home.templatetags.home_tags import hide_emails, typeset
from home.typography import remembered
from tests.intake.visiting import Visitor, letter, token


def test_safe_and_other_strings_are_cached_separately() -> None:
    itself = remembered(lambda text: text)
    assert isinstance(itself(mark_safe("<b>")), SafeString)
    assert not isinstance(itself("<b>"), SafeString)
    assert hide_emails(mark_safe("<i>a@b.fi</i>")).startswith("<i>")
    assert hide_emails("<i>a@b.fi</i>").startswith("&lt;i&gt;")
    assert not isinstance(typeset("<i>"), SafeString)


@pytest.mark.parametrize(("length", "times"), [(10, 1), (5000, 1), (5001, 2)])
def test_only_short_texts_are_cached(length: int, times: int) -> None:
    calls: list[str] = []

    @remembered
    def count(text: str) -> int:
        calls.append(text)
        return len(text)

    assert [count("x" * length), count("x" * length)] == [length, length]
    assert len(calls) == times


def test_visitor_input_is_never_cached(loaded_site: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`remembered` calls `_is_kept` with every text that it gets."""
    seen: list[str] = []

    def is_kept(text: str) -> bool:
        seen.append(str(text))
        return True

    monkeypatch.setattr("home.typography._is_kept", is_kept)
    words = letter(
        name="Sirkka Salainen", message="Salaisuus: sirkka@salainen.fi", email="väärä", phone="soita Sirkalle"
    )
    answer = Visitor().sends({**words, "form_token": token()})
    assert answer.status_code == 422
    assert "Salaisuus" in answer.content.decode()
    assert seen
    assert not [text for text in seen if "Salai" in text or "Sirk" in text or "sirkka" in text]
