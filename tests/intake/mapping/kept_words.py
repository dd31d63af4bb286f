"""Check that a page shown again still contains the typed text."""

from typing import Any

from tests.intake.mapping.answering import contact_facts
from tests.intake.visiting import ShownForm

TYPED = ("name", "email", "phone", "organisation", "supervision_form", "delivery_modes", "preferred_contact")


def kept(answer: Any, words: dict[str, Any]) -> bool:
    """Return whether a page still has these values in its fields."""
    shown = ShownForm.of(answer).values
    return {name: shown.get(name) for name in words} == words


def facts() -> dict[str, Any]:
    return {name: value for name, value in contact_facts().items() if name in TYPED}
