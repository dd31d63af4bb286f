"""First a message, then its mapping: from the thank-you page for a day, from the mailed link for longer."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from intake.choices import MailPurpose, MailState, Outcome, Status
from intake.enquiry.removal import remove_enquiry
from intake.enquiry.rules import RECEIPT_WINDOW
from intake.enquiry.services import change_status
from intake.mail.delivery import requeue
from intake.mapping import links
from intake.mapping.models import expiry
from intake.models import Enquiry, EnquiryStep, InitialMapping, MappingLink, MappingPage, OutgoingMail
from tests.intake.mail.delivering import deliver_due
from tests.intake.mapping.answering import ANSWERS, Answerer
from tests.intake.mapping.mailed_links import mail_link_for_enquiry, secrets_in_mails
from tests.intake.mapping.test_sending import STORED
from tests.intake.visiting import ShownForm, Visitor, letter, page_text
from tests.tools.smtp_server import SmtpServer

pytestmark = pytest.mark.usefixtures("mapping_page")


@pytest.fixture
def thanks(visitor: Visitor) -> str:
    """The address of the thanks page of a message by a group."""
    return str(visitor.sends()["Location"])


def goes_on(visitor: Visitor, thanks: str) -> Answerer:
    """Press the thanks page's button."""
    answer = visitor.client.post(thanks)
    assert answer.status_code == 303
    answerer = Answerer()
    answerer.follows(answer)
    return answerer


def offers(visitor: Visitor, thanks: str) -> bool:
    page = ShownForm.of(visitor.client.get(thanks))
    forms = [form for form in page.soup.find_all("form") if form.get("method", "").lower() == "post"]
    return bool(forms)


def test_thanks_page_mapping_skips_contact_facts(visitor: Visitor, thanks: str) -> None:
    assert offers(visitor, thanks)
    answerer = goes_on(visitor, thanks)
    assert answerer.opens()["Location"] == answerer.address("vaihe/1")
    assert answerer.opens("yhteystiedot")["Location"] == answerer.address("vaihe/1")
    page = answerer.reads("vaihe/1")
    # Conditions use the facts of the message: a group that meets online or in Pori.
    assert "q_koko" in page.values
    assert "q_paikka" not in page.values
    assert "name" not in page.values


def test_the_answers_are_added_to_the_message(visitor: Visitor, thanks: str) -> None:
    answerer = goes_on(visitor, thanks)
    answerer.answers_all()
    before = Enquiry.objects.get()
    assert not before.mapping.is_sent
    assert answerer.sends()["Location"] == answerer.address("perilla")
    enquiry = Enquiry.objects.get()
    assert enquiry.mapping.answers == STORED
    assert enquiry.kind == "contact"
    assert enquiry.message == before.message
    assert enquiry.received_at == before.received_at
    assert (enquiry.group_size, enquiry.payer) == (12, "Minä itse")
    assert enquiry.version > before.version
    assert enquiry.reference in page_text(answerer.opens("perilla"))


def test_second_stage_sends_only_one_notification(visitor: Visitor, thanks: str) -> None:
    answerer = goes_on(visitor, thanks)
    answerer.answers_all()
    for _ in range(3):
        assert answerer.sends().status_code == 303
    purposes = sorted(OutgoingMail.objects.values_list("purpose", flat=True))
    assert purposes == ["confirmation", "mapping_notification", "notification"]
    mail = OutgoingMail.objects.get(purpose="mapping_notification")
    assert mail.recipient == "kati.levola@aijuu.fi"
    for words in ("Maija", "ajatella", "Työnjako", answerer.secret):
        assert words not in mail.subject + mail.text + mail.html
    assert Enquiry.objects.get().reference in mail.subject


def test_thanks_page_offer_expires_after_a_day(visitor: Visitor) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        thanks = str(visitor.sends()["Location"])
        clock.shift(RECEIPT_WINDOW - timedelta(seconds=1))
        assert offers(visitor, thanks)
        goes_on(visitor, thanks)
        clock.shift(timedelta(seconds=1))
        assert not offers(visitor, thanks)
        answer = visitor.client.post(thanks)
        assert (answer.status_code, answer["Location"]) == (303, thanks)
    assert MappingLink.objects.count() == 1


def test_thank_you_button_after_sending_redirects(visitor: Visitor, thanks: str) -> None:
    answerer = goes_on(visitor, thanks)
    answerer.answers_all()
    answerer.sends()
    answer = visitor.client.post(thanks)
    assert (answer.status_code, answer["Location"]) == (303, thanks)
    assert not offers(visitor, thanks)


def test_the_button_pressed_twice_opens_the_same_mapping(visitor: Visitor, thanks: str) -> None:
    first, second = goes_on(visitor, thanks), goes_on(visitor, thanks)
    assert first.secret == second.secret
    first.sends_step(1, ANSWERS[0])
    assert second.reads("vaihe/1").values["q_koko"] == "12"
    assert InitialMapping.objects.count() == 1


def test_unpublished_mapping_page_is_not_offered(visitor: Visitor) -> None:
    MappingPage.objects.get().unpublish()
    thanks = str(visitor.sends()["Location"])
    assert not offers(visitor, thanks)
    assert "/jatka/" not in OutgoingMail.objects.get(purpose="confirmation").text


@pytest.mark.parametrize("fields", [{}, {"email": "maija.meikalainen@esimerkki.fi"}], ids=["button", "address"])
def test_button_after_unpublishing_redirects_to_thanks_page(
    visitor: Visitor, thanks: str, fields: dict[str, str]
) -> None:
    assert offers(visitor, thanks)
    MappingPage.objects.get().unpublish()
    answer = visitor.client.post(thanks, fields)
    assert (answer.status_code, answer["Location"]) == (303, thanks)
    assert not offers(visitor, thanks)
    assert not InitialMapping.objects.exists()


def test_suspicious_message_may_continue_without_mail(visitor: Visitor, thanks: str) -> None:
    suspicious = str(Visitor("203.0.113.9").sends(letter(extra_line="x", email="y@esimerkki.fi"))["Location"])
    pages = [page_text(visitor.client.get(address)) for address in (thanks, suspicious)]
    # The only difference: no mail is promised, since none is sent.
    assert ["tarkista roskapostikansio" in page for page in pages] == [True, False]
    assert ["ei lähde vahvistusta sähköpostiisi" in page for page in pages] == [False, True]
    assert ["linkki on sähköpostiisi lähtevässä" in page for page in pages] == [True, False]
    assert all("epäily" not in page.lower() for page in pages)
    assert Enquiry.objects.filter(verdict="quarantined").count() == 1
    answerer = goes_on(visitor, suspicious)
    answerer.answers_all()
    assert answerer.sends().status_code == 303
    assert Enquiry.objects.get(verdict="quarantined").mapping.is_sent


def test_each_resent_mail_has_its_own_working_link(visitor: Visitor, thanks: str, smtp: SmtpServer) -> None:
    now = timezone.now() + timedelta(seconds=1)
    deliver_due(now)
    mail = OutgoingMail.objects.get(purpose=MailPurpose.CONFIRMATION)
    OutgoingMail.objects.update(state=MailState.FAILED)
    assert requeue(mail=mail, now=now)
    deliver_due(now + timedelta(minutes=1))
    found = secrets_in_mails(smtp)
    assert len(found) == 2
    for secret in found:
        answerer = Answerer(secret=secret)
        assert answerer.opens()["Location"] == answerer.address("vaihe/1")
    assert InitialMapping.objects.count() == 1


def test_late_link_to_empty_mapping_has_full_lifetime(visitor: Visitor, thanks: str) -> None:
    enquiry = Enquiry.objects.get()
    goes_on(visitor, thanks)
    later = timezone.now() + timedelta(days=29)
    secret = mail_link_for_enquiry(enquiry=enquiry, now=later)
    assert links.find_link(secret, now=later + timedelta(days=29)) is not None


@pytest.mark.parametrize("begun", [False, True])
def test_link_after_expiry_starts_a_new_mapping(visitor: Visitor, thanks: str, begun: bool) -> None:
    answerer = goes_on(visitor, thanks)
    if begun:
        answerer.sends_step(1, ANSWERS[0])
    later = timezone.now() + timedelta(days=31)
    secret = mail_link_for_enquiry(enquiry=Enquiry.objects.get(), now=later)
    link = links.find_link(secret, now=later + timedelta(days=29))
    assert link is not None
    assert link.mapping.answers == {}


def test_lifetime_restarts_only_with_the_first_answer(visitor: Visitor) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        answerer = goes_on(visitor, str(visitor.sends()["Location"]))
        clock.shift(timedelta(days=20))
        answerer.sends_step(1, ANSWERS[0])
        clock.shift(timedelta(days=20))
        answerer.sends_step(2, ANSWERS[1])
        mapping = InitialMapping.objects.get()
        assert mapping.started_at == now + timedelta(days=20)
        assert mapping.expires_at == expiry(now + timedelta(days=20))
        clock.move_to(mapping.expires_at - timedelta(seconds=1))
        assert answerer.opens().status_code == 302 or answerer.opens().status_code == 303
        clock.shift(timedelta(seconds=1))
        assert answerer.opens().status_code == 404


def test_sent_mapping_reopens_closed_enquiry(visitor: Visitor, thanks: str) -> None:
    answerer = goes_on(visitor, thanks)
    answerer.answers_all()
    enquiry = Enquiry.objects.get()
    closed_at = timezone.now()
    change_status(
        enquiry_id=enquiry.pk, version=1, status=Status.CLOSED, outcome=Outcome.NO_RESPONSE, by=None, now=closed_at
    )
    EnquiryStep.objects.all().delete()
    answerer.sends()
    enquiry.refresh_from_db()
    assert (enquiry.status, enquiry.outcome, enquiry.closed_at) == ("new", "", None)
    reopened = enquiry.steps.get(kind="status")
    assert (reopened.status, reopened.changed_by) == ("new", None)


def test_an_open_enquiry_keeps_its_status(visitor: Visitor, thanks: str) -> None:
    answerer = goes_on(visitor, thanks)
    answerer.answers_all()
    change_status(
        enquiry_id=Enquiry.objects.get().pk,
        version=1,
        status=Status.IN_REVIEW,
        outcome="",
        by=None,
        now=timezone.now(),
    )
    EnquiryStep.objects.all().delete()
    answerer.sends()
    assert Enquiry.objects.get().status == "in_review"
    assert not EnquiryStep.objects.filter(kind="status").exists()


def test_facts_of_a_message_are_not_editable(visitor: Visitor, thanks: str) -> None:
    answerer = goes_on(visitor, thanks)
    answer = answerer.posts(answerer.address("yhteystiedot"), letter(name="Joku muu"))
    assert answer.status_code == 409
    assert "Yhteystietosi tulivat viestisi mukana" in page_text(answer)
    assert "Joku muu" in page_text(answer)
    assert InitialMapping.objects.get().facts == {}
    assert Enquiry.objects.get().name == "Maija Meikäläinen"


def test_changed_questions_keep_the_first_input(visitor: Visitor, thanks: str, mapping_page: MappingPage) -> None:
    answerer = goes_on(visitor, thanks)
    read = answerer.version()
    raw = list(mapping_page.questions.raw_data)
    raw[1]["value"]["label"] = "Kuka olet tässä?"
    mapping_page.questions = mapping_page.questions.stream_block.to_python(raw)
    mapping_page.save()
    answer = answerer.posts(answerer.address("vaihe/1"), {**ANSWERS[0], "version": read})
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert "Kysymyksiä muutettiin" in shown.notice
    assert shown.values["q_koko"] == "12"
    assert shown.values["q_kuka"] == "kuka-2"
    assert "Kuka olet tässä?" in page_text(answer)
    assert InitialMapping.objects.get().answers == {}
    assert answerer.posts(answerer.address("vaihe/1"), shown.values).status_code == 303
    assert InitialMapping.objects.get().answers["koko"] == 12


def test_mapping_without_applicable_questions_can_be_sent(
    visitor: Visitor, thanks: str, mapping_page: MappingPage
) -> None:
    raw: Any = [one for one in mapping_page.questions.raw_data if one["id"] in ("tilanteesi", "paikka")]
    mapping_page.questions = mapping_page.questions.stream_block.to_python(raw)
    mapping_page.save()
    answerer = goes_on(visitor, thanks)
    assert answerer.opens()["Location"] == answerer.address("tarkista")
    assert answerer.sends()["Location"] == answerer.address("perilla")
    mapping = Enquiry.objects.get().mapping
    assert mapping.is_sent
    assert [question.key for question in mapping.questions.questions()] == ["paikka"]


def test_button_of_just_removed_enquiry_is_404(visitor: Visitor, thanks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    link = links.page_link_for_enquiry

    def too_late(**values: Any) -> str:
        remove_enquiry(enquiry_id=values["enquiry"].pk, now=timezone.now())
        return link(**values)

    monkeypatch.setattr("intake.contact.page.page_link_for_enquiry", too_late)
    assert visitor.client.post(thanks).status_code == 404
