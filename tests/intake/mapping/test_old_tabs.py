"""Pages that are too late: sent already, a link that opens nothing, a post far too large."""

from typing import Any

import pytest
from django.utils import timezone

from intake.enquiry.removal import remove_enquiry
from intake.mail.queue import new_secret
from intake.models import Enquiry, InitialMapping
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.mapping.kept_words import facts, kept
from tests.intake.visiting import ShownForm, page_text


@pytest.mark.parametrize("number", [1, 2, 3])
def test_step_posted_after_sending_keeps_input(begun: Answerer, number: int) -> None:
    begun.answers_all()
    begun.sends()
    words = dict(ANSWERS[number - 1])
    before = InitialMapping.objects.get().answers
    if number == 2:
        words["q_muutos"] = "Vielä yksi ajatus."
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


@pytest.mark.parametrize("place", ["", "yhteystiedot", "vaihe/1", "vaihe/3", "tarkista"])
def test_pages_after_sending_redirect_to_done_page(begun: Answerer, place: str) -> None:
    begun.answers_all()
    begun.sends()
    assert begun.opens(place)["Location"] == begun.address("perilla")


def test_before_sending_nothing_says_that_it_has_arrived(begun: Answerer) -> None:
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


@pytest.mark.parametrize("way", [gone, unknown, removed])
@pytest.mark.parametrize("place", ["", "yhteystiedot", "vaihe/2", "tarkista", "perilla"])
def test_expired_link_returns_the_typed_text(begun: Answerer, way: Any, place: str) -> None:
    way(begun)
    answer = begun.opens(place)
    assert answer.status_code == 404
    assert "Tämä linkki ei enää avaa" in page_text(answer)
    words = {**facts(), **ANSWERS[1], "q_muutos": "Sanat, joita\nei saa hukata <b>."}
    answer = begun.posts(begun.address(place), words)
    assert answer.status_code == 404
    shown = page_text(answer)
    for typed in ("Sanat, joita ei saa hukata <b>.", "Maija Meikäläinen", "maija.meikalainen@esimerkki.fi"):
        assert typed in shown
    assert "teemat-1" not in shown


@pytest.mark.parametrize("place", ["vaihe/2", "yhteystiedot", "tarkista"])
def test_mapping_removed_while_storing_returns_typed_text(
    begun: Answerer, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    begun.answers_all()
    look_up = InitialMapping.objects.get_queryset

    def removed_meanwhile() -> Any:
        look_up().delete()
        return look_up()

    # The link has been followed; from now on whoever looks the mapping up finds it removed.
    monkeypatch.setattr(InitialMapping.objects, "get_queryset", removed_meanwhile)
    answer = begun.posts(begun.address(place), {**facts(), **ANSWERS[1]})
    assert answer.status_code == 404
    if place == "vaihe/2":
        assert "Lisää tilaa ajatella." in page_text(answer)


LARGE = {"text": {"q_muutos": "x" * (2 * 1024 * 1024 + 1)}, "fields": {f"field{number}": "x" for number in range(3000)}}


@pytest.mark.parametrize("what", LARGE)
@pytest.mark.parametrize("place", ["vaihe/2", "yhteystiedot", "tarkista"])
def test_oversized_step_post_gets_error_page(begun: Answerer, what: str, place: str) -> None:
    answer = begun.posts(begun.address(place), LARGE[what])
    # Nothing of the check page's post is read.
    assert answer.status_code == (422 if place == "tarkista" else 413)
    assert begun.posts(BEGIN, LARGE[what]).status_code == 413
    begun.secret = new_secret()
    assert begun.posts(begun.address(place), LARGE[what]).status_code == 413
    assert "Vastaukset ovat liian pitkiä vastaanotettaviksi." in page_text(begun.posts(BEGIN, LARGE[what]))


def test_a_long_answer_comes_back_whole(begun: Answerer) -> None:
    words = {"q_muutos": "ä" * 500_000}
    answer = begun.sends_step(2, words)
    assert answer.status_code == 422
    assert kept(answer, words)


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_not_allowed(begun: Answerer, method: str) -> None:
    for address in (begun.address(), begun.address("vaihe/1"), BEGIN):
        assert getattr(begun.client, method)(address).status_code in ((200, 405) if method == "options" else (405,))
