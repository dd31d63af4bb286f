"""The waiting list as the supervisor sees it."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from aijuu_site.accounts.models import User
from intake.choices import MailPurpose, MailState, Outcome, Status, StepKind
from intake.enquiry.services import accept_quarantined
from intake.models import Enquiry, EnquiryStep, IntakeSettings, OutgoingMail
from intake.waiting.models import WaitingPlace
from intake.waiting.places import move_ahead
from tests.intake.desk.pages import address, suspicious, words
from tests.intake.enquiries import give_status, received
from tests.intake.mail.delivering import deliver_due
from tests.intake.mail.stored import queued
from tests.intake.waiting.admin.waiters import WAITING, names, put_on_list, rows, waiting
from tests.intake.waiting.list_people import pause

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def mailed(
    enquiry: Enquiry, purpose: MailPurpose, state: MailState, *, at: datetime, deduplication_key: str = "x"
) -> OutgoingMail:
    """Store a list mail about an enquiry, queued at a moment and, if its state is SENT, sent at the same moment."""
    mail = queued(
        enquiry_id=enquiry.pk, purpose=purpose, deduplication_key=deduplication_key, recipient=enquiry.email, now=at,
    )  # fmt: skip
    mail.state = state
    mail.sent_at = at if state == MailState.SENT else None
    mail.claimed_at = at if state == MailState.SENDING else None
    mail.save()
    return mail


def states(client: Client) -> dict[str, str]:
    """Return first name -> state in the list, without the day of removal."""
    return {row["Nimi"].split()[0]: row["Tilanne"].split(" Poistuu")[0] for row in rows(client.get(WAITING))}


def test_waiting_list_is_numbered_in_order(kati: Client) -> None:
    for name in ("Aino", "Bertta", "Cilla"):
        waiting(name)
    received(name="Dora Ei-listalla")
    left = waiting("Eevi Lähtenyt")
    give_status(left, Status.CLOSED, Outcome.CLIENT_DECLINED, at=NOW)
    last = waiting("Fanni")
    page = kati.get(WAITING)
    assert names(page) == ["Aino", "Bertta", "Cilla", "Fanni"]
    assert [row["Järjestys"] for row in rows(page)] == ["1.", "2.", "3.", "4."]
    assert "4 odottaa." in words(page)
    assert f'href="/admin/yhteydenotot/inspect/{last.pk}/"' in page.content.decode()
    assert last.reference in rows(page)[3]["Nimi"]


def test_empty_list_shows_a_text(kati: Client) -> None:
    received(name="Dora")
    assert "Odotuslistalla ei ole ketään." in words(kati.get(WAITING))


def test_list_row_shows_wish_and_joining_date(kati: Client) -> None:
    waiting("Aino", supervision_form="work_community", delivery_modes=("online", "pori_premises"), now=NOW)
    [row] = rows(kati.get(WAITING))
    assert row["Toive"] == "Työyhteisön työnohjaus Verkossa, Porissa Aijuun järjestämässä tilassa"
    assert row["Liittyi"] == "1.7.2026"
    assert row["Vapaista ajoista kerrotaan"] == "Sähköpostilla"


def test_list_shows_counts_and_filters_by_form(kati: Client) -> None:
    waiting("Aino", supervision_form="individual", delivery_modes=("online",))
    waiting("Bertta", supervision_form="group", delivery_modes=("online", "pori_premises"))
    waiting("Cilla", supervision_form="group", delivery_modes=("pori_premises", "pori_premises"))
    page = words(kati.get(WAITING))
    for share in ("Koko lista (3)", "Yksilötyönohjaus (1)", "Ryhmätyönohjaus (2)", "Verkossa (2)",
                  "Porissa Aijuun järjestämässä tilassa (2)"):  # fmt: skip
        assert share in page
    assert "Työyhteisön työnohjaus (" not in page
    chosen = kati.get(WAITING, {"form": "group"})
    assert names(chosen) == ["Bertta", "Cilla"]
    assert [row["Järjestys"] for row in rows(chosen)] == ["2.", "3."]
    assert re.search(r'aria-current="true">Ryhmätyönohjaus \(2\)', chosen.content.decode())
    assert "Kukaan listalla ei toivo tätä muotoa." in words(kati.get(WAITING, {"form": "undecided"}))
    assert names(kati.get(WAITING, {"form": "GROUP"})) == ["Aino", "Bertta", "Cilla"]


def test_list_shows_manual_contacts(kati: Client) -> None:
    waiting("Aino")
    waiting("Bertta", wants_mail=False)
    odd = put_on_list(suspicious(name="Cilla"))
    WaitingPlace.objects.filter(enquiry=odd).update(wants_mail=True)
    page = kati.get(WAITING)
    assert [row["Vapaista ajoista kerrotaan"] for row in rows(page)] == [
        "Sähköpostilla",
        "Ota itse yhteyttä",
        "Ota itse yhteyttä",
    ]
    assert "Heistä 2 on sellaisia, joihin otat itse yhteyttä" in words(page)
    assert ["Epäilyttävä" in row["Nimi"] for row in rows(page)] == [False, False, True]
    odd.refresh_from_db()
    accept_quarantined(enquiry_id=odd.pk, version=odd.version, by=None, now=NOW)
    assert rows(kati.get(WAITING))[2]["Vapaista ajoista kerrotaan"] == "Sähköpostilla, kun vahvistus on lähtenyt"
    deliver_due(timezone.now() + timedelta(seconds=1))
    assert rows(kati.get(WAITING))[2]["Vapaista ajoista kerrotaan"] == "Sähköpostilla"


def test_shared_mailbox_is_shown_on_both_places(kati: Client) -> None:
    first = waiting("Aino", email="tiimi@esimerkki.fi")
    waiting("Bertta")
    third = waiting("Cilla", email="Tiimi+toinen@esimerkki.fi")
    notified = [row["Vapaista ajoista kerrotaan"] for row in rows(kati.get(WAITING))]
    assert notified == [
        f"Sähköpostilla Samasta sähköpostista myös {third.reference}",
        "Sähköpostilla",
        f"Sähköpostilla Samasta sähköpostista myös {first.reference}",
    ]


def test_move_reason_is_shown_escaped(kati: Client) -> None:
    waiting("Aino")
    second = waiting("Bertta")
    with time_machine.travel(datetime(2026, 11, 23, 22, 30, tzinfo=UTC), tick=False):
        move_ahead(
            enquiry_id=second.pk, version=second.version, reason='<b>"Kiire"</b> & apu', by=None, now=datetime.now(UTC)
        )
    page = kati.get(WAITING)
    assert names(page) == ["Bertta", "Aino"]
    # Half past midnight in Finland.
    assert "Siirretty kärkeen 24.11.2026: &lt;b&gt;&quot;Kiire&quot;&lt;/b&gt; &amp; apu" in page.content.decode()


def test_place_status_reflects_mail_state(kati: Client) -> None:
    people = {name: waiting(name, now=NOW) for name in ("Aino", "Bertta", "Cilla", "Dora", "Eevi")}
    notified = NOW + timedelta(days=200)
    later = notified + timedelta(days=14)
    for name, state, at in (
        ("Bertta", MailState.SENT, notified),
        ("Cilla", MailState.QUEUED, later),
        ("Dora", MailState.FAILED, notified),
    ):
        mailed(people[name], MailPurpose.RETURN_NOTICE, state, at=at)
    on_return = [people[name] for name in ("Bertta", "Cilla", "Dora", "Eevi")]
    WaitingPlace.objects.filter(enquiry__in=on_return).update(notified_at=notified)
    WaitingPlace.objects.filter(enquiry=people["Eevi"]).update(reminded_at=notified + timedelta(days=14))
    mailed(people["Eevi"], MailPurpose.RETURN_NOTICE, MailState.SENT, at=notified)
    mailed(people["Eevi"], MailPurpose.RETURN_REMINDER, MailState.SENT, at=notified + timedelta(days=14))
    # A mail that has just been queued is not late.
    with time_machine.travel(later + timedelta(minutes=1), tick=False):
        kati.force_login(User.objects.get(email="kati@example.fi"))
        shown = states(kati)
        page = kati.get(WAITING).content.decode()
    assert shown == {
        "Aino": "Odottaa",
        "Bertta": "Vapaista ajoista ilmoitettu 17.1.2027",
        "Cilla": "Ilmoitus vapaista ajoista: odottaa lähetystä",
        "Dora": "Ilmoitus vapaista ajoista: ei lähetetty",
        "Eevi": "Vapaista ajoista ilmoitettu 17.1.2027 Muistutettu 31.1.2027",
    }
    alerts = re.findall(r'<span class="waiting-list__event enquiry-alert">(.*?)</span>', page)
    assert alerts == ["Ilmoitus vapaista ajoista: ei lähetetty"]


def test_notice_status_covers_all_mailbox_places(kati: Client) -> None:
    first = waiting("Aino", email="tiimi@esimerkki.fi", now=NOW)
    waiting("Bertta", email="tiimi@esimerkki.fi", now=NOW)
    mailed(first, MailPurpose.RETURN_NOTICE, MailState.FAILED, at=NOW)
    WaitingPlace.objects.update(notified_at=NOW)
    assert set(states(kati).values()) == {"Ilmoitus vapaista ajoista: ei lähetetty"}


def test_list_shows_questions_and_answers(kati: Client) -> None:
    people = {name: waiting(name, now=NOW) for name in ("Aino", "Bertta", "Cilla", "Dora")}
    asked = NOW + timedelta(days=124)
    for name, times in (("Aino", 1), ("Bertta", 2), ("Cilla", 2)):
        mailed(people[name], MailPurpose.STILL_WAITING, MailState.SENT, at=asked)
        WaitingPlace.objects.filter(enquiry=people[name]).update(asked_at=asked, asked_times=times)
    mailed(people["Cilla"], MailPurpose.REMOVAL_NOTICE, MailState.SENDING, at=asked)
    WaitingPlace.objects.filter(enquiry=people["Cilla"]).update(removal_notice_at=asked)
    EnquiryStep.objects.create(enquiry=people["Dora"], kind=StepKind.ANSWERED_STAY, changed_at=asked)
    with time_machine.travel(asked + timedelta(minutes=1), tick=False):
        shown = states(kati)
    assert shown == {
        "Aino": "Kysytty 2.11.2026, odottaako yhä",
        "Bertta": "Kysytty uudelleen 2.11.2026",
        "Cilla": "Kysytty uudelleen 2.11.2026 Viimeinen viesti ennen listalta poistumista: lähetetään",
        "Dora": "Vastasi 2.11.2026: odottaa yhä",
    }


def removal_days(client: Client) -> dict[str, str]:
    found = {}
    for row in rows(client.get(WAITING)):
        _before, _words, day = row["Tilanne"].partition("Poistuu itsestään ")
        found[row["Nimi"].split()[0]] = day
    return found


def test_removal_date_follows_questions_and_settings(kati: Client) -> None:
    settings = IntakeSettings.load()
    settings.waiting_months = 2
    settings.save()
    aino, bertta, cilla = (waiting(name, now=NOW) for name in ("Aino", "Bertta", "Cilla"))
    waiting("Dora", wants_mail=False, now=NOW)
    eevi = waiting("Eevi", now=NOW)
    put_on_list(suspicious(name="Fanni", now=NOW), now=NOW)
    mailed(bertta, MailPurpose.STILL_WAITING, MailState.SENT, at=NOW + timedelta(days=70))
    mailed(cilla, MailPurpose.STILL_WAITING, MailState.SENT, at=NOW + timedelta(days=62), deduplication_key="1")
    mailed(cilla, MailPurpose.STILL_WAITING, MailState.SENT, at=NOW + timedelta(days=130), deduplication_key="2")
    WaitingPlace.objects.filter(enquiry=eevi).update(notified_at=NOW)
    with time_machine.travel(NOW, tick=False):
        shown = removal_days(kati)
    assert shown == {
        "Aino": "1.1.2027",  # three times two months
        "Bertta": "9.1.2027",  # asked once on 9.9.2026
        "Cilla": "8.1.2027",  # asked twice, the last time on 8.11.2026
        "Dora": "1.1.2027",
        "Eevi": "",  # notified of the return: closed after the reminder
        "Fanni": "",  # suspicious: kept until she has looked at it
    }
    assert aino.status == Status.WAITING_LIST


def test_waiting_list_has_a_constant_number_of_queries(kati: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(25):
        waiting(f"Odottaja {number}")
    with django_assert_max_num_queries(14):
        assert len(names(kati.get(WAITING))) == 25


def test_enquiry_page_shows_its_place(kati: Client) -> None:
    waiting("Aino", now=NOW)
    second = waiting("Bertta", wants_mail=False, now=NOW)
    page = words(kati.get(f"/admin/yhteydenotot/inspect/{second.pk}/"))
    assert "Odotuslistan numero 2" in page
    assert "Liittyi 1.7.2026." in page
    assert "Ota itse yhteyttä: sivusto ei kirjoita vapaista ajoista." in page
    assert "Poistuu itsestään 1.7.2027, jos mitään ei kuulu sitä ennen." in page
    other = received(name="Dora")
    assert "Odotuslistan numero" not in words(kati.get(f"/admin/yhteydenotot/inspect/{other.pk}/"))


def test_status_form_explains_waiting_list(kati: Client) -> None:
    enquiry = received(name="Dora")
    page = words(kati.get(f"/admin/yhteydenotot/inspect/{enquiry.pk}/"))
    assert "Kun siirrät asian odotuslistalle, siitä tulee listan viimeinen" in page


def front(client: Client) -> str:
    page = client.get("/admin/").content.decode()
    panel = re.search(r'<section class="enquiry-panel" aria-labelledby="enquiry-panel-title".*?</section>', page, re.S)
    assert panel
    return words(type("Part", (), {"content": panel[0].encode()})())


def test_dashboard_counts_waiters_and_suggests_a_plan(kati: Client) -> None:
    pause(active=False)
    assert "odotuslistalla" not in front(kati)
    waiting("Aino Salaisuus")
    waiting("Bertta", wants_mail=False)
    open_front = front(kati)
    assert "2 odotuslistalla" in open_front
    assert "1 odottaa: kerro vapaista ajoista" in open_front
    assert "Salaisuus" not in open_front
    pause(active=True)
    assert "2 odotuslistalla" in front(kati)
    assert "kerro vapaista ajoista" not in front(kati)
    pause(active=True, begins_on=date(2100, 1, 1))
    assert "1 odottaa: kerro vapaista ajoista" in front(kati)
    pause(active=False)
    WaitingPlace.objects.update(notified_at=NOW)
    assert "kerro vapaista ajoista" not in front(kati)


def test_unasked_contact_preference_is_not_shown(kati: Client) -> None:
    wrote, joined = received(name="Matti"), waiting("Maija", preferred_contact="")
    assert "Mieluisin yhteydenottotapa" in words(kati.get(address("inspect", wrote)))
    assert "Mieluisin yhteydenottotapa" not in words(kati.get(address("inspect", joined)))
