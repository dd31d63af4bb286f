"""The page that plans the return notices: the worker does what it shows, and no plan starts unseen."""

import html
import re
from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from intake.choices import Kind, MailPurpose, Outcome, PlanState, Status, StepKind
from intake.enquiry.removal import remove_enquiry
from intake.models import Enquiry, EnquiryStep, OutgoingMail
from intake.waiting.forms import ReturnPlanForm
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.places import move_ahead
from intake.waiting.return_plan import queue_due_return_notices
from tests.intake.desk.pages import HasContent, failed_once, words
from tests.intake.enquiries import give_status, received
from tests.intake.waiting.admin.return_page import MORNING, choices, days, shown_digest, start
from tests.intake.waiting.admin.waiters import RETURN, STOP, WAITING, rows, waiting
from tests.intake.waiting.list_people import give_up, pause
from tests.intake.waiting.post_office import PostOffice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("an_open_day")]


def run(days_of_work: int, *, begin: datetime = MORNING) -> dict[str, list[str]]:
    """Run the worker day by day; return day -> names of those notified."""
    notified: dict[str, list[str]] = {}
    for number in range(days_of_work):
        now = begin + timedelta(days=number)
        known = set(OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE).values_list("pk", flat=True))
        queue_due_return_notices(now=now)
        queue_due_return_notices(now=now + timedelta(minutes=1))
        new = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE).exclude(pk__in=known).order_by("pk")
        local = timezone.localdate(now)
        notified[f"{local.day}.{local.month}.{local.year}"] = [mail.enquiry.name for mail in new if mail.enquiry]
    return notified


@pytest.mark.parametrize(("per_day", "first_form"), [(1, "individual"), (2, ""), (4, "work_community"), (100, "")])
def test_shown_schedule_matches_worker_notices(
    kati: Client, seven: list[Enquiry], per_day: int, first_form: str
) -> None:
    fanni = seven[5]
    move_ahead(enquiry_id=fanni.pk, version=fanni.version, reason="Kiire", by=None, now=MORNING)
    with time_machine.travel(MORNING, tick=False):
        shown = days(kati.post(RETURN, {**choices(per_day=per_day, first_form=first_form), "action": "show"}))
        assert start(kati, per_day=per_day, first_form=first_form).status_code == 302
        running = days(kati.get(RETURN))
    notified = run(7)
    assert {heading.split()[-1]: names for heading, names in shown.items()} == {
        day: names for day, names in notified.items() if names
    }
    assert running == shown
    assert sorted(name for names in shown.values() for name in names) == ["Aino", "Bertta", "Dora", "Fanni", "Gunvor"]
    assert ReturnPlan.objects.get().state == PlanState.FINISHED


def test_running_plan_shows_remaining_notices(kati: Client, seven: list[Enquiry]) -> None:
    with time_machine.travel(MORNING, tick=False):
        start(kati)
        queue_due_return_notices(now=MORNING)
        page = kati.get(RETURN)
    assert days(page) == {"Tiistai 2.2.2027": ["Dora", "Fanni"], "Keskiviikko 3.2.2027": ["Gunvor"]}
    shown_words = words(page)
    assert "Ilmoitettu 2/5" in shown_words
    assert "Ilmoitettu tänään 2/2" in shown_words
    with time_machine.travel(MORNING + timedelta(days=1), tick=False):
        assert "Ilmoitettu tänään 0/2" in words(kati.get(RETURN))
        assert "Vapaista ajoista ilmoitetaan: 2/5 ilmoitettu" in words(kati.get("/admin/"))


def test_plan_lists_shared_mailboxes_and_manual_contacts(kati: Client, seven: list[Enquiry]) -> None:
    page = words(kati.get(RETURN))
    assert f"Sama viesti koskee myös yhteydenottoa {seven[4].reference}" in page
    assert "Ota itse yhteyttä Näille sivusto ei kirjoita" in page
    assert f"Cilla {seven[2].reference}" in page
    assert "5 ihmistä saa sähköpostin." in page


def test_plan_and_list_agree_on_manual_contacts(kati: Client, server: PostOffice) -> None:
    waiting("Aino", wants_mail=False)
    joining = received(kind=Kind.WAITING, wants_mail=True, name="Bertta")
    manual = f"Bertta {joining.reference}"
    assert "Sähköpostilla, kun vahvistus on lähtenyt" in words(kati.get(WAITING))
    assert manual not in words(kati.get(RETURN)).partition("Ota itse yhteyttä")[2]
    give_up(timezone.now(), server)
    assert rows(kati.get(WAITING))[1]["Vapaista ajoista kerrotaan"] == "Ota itse yhteyttä"
    page = words(kati.get(RETURN)).partition("Ota itse yhteyttä")[2]
    assert manual in page
    assert "tai vahvistus ei ole lähtenyt heidän osoitteeseensa" in page


@pytest.mark.parametrize(
    ("clock", "first"),
    [("05:00", "Maanantai 1.2.2027"), ("17:59", "Maanantai 1.2.2027"), ("18:00", "Tiistai 2.2.2027")],
)
def test_plan_started_in_the_evening_begins_next_day(
    kati: Client, seven: list[Enquiry], clock: str, first: str
) -> None:
    with time_machine.travel(f"2027-02-01T{clock}:00Z", tick=False):
        assert next(iter(days(kati.get(RETURN)))) == first


def test_announced_pause_postpones_later_notices(kati: Client, seven: list[Enquiry]) -> None:
    pause(active=True, begins_on=date(2027, 2, 3))
    with time_machine.travel(MORNING, tick=False):
        page = kati.post(RETURN, {**choices(per_day=1), "action": "show"})
        assert "Tauko alkaa 3.2.2027." in words(page)
        assert days(page) == {
            "Maanantai 1.2.2027": ["Aino"], "Tiistai 2.2.2027": ["Bertta"],
            "Tauon jälkeen": ["Dora", "Fanni", "Gunvor"],
        }  # fmt: skip
        assert start(kati, per_day=1).status_code == 302
    assert run(3) == {"1.2.2027": ["Aino"], "2.2.2027": ["Bertta"], "3.2.2027": []}


def test_previewed_mail_equals_queued_mail(kati: Client, seven: list[Enquiry]) -> None:
    greeting = 'Hei taas!\r\n\r\n<script>alert("x")</script> & "lainaus"'
    with time_machine.travel(MORNING, tick=False):
        page = kati.post(RETURN, {**choices(greeting=greeting), "action": "show"})
        start(kati, greeting=greeting)
        running = kati.get(RETURN)
        queue_due_return_notices(now=MORNING)
    mail = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE).first()
    assert mail is not None
    for response in (page, running):
        content = response.content.decode()
        frame = re.search(r'<iframe [^>]*sandbox[^>]* srcdoc="([^"]*)"></iframe>', content)
        assert frame
        assert html.unescape(frame[1]) == mail.html
        text = re.search(r'<pre class="waiting__text">(.*?)</pre>', content, re.S)
        assert text
        assert html.unescape(text[1]).strip() == mail.text.strip()
        assert "<script>alert" not in content
        assert mail.subject in words(response)
    assert "<script>" not in mail.html
    assert "<script>" in mail.text


def test_plan_not_shown_is_not_started(kati: Client, seven: list[Enquiry]) -> None:
    with time_machine.travel(MORNING, tick=False):
        first = shown_digest(kati.get(RETURN))
        for sent in (
            {"shown_digest": ""},
            {"shown_digest": "x" * 64},
            {"shown_digest": first, "greeting": "Muuta"},
        ):
            response = kati.post(RETURN, {**choices(**sent), "action": "start"})
            assert response.status_code == 409
            assert "Mitään ei ole vielä lähetetty." in words(response)
        assert not ReturnPlan.objects.exists()
        # The plan shown in the response can be started unchanged.
        assert (
            kati.post(
                RETURN, {**choices(greeting="Muuta"), "action": "start", "shown_digest": shown_digest(response)}
            ).status_code
            == 302
        )


def test_plan_is_shown_again_after_list_changed(kati: Client, seven: list[Enquiry]) -> None:
    with time_machine.travel(MORNING, tick=False):
        shown = shown_digest(kati.post(RETURN, {**choices(), "action": "show"}))
        waiting("Helmi")
        response = kati.post(RETURN, {**choices(), "action": "start", "shown_digest": shown})
        assert response.status_code == 409
        assert "Helmi" in [name for names in days(response).values() for name in names]
    with time_machine.travel(MORNING + timedelta(days=1), tick=False):
        assert (
            kati.post(RETURN, {**choices(), "action": "start", "shown_digest": shown_digest(response)}).status_code
            == 409
        )
    assert not ReturnPlan.objects.exists()


def test_started_plan_stores_choices_and_user(kati: Client, seven: list[Enquiry]) -> None:
    response = start(kati, per_day=3, first_form="individual", greeting=" Hei\r\ntaas ", answer_days=21)
    assert (response.status_code, response.headers["Location"]) == (302, RETURN)
    plan = ReturnPlan.objects.get()
    assert (plan.per_day, plan.first_form, plan.greeting, plan.answer_days) == (3, "individual", "Hei\ntaas", 21)
    assert plan.created_by is not None
    assert plan.created_by.email == "kati@example.fi"
    page = words(kati.get(RETURN))
    assert "Vapaista ajoista ilmoitetaan parhaillaan" in page
    assert "Vastausaikaa on 21 päivää" in page


def test_showing_a_plan_starts_nothing(kati: Client, seven: list[Enquiry]) -> None:
    page = kati.post(RETURN, {**choices(greeting="Omat sanani"), "action": "show", "shown_digest": "x"})
    assert page.status_code == 200
    assert "Omat sanani" in words(page)
    assert not ReturnPlan.objects.exists()
    assert not OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE).exists()


def test_plan_cannot_start_during_a_pause(kati: Client, seven: list[Enquiry]) -> None:
    pause(active=True)
    page = kati.get(RETURN)
    assert "Aijuu on tauolla, joten vapaista ajoista ei voi vielä ilmoittaa." in words(page)
    assert 'href="/admin/#tauko"' in page.content.decode()
    assert 'value="start"' not in page.content.decode()
    assert list(days(page)) == ["1. päivä"]
    response = start(kati)
    assert response.status_code == 409
    assert not ReturnPlan.objects.exists()


def test_plan_cannot_start_while_full(kati: Client, seven: list[Enquiry]) -> None:
    pause(active=False, full=True)
    assert "kerro vapaista ajoista" not in words(kati.get("/admin/"))
    page = kati.get(RETURN)
    assert "Aijuu on täynnä, joten vapaista ajoista ei voi vielä ilmoittaa." in words(page)
    assert "Paina ensin ”Ota taas uusia”" in words(page)
    assert "tauolla" not in words(page)
    assert 'value="start"' not in page.content.decode()
    assert list(days(page)) == ["1. päivä"]
    assert start(kati).status_code == 409
    assert not ReturnPlan.objects.exists()
    pause(active=False)
    assert "kerro vapaista ajoista" in words(kati.get("/admin/"))


def test_plan_without_recipients_cannot_start(kati: Client) -> None:
    waiting("Cilla", wants_mail=False)
    page = kati.get(RETURN)
    assert "Listalla ei ole ketään, jolle sivusto voisi ilmoittaa vapaista ajoista." in words(page)
    assert 'value="start"' not in page.content.decode()
    assert start(kati).status_code == 409
    assert not ReturnPlan.objects.exists()


def test_invalid_field_shows_error_and_keeps_text(kati: Client, seven: list[Enquiry]) -> None:
    for action, invalid in (("show", {"per_day": "101"}), ("start", {"greeting": "x" * 1001, "first_form": "kaikki"})):
        response = kati.post(RETURN, {**choices(greeting="Omat sanani"), "action": action, **invalid})
        assert response.status_code == 422
        assert "Tarkista alla olevat kohdat." in words(response)
        assert response.content.decode().count('aria-invalid="true"') == len(invalid)
        assert (invalid.get("greeting") or "Omat sanani") in response.content.decode()
    assert not ReturnPlan.objects.exists()


def test_plan_choices_have_bounds() -> None:
    for invalid in (
        {"per_day": "0"}, {"per_day": "101"}, {"per_day": "monta"}, {"per_day": ""}, {"answer_days": "2"},
        {"answer_days": "91"}, {"first_form": "kaikki"}, {"greeting": "x" * 1001},
    ):  # fmt: skip
        assert list(ReturnPlanForm(choices(**invalid)).errors) == list(invalid)
    for good in ({"per_day": "1"}, {"per_day": "100"}, {"answer_days": "3"}, {"answer_days": "90"}):
        assert ReturnPlanForm(choices(**good)).is_valid(), good


def test_thousand_character_greeting_with_lines_fits(kati: Client, seven: list[Enquiry]) -> None:
    greeting = "\r\n".join(["x" * 99] * 10)
    assert start(kati, greeting=greeting).status_code == 302
    assert len(ReturnPlan.objects.get().greeting) == 999


def test_one_plan_at_a_time(kati: Client, seven: list[Enquiry]) -> None:
    start(kati)
    for action in ("show", "start"):
        response = kati.post(RETURN, {**choices(per_day=9), "action": action})
        assert response.status_code == 409
        assert "Vapaista ajoista ilmoitetaan jo." in words(response)
    assert ReturnPlan.objects.get().per_day == 2


def stop_fields(page: HasContent) -> dict[str, str]:
    form = re.search(rf'<form method="post" action="{STOP}">.*?</form>', page.content.decode(), re.S)
    assert form
    return dict(re.findall(r'name="(plan|version)" value="(\d+)"', form[0]))


def test_stopping_plan_withdraws_unsent_notices(kati: Client, seven: list[Enquiry]) -> None:
    with time_machine.travel(MORNING, tick=False):
        start(kati)
        queue_due_return_notices(now=MORNING)
        response = kati.post(STOP, stop_fields(kati.get(RETURN)), follow=True)
    shown_words = words(response)
    assert (
        "Ilmoittaminen keskeytettiin. 2 viestiä, jotka eivät olleet vielä lähteneet, otettiin takaisin." in shown_words
    )
    assert "Aiemmat ilmoituskierrokset" in shown_words
    assert "Pysäytetty" in shown_words
    assert ReturnPlan.objects.get().state == PlanState.STOPPED
    assert not WaitingPlace.objects.exclude(notified_at=None).exists()
    # A new plan with the same choices can be started.
    assert re.search(r'name="per_day" value="2"', response.content.decode())
    assert start(kati).status_code == 302


def test_outdated_stop_button_stops_nothing(kati: Client, seven: list[Enquiry]) -> None:
    start(kati)
    fields = stop_fields(kati.get(RETURN))
    for old in ({**fields, "version": "99"}, {**fields, "plan": "99"}, {"plan": fields["plan"]}):
        assert "Tarkista, missä mennään." in words(kati.post(STOP, old, follow=True))
    assert ReturnPlan.objects.get().state == PlanState.RUNNING
    kati.post(STOP, fields)
    assert "Tarkista, missä mennään." in words(kati.post(STOP, fields, follow=True))


def counts(page: HasContent) -> dict[str, str]:
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page.content.decode()))


def answered(enquiry: Enquiry, kind: StepKind, status: Status, outcome: str = "") -> None:
    enquiry.refresh_from_db()
    give_status(enquiry, status, outcome)
    EnquiryStep.objects.create(enquiry=enquiry, kind=kind, changed_at=timezone.now())


def test_plan_page_counts_the_answers(kati: Client) -> None:
    people = [waiting(name) for name in "ABCDEFGH"]
    twice = [waiting(name, email="tiimi@esimerkki.fi") for name in "IJ"]
    with time_machine.travel(MORNING, tick=False):
        start(kati, per_day=100)
        queue_due_return_notices(now=MORNING)
        mails = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE)
        mails.exclude(enquiry__in=(people[6], people[7])).update(state="sent", sent_at=MORNING)
        failed_once(mails.get(enquiry=people[6]), at=MORNING)
        # Still queued: without the later retry time, the mail would count as late.
        mails.filter(enquiry=people[7]).update(next_attempt_at=MORNING + timedelta(days=1))
    with time_machine.travel(MORNING + timedelta(days=1), tick=False):
        answered(people[0], StepKind.ANSWERED_YES, Status.NEW)
        for one in twice:
            answered(one, StepKind.ANSWERED_YES, Status.NEW)
        answered(people[1], StepKind.ANSWERED_NO, Status.CLOSED, Outcome.CLIENT_DECLINED)
        for number, status, outcome in ((2, Status.CLOSED, Outcome.NO_RESPONSE), (3, Status.IN_REVIEW, "")):
            one = people[number]
            one.refresh_from_db()
            give_status(one, status, outcome)
        remove_enquiry(enquiry_id=people[4].pk, now=timezone.now())
        ReturnPlan.objects.update(state=PlanState.RUNNING, ended_at=None)
        page = kati.get(RETURN)
    assert counts(page) == {
        "Ilmoitettu": "9/9", "Ilmoitettu tänään": "0/100", "Yhä kiinnostuneita": "2", "Ei enää kiinnostuneita": "1",
        "Ei ole vielä vastannut": "3", "Päätetty ilman vastausta": "1", "Olet ottanut itse hoitaaksesi": "1",
        "Tiedot poistettu": "1", "Viestejä matkalla": "1",
    }  # fmt: skip
    assert f"1 viesti ei ole lähtenyt: G {people[6].reference}" in words(page)


def test_ended_plan_is_listed_with_its_result(kati: Client, seven: list[Enquiry]) -> None:
    with time_machine.travel(MORNING, tick=False):
        start(kati, per_day=100, first_form="individual")
        queue_due_return_notices(now=MORNING)
    with time_machine.travel(MORNING + timedelta(days=2), tick=False):
        page = kati.get(RETURN)
    shown_words = words(page)
    assert "1.2.2027 klo 9.30 Kati Levola" in shown_words
    assert "Kaikille on ilmoitettu" in shown_words
    assert "100 päivässä ensin: Yksilötyönohjaus" in shown_words
    assert "Ei ole vielä vastannut: 5" in shown_words
    assert "Ketkä saavat viestin ja milloin Listalla ei ole ketään" in shown_words
