"""A mapping is begun once, answered once and sent once, however often and from however many places it is posted."""

from collections import Counter
from typing import Any

import pytest

from intake.choices import Outcome, Status
from intake.models import Enquiry, InitialMapping, MappingLink, OutgoingMail, PostingTrace
from tests.intake.enquiries import give_status
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.visiting import ShownForm


def test_start_form_sent_twice_makes_one_mapping(answerer: Answerer) -> None:
    form = {**ShownForm.of(answerer.client.get(BEGIN)).values, **contact_facts()}
    addresses = {answerer.posts(BEGIN, form)["Location"] for _ in range(3)}
    assert len(addresses) == 1
    assert InitialMapping.objects.count() == MappingLink.objects.count() == PostingTrace.objects.count() == 1


def test_reposted_start_form_changes_only_the_facts(answerer: Answerer) -> None:
    form = ShownForm.of(answerer.client.get(BEGIN)).values
    answerer.follows(answerer.posts(BEGIN, {**form, **contact_facts()}))
    answerer.sends_step(1, ANSWERS[0])
    answerer.posts(BEGIN, {**form, **contact_facts(name="Matti")})
    mapping = InitialMapping.objects.get()
    assert mapping.facts["name"] == "Matti"
    assert mapping.answers["koko"] == 12


def test_each_start_token_makes_its_own_mapping(answerer: Answerer) -> None:
    answerer.begins()
    first = answerer.secret
    answerer.begins()
    assert answerer.secret != first
    assert InitialMapping.objects.count() == 2


def test_a_step_sent_twice_is_stored_once(begun: Answerer) -> None:
    for _ in range(2):
        answer = begun.sends_step(1, ANSWERS[0])
        assert (answer.status_code, answer["Location"]) == (303, begun.address("vaihe/2"))
    assert InitialMapping.objects.get().answers == {"kuka": "kuka-2", "koko": 12}


def test_two_devices_keep_each_others_steps(begun: Answerer) -> None:
    other = Answerer("203.0.113.9", secret=begun.secret)
    begun.sends_step(1, ANSWERS[0])
    other.sends_step(2, ANSWERS[1])
    begun.sends_step(1, {**ANSWERS[0], "q_koko": "5"})
    mapping = InitialMapping.objects.get()
    assert mapping.answers["koko"] == 5
    assert mapping.answers["muu"] == "Työnjako"


def test_repeated_sending_makes_one_enquiry_and_mails(begun: Answerer) -> None:
    begun.answers_all()
    for _ in range(3):
        answer = begun.sends()
        assert (answer.status_code, answer["Location"]) == (303, begun.address("perilla"))
    assert Enquiry.objects.count() == 1
    assert Counter(OutgoingMail.objects.values_list("purpose", flat=True)) == {"notification": 1, "confirmation": 1}


def test_same_answers_from_another_start_are_a_repeat(
    answerer: Answerer,
) -> None:
    answerer.sends_all()
    other = Answerer("203.0.113.9")
    assert other.sends_all()["Location"] == other.address("perilla")
    assert Enquiry.objects.count() == InitialMapping.objects.count() == 1
    for one in (answerer, other):
        assert Enquiry.objects.get().reference in one.opens("perilla").content.decode()


def test_same_mapping_after_closing_is_a_new_enquiry(answerer: Answerer) -> None:
    answerer.sends_all()
    enquiry = Enquiry.objects.get()
    give_status(enquiry, Status.CLOSED, Outcome.AGREEMENT)
    Answerer().sends_all()
    assert Enquiry.objects.count() == InitialMapping.objects.filter(sent_at__isnull=False).count() == 2


def test_same_answer_to_another_question_is_new(answerer: Answerer) -> None:
    for field in ("q_paiva", "q_aika_from"):
        one = Answerer()
        one.begins()
        one.sends_step(1, ANSWERS[0])
        one.sends_step(2, ANSWERS[1])
        assert one.sends_step(3, {"q_tuttu": "no", field: "1.3.2027", "q_mista": ""}).status_code == 303
        assert one.sends().status_code == 303
    stored = [mapping.answers for mapping in InitialMapping.objects.order_by("pk")]
    assert len(stored) == Enquiry.objects.count() == 2
    assert "aika" in stored[1]


@pytest.mark.parametrize("changes", [{"name": "Matti"}, {"organisation": ""}, {"preferred_contact": "email"}])
def test_changed_facts_make_a_new_enquiry(answerer: Answerer, changes: dict[str, Any]) -> None:
    answerer.sends_all()
    Answerer().sends_all(contact_facts(**changes))
    assert Enquiry.objects.count() == 2


def test_filled_honeypot_quarantines_the_mapping(answerer: Answerer) -> None:
    answerer.begins(contact_facts(extra_line="x"))
    answerer.answers_all()
    assert answerer.sends()["Location"] == answerer.address("perilla")
    enquiry = Enquiry.objects.get()
    assert (enquiry.verdict, enquiry.verdict_reasons) == ("quarantined", ["hidden_field"])
    assert [mail.purpose for mail in enquiry.mails.all()] == ["notification"]


def test_links_in_answers_quarantine_the_mapping(begun: Answerer) -> None:
    begun.answers_all()
    begun.sends_step(2, {**ANSWERS[1], "q_muutos": "https://a.com https://b.com https://c.com"})
    begun.sends()
    assert Enquiry.objects.get().verdict_reasons == ["many_links"]


def test_null_origin_mapping_is_quarantined(answerer: Answerer) -> None:
    answerer.begins(headers={"Origin": "null", "Referer": ""})
    answerer.answers_all()
    assert answerer.sends().status_code == 303
    assert Enquiry.objects.get().verdict_reasons == ["unknown_source"]
