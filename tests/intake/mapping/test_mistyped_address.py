"""An address may be mistyped: the reader of its mail sees no answers begun by the link of the thank-you page."""

import random
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup, Tag
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from home.models import PauseNotice
from intake.choices import Kind
from intake.mail.queue import secret_digest
from intake.mapping.links import find_link, page_link_for_enquiry, remove_unfinished
from intake.mapping.services import AlreadySent, Incomplete, discard_mapping, send_mapping, store_answers
from intake.models import Enquiry, InitialMapping, MappingLink
from tests.intake.desk.mappings import ANSWERS as EVERY_ANSWER
from tests.intake.desk.mappings import QUESTIONS
from tests.intake.enquiries import received
from tests.intake.mapping.answering import ANSWERS, Answerer
from tests.intake.mapping.mailed_links import mail_link_for_enquiry
from tests.intake.mapping.test_sending import STORED
from tests.intake.visiting import Visitor, letter, page_text

pytestmark = pytest.mark.usefixtures("mapping_page")

WORDS = "Lisää tilaa ajatella."


@pytest.fixture
def thanks(visitor: Visitor) -> str:
    """The address of the thank-you page of a message by a group that meets online."""
    return str(visitor.sends(letter(delivery_modes=["online"]))["Location"])


def by_page(visitor: Visitor, thanks: str) -> Answerer:
    answerer = Answerer()
    answerer.follows(visitor.client.post(thanks))
    return answerer


def by_mail() -> Answerer:
    """Return somebody with a link that the worker has put into a mail."""
    return Answerer(secret=mail_link_for_enquiry(enquiry=Enquiry.objects.get(kind=Kind.CONTACT), now=timezone.now()))


def shows_answers(answerer: Answerer) -> bool:
    pages = [answerer.opens(place) for place in ("vaihe/1", "vaihe/2", "vaihe/3", "tarkista")]
    return any(WORDS in page.content.decode() or 'value="12"' in page.content.decode() for page in pages)


def confirm(visitor: Visitor, thanks: str, email: str = "maija.meikalainen@esimerkki.fi") -> Any:
    return visitor.client.post(thanks, {"email": email}, REMOTE_ADDR=visitor.network_address)


def test_failed_confirmation_keeps_the_typed_address(
    visitor: Visitor, thanks: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise OperationalError("Key (email)=(maija.meikalainen@esimerkki.fi)")

    by_page(visitor, thanks)
    with monkeypatch.context() as broken:
        broken.setattr(Enquiry, "save_base", fail)
        answer = confirm(visitor, thanks)
    assert answer.status_code == 503
    typed = BeautifulSoup(answer.content.decode(), "html.parser").find("input", {"name": "email"})
    assert isinstance(typed, Tag)
    assert typed["value"] == "maija.meikalainen@esimerkki.fi"
    assert "Vahvistusta ei voitu tallentaa." in page_text(answer)
    assert "meikalainen" not in caplog.text
    assert Enquiry.objects.get().address_confirmed_at is None
    assert confirm(visitor, thanks).status_code == 303


@pytest.mark.parametrize("mailed_first", [True, False])
def test_mail_link_hides_answers_begun_by_page(visitor: Visitor, thanks: str, mailed_first: bool) -> None:
    early = by_mail() if mailed_first else None
    writer = by_page(visitor, thanks)
    writer.sends_step(1, ANSWERS[0])
    writer.sends_step(2, ANSWERS[1])
    reader = early or by_mail()
    assert reader.opens()["Location"] == reader.address("vaihe/1")
    assert not shows_answers(reader)
    assert shows_answers(writer)


def test_page_link_hides_answers_begun_by_mail(visitor: Visitor, thanks: str) -> None:
    reader = by_mail()
    reader.sends_step(1, ANSWERS[0])
    writer = by_page(visitor, thanks)
    assert not shows_answers(writer)
    assert shows_answers(reader)
    # Every mailed link opens the mapping that was begun by mail.
    assert shows_answers(by_mail())


def test_page_and_mail_mappings_are_independent(visitor: Visitor, thanks: str) -> None:
    writer, reader = by_page(visitor, thanks), by_mail()
    writer.answers_all()
    assert reader.sends_step(1, {"q_kuka": "kuka-2", "q_koko": "3"}).status_code == 303
    assert writer.reads("vaihe/1").values["q_koko"] == "12"
    assert reader.reads("vaihe/1").values["q_koko"] == "3"
    assert InitialMapping.objects.count() == 2


def test_mapping_begun_by_mail_continues_by_mail(visitor: Visitor, thanks: str) -> None:
    first = by_mail()
    first.answers_all()
    second = by_mail()
    assert shows_answers(second)
    assert second.sends().status_code == 303
    assert Enquiry.objects.get().mapping.answers == STORED
    assert InitialMapping.objects.count() == 1


@pytest.mark.parametrize(
    ("email", "when"), [("maija.meikalainen@esimerkki.fi", "before"), (" Maija.Meikalainen@Esimerkki.fi ", "after")]
)
def test_confirmed_address_opens_answers_by_mail(visitor: Visitor, thanks: str, email: str, when: str) -> None:
    reader, writer = by_mail(), by_page(visitor, thanks)
    if when == "before":
        assert confirm(visitor, thanks, email)["Location"] == f"{thanks}#vahvistettu"
    writer.sends_step(1, ANSWERS[0])
    if when == "after":
        assert not shows_answers(reader)
        assert confirm(visitor, thanks, email).status_code == 303
    assert shows_answers(reader)
    assert shows_answers(by_mail())
    reader.sends_step(2, ANSWERS[1])
    assert WORDS in writer.opens("vaihe/2").content.decode()
    assert InitialMapping.objects.count() == 1
    notice = BeautifulSoup(visitor.client.get(thanks).content.decode(), "html.parser").select_one("#vahvistettu")
    assert notice is not None
    assert "Olet vahvistanut sähköpostiosoitteesi" in notice.get_text()


def test_confirmation_moves_no_link_of_another_enquiry(visitor: Visitor, thanks: str) -> None:
    reader, writer = by_mail(), by_page(visitor, thanks)
    secret = mail_link_for_enquiry(enquiry=received(email="eino@esimerkki.fi"), now=timezone.now())
    elsewhere = MappingLink.objects.get(secret_digest=secret_digest(secret)).mapping
    writer.sends_step(1, ANSWERS[0])
    confirm(visitor, thanks)
    assert shows_answers(reader)
    assert MappingLink.objects.get(secret_digest=secret_digest(secret)).mapping == elsewhere
    assert not shows_answers(Answerer(secret=secret))


def test_another_address_confirms_nothing(visitor: Visitor, thanks: str) -> None:
    for email in (
        "maija.meikalainen@esimerki.fi",
        "maija.meikalaine@esimerkki.fi",
        "maija.meikalainen+a@esimerkki.fi",
        "maija",
        "",
        "x" * 300 + "@esimerkki.fi",
    ):
        answer = confirm(visitor, thanks, email)
        assert answer.status_code == 422, email
        page = BeautifulSoup(answer.content.decode(), "html.parser")
        assert page.title is not None
        assert page.title.get_text().startswith("Virhe: ")
        # The top of the thank-you page does not show the error, so the field has the focus.
        assert [field["name"] for field in page.select("[autofocus]")] == ["email"]
        assert "maija.meikalainen@esimerkki.fi" not in answer.content.decode()
        assert Enquiry.objects.get().address_confirmed_at is None
    writer = by_page(visitor, thanks)
    writer.sends_step(1, ANSWERS[0])
    assert not shows_answers(by_mail())


def test_the_thanks_page_never_shows_the_address(visitor: Visitor, thanks: str) -> None:
    assert "maija.meikalainen" not in visitor.client.get(thanks).content.decode().lower()
    confirm(visitor, thanks)
    assert "maija.meikalainen" not in visitor.client.get(thanks).content.decode().lower()


def test_address_guesses_are_rate_limited(visitor: Visitor, thanks: str, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 3
    answers = [confirm(visitor, thanks, f"arvaus{number}@esimerkki.fi").status_code for number in range(4)]
    assert answers == [422, 422, 422, 429]
    assert confirm(visitor, thanks).status_code == 429


def test_address_cannot_be_confirmed_a_day_later(visitor: Visitor) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        thanks = str(visitor.sends()["Location"])
        clock.shift(timedelta(days=1))
        assert confirm(visitor, thanks)["Location"] == thanks
        assert Enquiry.objects.get().address_confirmed_at is None


@pytest.mark.parametrize("page_first", [True, False])
def test_sending_both_mappings_loses_no_answer(visitor: Visitor, thanks: str, page_first: bool) -> None:
    writer, reader = by_page(visitor, thanks), by_mail()
    writer.answers_all()
    for number, words in enumerate(ANSWERS, 1):
        reader.sends_step(number, {**words, "q_koko": "3"} if number == 1 else words)
    for answerer in (writer, reader) if page_first else (reader, writer):
        assert answerer.sends()["Location"] == answerer.address("perilla")
        assert answerer.sends().status_code == 303
    message, alone = Enquiry.objects.order_by("pk")
    assert (message.kind, alone.kind) == ("contact", "mapping")
    sizes = (message.mapping.answers["koko"], alone.mapping.answers["koko"])
    assert sizes == ((12, 3) if page_first else (3, 12))
    assert (alone.name, alone.email, alone.message) == (message.name, message.email, "")
    assert alone.reference in page_text((reader if page_first else writer).opens("perilla"))
    assert not InitialMapping.objects.filter(sent_at=None).exists()


def test_mail_link_hides_mapping_sent_by_page(visitor: Visitor, thanks: str) -> None:
    reader, writer = by_mail(), by_page(visitor, thanks)
    writer.answers_all()
    writer.sends()
    for answerer in (reader, by_mail()):
        assert answerer.opens()["Location"] == answerer.address("perilla")
        assert not shows_answers(answerer)
    assert InitialMapping.objects.count() == 1


def test_expired_page_mapping_keeps_mail_mapping(visitor: Visitor) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        writer = by_page(visitor, str(visitor.sends(letter(delivery_modes=["online"]))["Location"]))
        reader = by_mail()
        writer.sends_step(1, ANSWERS[0])
        clock.shift(timedelta(days=20))
        reader.answers_all()
        clock.shift(timedelta(days=11))
        assert remove_unfinished(now=timezone.now()) == 1
        assert shows_answers(reader)
        assert reader.sends().status_code == 303
        assert Enquiry.objects.get().mapping.answers == STORED


def test_removing_enquiry_removes_both_mappings(visitor: Visitor, thanks: str) -> None:
    writer, reader = by_page(visitor, thanks), by_mail()
    writer.sends_step(1, ANSWERS[0])
    reader.sends_step(1, ANSWERS[0])
    Enquiry.objects.get().delete()
    assert not InitialMapping.objects.exists()


def test_repeated_button_makes_one_link(visitor: Visitor, thanks: str) -> None:
    addresses = {visitor.client.post(thanks)["Location"] for _ in range(12)}
    assert len(addresses) == 1
    assert MappingLink.objects.count() == 1


def test_thanks_page_link_depends_on_secret_key(visitor: Visitor, thanks: str, settings: Any) -> None:
    first = visitor.client.post(thanks)["Location"]
    settings.SECRET_KEY = "another"
    assert visitor.client.post(thanks)["Location"] != first


def test_repeat_from_another_form_gives_no_link(visitor: Visitor, thanks: str) -> None:
    by_page(visitor, thanks).sends_step(1, ANSWERS[0])
    stranger = Visitor("203.0.113.9")
    again = str(stranger.sends(letter(delivery_modes=["online"]))["Location"])
    assert again != thanks
    page = stranger.client.get(again)
    assert page.status_code == 200
    assert Enquiry.objects.get().reference in page_text(page)
    assert b"<form" not in page.content.split(b"<main")[1].split(b"</main")[0]
    before = MappingLink.objects.count()
    for fields in ({}, {"email": "maija.meikalainen@esimerkki.fi"}):
        answer = stranger.client.post(again, fields)
        assert (answer.status_code, answer["Location"]) == (303, again)
    assert MappingLink.objects.count() == before
    assert Enquiry.objects.get().address_confirmed_at is None
    # A further repeat leads to the same page, and the first sender's own page still works.
    assert stranger.sends(letter(delivery_modes=["online"]))["Location"] == again
    assert visitor.client.post(thanks)["Location"].startswith("/jatka/")


def test_link_lookup_takes_one_query(
    visitor: Visitor, thanks: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    writer, now = by_page(visitor, thanks), timezone.now()
    writer.sends_step(1, ANSWERS[0])
    reader = by_mail()
    by_link = {writer.secret: ("enquiry", "parallel_to"), reader.secret: ("parallel_to", "enquiry")}
    for secret, (there, missing) in by_link.items():
        # The first lookup builds the query, the second uses the built one.
        for _time in range(2):
            with django_assert_num_queries(1):
                found = find_link(secret, now=now)
                assert found is not None
                message = getattr(found.mapping, there)
                assert getattr(found.mapping, missing) is None
            expected = MappingLink.objects.get(pk=found.pk)
            for read, stored in (
                (found, expected),
                (found.mapping, expected.mapping),
                (message, Enquiry.objects.get()),
            ):
                assert type(read) is type(stored)
                assert all(
                    getattr(read, field.attname) == getattr(stored, field.attname)
                    for field in stored._meta.concrete_fields
                )
    expires_at = InitialMapping.objects.get(links__secret_digest=secret_digest(writer.secret)).expires_at
    assert find_link(writer.secret, now=expires_at - timedelta(seconds=1))
    assert find_link(writer.secret, now=expires_at) is None
    assert find_link("tuntematon", now=now) is None


@pytest.mark.parametrize("seed", range(6))
def test_parallel_mapping_exists_only_beside_begun_mapping(contact_page: object, seed: int) -> None:
    """This holds after any sequence of links of both kinds, answers, early endings, sendings and removals."""
    chance, now = random.Random(seed), timezone.now()
    secrets: list[tuple[str, bool]] = []
    pause = PauseNotice.load()
    enquiry = received(now=now)
    for _step in range(20):
        secret, by_mail = chance.choice(secrets) if secrets else ("", False)
        link = find_link(secret, now=now)
        match chance.choice(["page", "mail", "answer", "answer", "answer", "wait", "clock", "end", "send"]):
            case "page":
                secrets.append((page_link_for_enquiry(enquiry=enquiry, now=now), False))
            case "mail":
                secrets.append((mail_link_for_enquiry(enquiry=enquiry, now=now), True))
            case "wait":
                now += timedelta(days=chance.choice([1, 10, 20, 31]))
            case "clock":
                remove_unfinished(now=now)
            case act if link:
                with suppress(AlreadySent, Incomplete, InitialMapping.DoesNotExist):
                    if act == "answer":
                        store_answers(
                            mapping_id=link.mapping_id,
                            by_mail=by_mail,
                            question_set=QUESTIONS,
                            step_keys=[],
                            answers=EVERY_ANSWER,
                            now=now,
                        )
                    elif act == "end":
                        discard_mapping(mapping_id=link.mapping_id)
                    else:
                        status = pause.status(now=now)
                        send_mapping(mapping_id=link.mapping_id, address_key=str(seed), pause=status, now=now)
        if InitialMapping.objects.filter(parallel_to=enquiry).exists():
            assert InitialMapping.objects.get(enquiry=enquiry).started_at is not None
