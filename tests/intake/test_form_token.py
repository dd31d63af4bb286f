"""The token of the form: an old one is accepted, and an invalid one only means that the form must be sent again."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import signing
from django.test import Client

from intake.models import Enquiry
from intake.submission import new_form_token, read_form_token
from tests.intake.visiting import ADDRESS, ShownForm, Visitor, letter, token

EXPIRED = "Lomake ehti vanhentua. Tekstisi on yhä tässä: lähetä viesti uudelleen."


def test_token_contains_the_opening_time() -> None:
    opened = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    first, second = (read_form_token(new_form_token(opened)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.opened_at == opened
    assert first.submission_id != second.submission_id


@pytest.mark.parametrize("age", [timedelta(days=2), timedelta(days=400)])
def test_a_form_opened_long_ago_is_accepted(visitor: Visitor, age: timedelta) -> None:
    assert visitor.sends(letter(form_token=token(opened=age))).status_code == 303
    assert not Enquiry.objects.get().is_quarantined


def _forged() -> str:
    return signing.dumps([uuid.uuid4().hex, 1_700_000_000], key="another-key", salt="intake.form-token")


def _of_another_purpose() -> str:
    return signing.dumps([uuid.uuid4().hex, 1_700_000_000], salt="something-else")


def _tampered() -> str:
    return "x" + token()


@pytest.mark.parametrize("made_up", [str, _forged, _of_another_purpose, _tampered])
def test_forged_form_token_keeps_input_for_resending(visitor: Visitor, made_up: Any) -> None:
    returned = ShownForm.of(answer := visitor.sends(letter(form_token=made_up())))

    assert answer.status_code == 422
    assert returned.title.startswith("Virhe:")
    assert returned.notice == EXPIRED
    assert returned.words == letter()
    assert not Enquiry.objects.exists()

    assert visitor.sends(returned.values).status_code == 303
    assert not Enquiry.objects.get().is_quarantined


def test_missing_form_token_equals_an_empty_one(visitor: Visitor) -> None:
    returned = ShownForm.of(visitor.client.post(ADDRESS, letter(), headers=visitor.headers))
    assert returned.words == letter()
    assert visitor.sends(returned.values).status_code == 303


def test_open_forms_survive_secret_key_rotation(visitor: Visitor, settings: Any) -> None:
    opened = token()
    settings.SECRET_KEY = "a-new-one"
    returned = ShownForm.of(visitor.sends(letter(form_token=opened)))
    assert returned.words == letter()
    assert visitor.sends(returned.values).status_code == 303


def test_validation_error_keeps_the_token_contents(visitor: Visitor) -> None:
    first = read_form_token(opened := token())
    again = read_form_token(str(ShownForm.of(visitor.sends(letter(form_token=opened, name=""))).values["form_token"]))
    assert first is not None
    assert again is not None
    assert (again.submission_id, again.opened_at) == (first.submission_id, first.opened_at)


def test_each_opened_form_has_unique_token(visitor: Visitor) -> None:
    assert visitor.opens().values["form_token"] != visitor.opens().values["form_token"]


@pytest.mark.parametrize("path", [ADDRESS, f"{ADDRESS}viesti/", "/alkukartoitus/aloita/"])
def test_empty_form_is_cached_by_browser_only(loaded_site: None, path: str) -> None:
    client = Client()
    for opened in (client.get(path), client.head(path)):
        assert opened.status_code == 200
        # With no-store, Firefox and Safari would show an empty form after Back.
        assert opened["Cache-Control"] == "private, no-cache"
    returned = client.post(path, {"name": "Maija"})
    assert returned.status_code == 422
    assert "no-store" in returned["Cache-Control"]
    assert "private" in returned["Cache-Control"]


def test_form_responses_are_uncached_and_cookieless(contact_page: object) -> None:
    visitor = Visitor(client=Client(enforce_csrf_checks=True))
    steps = [visitor.client.get(ADDRESS), visitor.sends(letter(name="")), visitor.sends(letter(form_token=""))]
    steps.append(sent := visitor.sends())
    steps.append(visitor.client.get(sent["Location"]))

    assert [step.status_code for step in steps] == [200, 422, 422, 303, 200]
    assert steps[0]["Cache-Control"] == "private, no-cache"
    for step in steps[1:]:
        assert "no-store" in step["Cache-Control"]
    for step in steps:
        assert not step.cookies
        assert "Set-Cookie" not in step
    assert not visitor.client.cookies
