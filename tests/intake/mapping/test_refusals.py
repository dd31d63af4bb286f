"""Rate limits and database errors: nothing is stored partially, and the typed text is returned."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, OperationalError
from django.db.models import Model, QuerySet
from django.utils import timezone

from intake.models import Enquiry, InitialMapping, MappingLink, OutgoingMail, PostingTrace
from tests.intake.failing_writes import refused_rows
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.mapping.kept_words import facts, kept
from tests.intake.visiting import ShownForm, page_text


def test_rate_limited_start_keeps_input(answerer: Answerer, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 2
    for _ in range(2):
        assert answerer.begins().status_code == 303
    answer = answerer.begins()
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert "Odota" in ShownForm.of(answer).notice
    assert kept(answer, facts())
    assert InitialMapping.objects.count() == 2


def test_too_many_sendings_lose_nothing(answerer: Answerer, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 1
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        answerer.sends_all(contact_facts(email="eka@esimerkki.fi"))
        later = Answerer("203.0.113.9")
        later.begins()
        later.answers_all()
        later.network_address = answerer.network_address
        answer = later.sends()
        assert answer.status_code == 429
        assert answer["Retry-After"] == "3600"
        assert "Odota" in ShownForm.of(answer).notice
        assert "Lisää tilaa ajatella." in page_text(answer)
        assert Enquiry.objects.count() == 1
        clock.shift(timedelta(hours=1))
        assert later.sends().status_code == 303
    assert Enquiry.objects.count() == 2


def failing(error: Exception) -> Any:
    def fail(*_arguments: object, **_named: object) -> None:
        raise error

    return fail


NOT_STORED = "Vastauksia ei voitu tallentaa."


@pytest.mark.parametrize("kind", [OperationalError, IntegrityError, DatabaseError])
@pytest.mark.parametrize("model", [InitialMapping, MappingLink, PostingTrace])
def test_database_error_at_start_keeps_text(
    answerer: Answerer, kind: type[DatabaseError], model: type[InitialMapping]
) -> None:
    with refused_rows(model, kind("DETAIL: maija.meikalainen@esimerkki.fi")):
        answer = answerer.begins()
    assert answer.status_code == 503
    assert ShownForm.of(answer).notice.startswith(NOT_STORED)
    assert kept(answer, facts())
    assert not InitialMapping.objects.exists()
    assert not PostingTrace.objects.exists()
    assert answerer.posts(BEGIN, ShownForm.of(answer).values).status_code == 303


@pytest.mark.parametrize("place", ["vaihe/2", "yhteystiedot"])
def test_database_error_at_step_keeps_text(begun: Answerer, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    words = dict(ANSWERS[1]) if place == "vaihe/2" else {**facts(), "name": "Matti"}
    with monkeypatch.context() as broken:
        broken.setattr(InitialMapping, "save_base", failing(OperationalError("x")))
        answer = begun.posts(begun.address(place), words)
    assert answer.status_code == 503
    assert ShownForm.of(answer).notice.startswith(NOT_STORED)
    assert kept(answer, words)
    assert begun.posts(begun.address(place), ShownForm.of(answer).values).status_code == 303


@pytest.mark.parametrize("model", [Enquiry, OutgoingMail, InitialMapping])
def test_database_error_at_sending_stores_nothing(
    begun: Answerer, monkeypatch: pytest.MonkeyPatch, model: type[Model]
) -> None:
    begun.answers_all()
    with monkeypatch.context() as broken:
        # Mails are stored by bulk_create, the others by save_base.
        target, name = (QuerySet, "bulk_create") if model is OutgoingMail else (model, "save_base")
        broken.setattr(target, name, failing(OperationalError("x")))
        answer = begun.sends()
    assert answer.status_code == 503
    assert ShownForm.of(answer).notice.startswith(NOT_STORED)
    assert not Enquiry.objects.exists()
    assert not OutgoingMail.objects.exists()
    assert not InitialMapping.objects.get().is_sent
    assert begun.sends().status_code == 303
