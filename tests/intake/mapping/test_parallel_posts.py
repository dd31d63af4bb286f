"""Many posts of one mapping at the same moment, each in a thread with real transactions of its own."""

import threading
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from home.models import PauseNotice
from intake.enquiry.removal import remove_enquiry
from intake.mapping.links import confirm_address, page_link_for_enquiry, remove_unfinished
from intake.mapping.services import send_mapping
from intake.models import Enquiry, InitialMapping, MappingLink, MappingPage, OutgoingMail, UnfinishedMapping
from tests.intake.enquiries import received
from tests.intake.enquiry.test_parallel_posts import at_once
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.mapping.asking import row, step, stream
from tests.intake.mapping.mailed_links import mail_link_for_enquiry
from tests.intake.visiting import ShownForm

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 8


def another(answerer: Answerer, number: int = 7) -> Answerer:
    """The same link on another device."""
    return Answerer(f"198.51.100.{number}", secret=answerer.secret)


def test_parallel_start_posts_make_one_mapping(answerer: Answerer) -> None:
    form = {**ShownForm.of(answerer.client.get(BEGIN)).values, **contact_facts()}
    answers = at_once(MANY, lambda _number: Answerer().posts(BEGIN, form))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer["Location"] for answer in answers}) == 1
    assert InitialMapping.objects.count() == MappingLink.objects.count() == 1


def test_parallel_sendings_make_one_enquiry(begun: Answerer) -> None:
    begun.answers_all()
    answers = at_once(MANY, lambda number: another(begun, number).sends())
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(303, begun.address("perilla"))}
    assert Enquiry.objects.count() == InitialMapping.objects.count() == 1
    assert Counter(OutgoingMail.objects.values_list("purpose", flat=True)) == {"notification": 1, "confirmation": 1}


def test_parallel_second_stage_sendings_notify_once(answerer: Answerer) -> None:
    enquiry = received()
    answerer.secret = mail_link_for_enquiry(enquiry=enquiry, now=timezone.now())
    answerer.answers_all()
    answers = at_once(MANY, lambda number: another(answerer, number).sends())
    assert {answer.status_code for answer in answers} == {303}
    assert OutgoingMail.objects.filter(purpose="mapping_notification").count() == 1
    assert Enquiry.objects.get().mapping.is_sent


def test_parallel_sendings_without_questions_all_succeed(answerer: Answerer) -> None:
    page = MappingPage.objects.get()
    only = ["supervision_form:individual"]
    page.questions = stream([step("Yksi"), row("short_text", "loppu", label="Loppu", limit=50, when=only)])
    page.save()
    enquiry = received(supervision_form="group")
    answerer.secret = mail_link_for_enquiry(enquiry=enquiry, now=timezone.now())
    answers = at_once(MANY, lambda number: another(answerer, number).sends())
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(303, answerer.address("perilla"))}
    assert OutgoingMail.objects.filter(purpose="mapping_notification").count() == 1


def test_parallel_mail_links_make_one_mapping(answerer: Answerer) -> None:
    enquiry = received()
    secrets = at_once(MANY, lambda _number: mail_link_for_enquiry(enquiry=enquiry, now=timezone.now()))
    assert InitialMapping.objects.count() == 1
    assert MappingLink.objects.count() == len(set(secrets)) == MANY


def test_concurrent_step_is_included_or_rejected(begun: Answerer) -> None:
    begun.answers_all()
    changed = {**ANSWERS[1], "q_muutos": "Viime hetken ajatus."}

    def job(number: int) -> Any:
        one = another(begun, number)
        return one.sends() if number == 0 else one.posts(one.address("vaihe/2"), changed)

    sent, *steps = at_once(6, job)
    assert sent.status_code == 303
    statuses = {step.status_code for step in steps}
    assert statuses <= {303, 409}
    stored = Enquiry.objects.get().mapping.answers["muutos"]
    assert stored == ("Viime hetken ajatus." if 303 in statuses else "Lisää tilaa ajatella.")


def test_parallel_removals_count_each_mapping_once(answerer: Answerer) -> None:
    for _ in range(3):
        answerer.begins()
    now = timezone.now()
    InitialMapping.objects.update(expires_at=now)
    removed = at_once(4, lambda _number: remove_unfinished(now=now))
    assert sum(removed) == 3
    assert UnfinishedMapping.objects.get().count == 3


def test_removal_during_sending_does_not_deadlock(answerer: Answerer) -> None:
    for _round in range(2):
        enquiry = received()
        answerer.secret = mail_link_for_enquiry(enquiry=enquiry, now=timezone.now())
        answerer.answers_all()

        def job(number: int, pk: int = enquiry.pk) -> int:
            if number % 2:
                remove_enquiry(enquiry_id=pk, now=timezone.now())
                return 303
            return int(another(answerer, number).sends().status_code)

        assert set(at_once(4, job)) <= {303, 404}
        assert not InitialMapping.objects.exists()
        assert not OutgoingMail.objects.exists()


def test_expiring_mapping_is_not_removed_while_sent(
    begun: Answerer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    begun.answers_all()
    mapping = InitialMapping.objects.get()
    sending, go_on = threading.Event(), threading.Event()
    save = Enquiry.save

    def slowly(enquiry: Enquiry, **options: Any) -> None:
        sending.set()
        go_on.wait(10)
        save(enquiry, **options)

    monkeypatch.setattr(Enquiry, "save", slowly)

    def job(number: int) -> Any:
        if number == 0:
            return begun.sends().status_code
        assert sending.wait(10)
        threading.Timer(0.3, go_on.set).start()
        return remove_unfinished(now=mapping.expires_at)

    assert at_once(2, job) == [303, 0]
    assert Enquiry.objects.get().mapping.is_sent


def test_mapping_that_begins_during_confirmation_is_kept(answerer: Answerer, monkeypatch: pytest.MonkeyPatch) -> None:
    enquiry, now = received(), timezone.now()
    answerer.secret = page_link_for_enquiry(enquiry=enquiry, now=now)
    by_mail = Answerer(secret=mail_link_for_enquiry(enquiry=enquiry, now=now))
    answerer.sends_step(1, ANSWERS[0])
    stored, go_on = threading.Event(), threading.Event()
    save = InitialMapping.save

    def slowly(mapping: InitialMapping, **options: Any) -> None:
        save(mapping, **options)
        stored.set()
        go_on.wait(10)

    monkeypatch.setattr(InitialMapping, "save", slowly)

    def job(number: int) -> Any:
        if number == 0:
            return by_mail.sends_step(2, ANSWERS[1]).status_code
        assert stored.wait(10)
        threading.Timer(0.3, go_on.set).start()
        return confirm_address(enquiry_id=enquiry.pk, now=timezone.now())

    assert at_once(2, job) == [303, None]
    assert InitialMapping.objects.get(parallel_to=enquiry).answers["muutos"] == ANSWERS[1]["q_muutos"]


def test_send_mapping_service_is_idempotent(begun: Answerer, mapping_page: Any) -> None:
    begun.answers_all()
    now = timezone.now()
    mapping = InitialMapping.objects.get()
    pause = PauseNotice.load().status(now=now)
    sent = [send_mapping(mapping_id=mapping.pk, address_key="x", pause=pause, now=now) for _ in range(2)]
    assert sent[0] == sent[1]
