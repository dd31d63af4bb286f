"""Posts that cannot be stored: after the mapping was sent, by a link that opens nothing, or far too large."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.utils import timezone

from intake.enquiry.removal import remove_enquiry
from intake.mail.queue import new_secret
from intake.models import Enquiry, InitialMapping, MappingPage
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.mapping.kept_words import facts, kept
from tests.intake.visiting import ShownForm, page_text


def test_step_posted_after_sending_keeps_input(begun: Answerer) -> None:
    begun.answers_all()
    begun.sends()
    before = InitialMapping.objects.get().answers
    for number, answers in enumerate(ANSWERS, 1):
        words = answers | ({"q_muutos": "Vielä yksi ajatus."} if number == 2 else {})
        answer = begun.posts(begun.address(f"vaihe/{number}"), words)
        assert answer.status_code == 409
        assert "on jo lähetetty" in ShownForm.of(answer).notice
        assert kept(answer, words)
    assert InitialMapping.objects.get().answers == before


def test_facts_posted_after_sending_keep_input(begun: Answerer) -> None:
    begun.answers_all()
    begun.sends()
    words = {**facts(), "name": "Matti"}
    answer = begun.posts(begun.address("yhteystiedot"), words)
    assert answer.status_code == 409
    assert "on jo lähetetty" in ShownForm.of(answer).notice
    assert kept(answer, words)
    assert Enquiry.objects.get().name == "Maija Meikäläinen"
    assert InitialMapping.objects.get().facts == {}


def test_start_form_posted_after_sending_keeps_input(answerer: Answerer) -> None:
    form = ShownForm.of(answerer.client.get(BEGIN)).values
    answerer.follows(answerer.posts(BEGIN, {**form, **contact_facts()}))
    answerer.answers_all()
    answerer.sends()
    answer = answerer.posts(BEGIN, {**form, **contact_facts(name="Matti")})
    assert answer.status_code == 409
    assert kept(answer, {**facts(), "name": "Matti"})
    assert InitialMapping.objects.count() == 1
    assert Enquiry.objects.get().name == "Maija Meikäläinen"


def test_pages_after_sending_redirect_to_done_page(begun: Answerer) -> None:
    begun.answers_all()
    begun.sends()
    for place in ("", "yhteystiedot", "vaihe/1", "vaihe/3", "tarkista"):
        assert begun.opens(place)["Location"] == begun.address("perilla"), place


def test_done_page_is_404_before_sending(begun: Answerer) -> None:
    begun.answers_all()
    assert begun.opens("perilla").status_code == 404


def gone(begun: Answerer) -> None:
    InitialMapping.objects.update(expires_at=timezone.now())


def unknown(begun: Answerer) -> None:
    begun.secret = new_secret()


def removed(begun: Answerer) -> None:
    begun.answers_all()
    begun.sends()
    remove_enquiry(enquiry_id=Enquiry.objects.get().pk, now=timezone.now())


EVERYWHERE = ("", "yhteystiedot", "vaihe/2", "tarkista", "perilla")


@pytest.mark.parametrize(("way", "places"), [(gone, EVERYWHERE), (unknown, ["vaihe/2"]), (removed, EVERYWHERE[2:])])
def test_expired_link_returns_the_typed_text(begun: Answerer, way: Any, places: Sequence[str]) -> None:
    way(begun)
    words = {**facts(), **ANSWERS[1], "q_muutos": "Sanat, joita\nei saa hukata <b>."}
    for place in places:
        answer = begun.opens(place)
        assert answer.status_code == 404, place
        assert "Tämä linkki ei enää avaa" in answer.content.decode(), place
        answer = begun.posts(begun.address(place), words)
        assert answer.status_code == 404, place
        shown = page_text(answer)
        for typed in ("Sanat, joita ei saa hukata <b>.", "Maija Meikäläinen", "maija.meikalainen@esimerkki.fi"):
            assert typed in shown, place
        assert "teemat-1" not in shown, place


@pytest.mark.parametrize("is_live", [True, False])
def test_typed_text_of_expired_link_keeps_its_questions(
    begun: Answerer, mapping_page: MappingPage, is_live: bool
) -> None:
    gone(begun)
    if not is_live:
        mapping_page.unpublish()
    shown = page_text(begun.posts(begun.address("vaihe/2"), ANSWERS[1]))
    assert "Mihin toivot muutosta? Lisää tilaa ajatella." in shown
    assert "Teemat Jaksaminen Muu teema" in shown


@pytest.mark.parametrize("place", ["vaihe/2", "yhteystiedot", "tarkista"])
def test_mapping_removed_while_storing_returns_typed_text(
    begun: Answerer, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    begun.answers_all()
    look_up = InitialMapping.objects.get_queryset

    def removed_meanwhile() -> Any:
        look_up().delete()
        return look_up()

    # The link itself is still found; every later lookup of the mapping finds it removed.
    monkeypatch.setattr(InitialMapping.objects, "get_queryset", removed_meanwhile)
    answer = begun.posts(begun.address(place), {**facts(), **ANSWERS[1]})
    assert answer.status_code == 404
    if place == "vaihe/2":
        assert "Lisää tilaa ajatella." in page_text(answer)


LARGE = {"text": {"q_muutos": "x" * (2 * 1024 * 1024 + 1)}, "fields": {f"field{number}": "x" for number in range(3000)}}


def test_oversized_step_post_gets_error_page(begun: Answerer) -> None:
    for place, what in (("vaihe/2", "text"), ("vaihe/2", "fields"), ("yhteystiedot", "fields"), ("tarkista", "text")):
        answer = begun.posts(begun.address(place), LARGE[what])
        # The check page ignores a body that is too large; it shows that answers are missing.
        assert answer.status_code == (422 if place == "tarkista" else 413), (place, what)
    for what in LARGE:
        assert "Vastaukset ovat liian pitkiä vastaanotettaviksi." in page_text(begun.posts(BEGIN, LARGE[what]))
    begun.secret = new_secret()
    for place in ("vaihe/2", "tarkista"):
        assert begun.posts(begun.address(place), LARGE["fields"]).status_code == 413, place


def test_too_long_answer_is_returned_whole(begun: Answerer) -> None:
    words = {"q_muutos": "ä" * 500_000}
    answer = begun.sends_step(2, words)
    assert answer.status_code == 422
    assert kept(answer, words)


def test_other_methods_are_not_allowed(begun: Answerer) -> None:
    for address in (begun.address(), begun.address("vaihe/1"), BEGIN):
        for method in ("put", "delete", "patch"):
            assert getattr(begun.client, method)(address).status_code == 405, (method, address)
        assert begun.client.options(address).status_code in (200, 405)
