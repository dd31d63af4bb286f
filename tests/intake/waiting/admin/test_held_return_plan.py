"""A plan held by a pause waits for the supervisor, and goes on only as she has seen it."""

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client

from intake.choices import MailPurpose, PlanState
from intake.models import Enquiry, OutgoingMail
from intake.waiting.models import ReturnPlan
from intake.waiting.return_plan import queue_due_return_notices
from tests.intake.desk.pages import words
from tests.intake.waiting.admin.return_page import MORNING, choices, days, shown_digest, start
from tests.intake.waiting.admin.waiters import RETURN, STOP
from tests.intake.waiting.list_people import pause

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("an_open_day")]


def held(client: Client) -> ReturnPlan:
    """Return a plan that a pause held after two of five were notified; the pause has ended."""
    with time_machine.travel(MORNING, tick=False):
        start(client, greeting="Helmikuussa on tilaa.")
        queue_due_return_notices(now=MORNING)
    pause(active=True)
    queue_due_return_notices(now=MORNING + timedelta(days=1))
    pause(active=False, ended_on=date(2027, 2, 3))
    return ReturnPlan.objects.get()


def test_held_plan_waits_until_kati_continues(kati: Client, seven: list[Enquiry]) -> None:
    plan = held(kati)
    with time_machine.travel(MORNING + timedelta(days=2), tick=False):
        assert "Vapaista ajoista ilmoittaminen odottaa lupaasi" in words(kati.get("/admin/"))
        page = kati.get(RETURN)
        text = words(page)
        assert "Vapaista ajoista ilmoittaminen keskeytyi, kun Aijuu oli tauolla tai täynnä. Se odottaa lupaasi." in text
        assert text.count("Helmikuussa on tilaa.") >= 1
        assert days(page) == {
            "Keskiviikko 3.2.2027": ["Aino", "Bertta"],
            "Torstai 4.2.2027": ["Dora", "Fanni"],
            "Perjantai 5.2.2027": ["Gunvor"],
        }
        plan_fields = {"plan": plan.pk, "version": plan.version}
        changed = choices(greeting="Maaliskuussa on tilaa.", **plan_fields)
        # A greeting that she has not seen yet is not accepted.
        assert (
            kati.post(RETURN, {**changed, "action": "continue", "shown_digest": shown_digest(page)}).status_code == 409
        )
        shown = kati.post(RETURN, {**changed, "action": "show"})
        assert "Maaliskuussa on tilaa." in words(shown)
        assert (
            kati.post(RETURN, {**changed, "action": "continue", "shown_digest": shown_digest(shown)}).status_code == 302
        )
    plan.refresh_from_db()
    assert (plan.held_at, plan.greeting) == (None, "Maaliskuussa on tilaa.")
    queue_due_return_notices(now=MORNING + timedelta(days=2, hours=1))
    assert all("Maaliskuussa" in mail.text for mail in OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE))


def test_held_plan_can_continue_unchanged(kati: Client, seven: list[Enquiry]) -> None:
    plan = held(kati)
    with time_machine.travel(MORNING + timedelta(days=2), tick=False):
        page = kati.get(RETURN)
        same = choices(greeting="Helmikuussa on tilaa.", plan=plan.pk, version=plan.version)
        continued = kati.post(RETURN, {**same, "action": "continue", "shown_digest": shown_digest(page)})
        assert continued.status_code == 302
        again = kati.post(RETURN, {**same, "action": "continue", "shown_digest": shown_digest(page)})
        assert again.status_code == 409
        assert "Ilmoittaminen jatkuu." in words(again)


def test_continue_of_an_older_version_changes_nothing(kati: Client, seven: list[Enquiry]) -> None:
    plan = held(kati)
    with time_machine.travel(MORNING + timedelta(days=2), tick=False):
        shown = shown_digest(kati.get(RETURN))
        older = choices(greeting="Helmikuussa on tilaa.", plan=plan.pk, version=plan.version - 1)
        page = kati.post(RETURN, {**older, "action": "continue", "shown_digest": shown}, follow=True)
    assert "muuttunut sen jälkeen, kun avasit sivun" in words(page)
    held_at = plan.held_at
    plan.refresh_from_db()
    assert plan.held_at == held_at is not None


def test_a_held_plan_can_be_ended(kati: Client, seven: list[Enquiry]) -> None:
    plan = held(kati)
    with time_machine.travel(MORNING + timedelta(days=2), tick=False):
        assert kati.post(STOP, {"plan": plan.pk, "version": plan.version}).status_code == 302
    plan.refresh_from_db()
    assert plan.state == PlanState.STOPPED


def test_held_plan_cannot_continue_while_full(kati: Client, seven: list[Enquiry]) -> None:
    held(kati)
    pause(active=False, full=True)
    with time_machine.travel(MORNING + timedelta(days=2), tick=False):
        page = kati.get(RETURN)
        assert 'value="continue"' not in page.content.decode()
        assert "Aijuu on täynnä, joten mitään ei lähetetä." in words(page)
        assert "odottaa, kunnes Aijuu ottaa taas uusia" in words(kati.get("/admin/"))


def test_held_plan_cannot_continue_during_pause(kati: Client, seven: list[Enquiry]) -> None:
    held(kati)
    pause(active=True)
    with time_machine.travel(MORNING + timedelta(days=2), tick=False):
        page = kati.get(RETURN)
        assert 'value="continue"' not in page.content.decode()
        assert "Kun tauko on päättynyt, päätät tällä sivulla, miten ilmoittaminen jatkuu." in words(page)
        assert "Vapaista ajoista ilmoittaminen odottaa, kunnes Aijuu ottaa taas uusia" in words(kati.get("/admin/"))
