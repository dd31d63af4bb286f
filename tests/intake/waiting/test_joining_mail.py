"""The confirmation of joining the list: who gets it, what it says, and that no other list mail precedes it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail as sent_mails
from django.test import Client
from django.utils import timezone

from intake.choices import Kind, MailPurpose, MailState, Outcome, Status
from intake.enquiry.services import accept_quarantined, change_status
from intake.mail.queue import MAILS_A_DAY, counted
from intake.models import AutomaticReplyTrace, Enquiry, IntakeSettings, OutgoingMail, WaitingLink, WaitingPlace
from intake.waiting.mails import queue_still_waiting
from intake.waiting.places import is_mailable, mailable_places
from intake.waiting.private_page import answer_no, answer_stay, answer_yes
from intake.waiting.reading import read_list
from intake.waiting.return_plan import NobodyToNotify, start_plan
from tests.intake.enquiries import give_status, received
from tests.intake.mail.delivering import deliver_due
from tests.intake.visiting import OWN_PAGE, Visitor, letter, page_text, token
from tests.intake.waiting.admin.waiters import put_on_list
from tests.intake.waiting.list_people import pause, round_at, waiter
from tests.intake.waiting.post_office import Behaviour, PostOffice
from tests.intake.waiting.visitors import MESSAGE, joins, set_pause, wish

LINK_PROMISED = "vahvistuksessa on linkki, josta voit poistua listalta"
NO_MAIL = "Tästä ei lähde vahvistusta sähköpostiisi"


@pytest.fixture(autouse=True)
def paused(contact_page: object) -> None:
    set_pause()


def confirmations(**of: Any) -> int:
    return OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_CONFIRMATION, **of).count()


def accept(enquiry: Enquiry) -> Enquiry:
    return accept_quarantined(enquiry_id=enquiry.pk, version=enquiry.version, by=None, now=timezone.now())


def sends_message(visitor: Visitor, **changes: str | list[str]) -> Any:
    return visitor.client.post(MESSAGE, {"form_token": token(), **letter(**changes)}, headers=OWN_PAGE)


def test_joining_after_a_message_sends_a_private_link(visitor: Visitor) -> None:
    sends_message(visitor)
    thanks = joins(visitor, wish(wants_mail="on"))["Location"]
    enquiry = Enquiry.objects.get(kind=Kind.WAITING)
    assert confirmations(enquiry=enquiry) == 1
    assert LINK_PROMISED in page_text(visitor.client.get(thanks))
    sent_mails.outbox.clear()
    deliver_due(timezone.now() + timedelta(seconds=1))
    [secret] = [found[1] for mail in sent_mails.outbox if (found := re.search(r"/jatka/([\w-]+)/", str(mail.body)))]
    page = Client().get(f"/jatka/{secret}/odotuslista/")
    assert page.status_code == 200
    assert enquiry.reference in page_text(page)


def test_a_message_after_joining_is_confirmed_too(visitor: Visitor) -> None:
    joins(visitor, wish(email="maija@esimerkki.fi"))
    sends_message(visitor, email="maija@esimerkki.fi")
    assert confirmations() == 1
    assert OutgoingMail.objects.filter(purpose=MailPurpose.CONFIRMATION).count() == 1


JOINED, NOT_WAITING = "Kiitos, ilmoittautumisesi on perillä", "Et ole enää odotuslistalla"


def test_joined_page_follows_leaving_and_returning(visitor: Visitor) -> None:
    thanks = joins(visitor, wish(wants_mail="on"))["Location"]
    place = WaitingPlace.objects.get()
    for answer, there, gone in ((answer_no, NOT_WAITING, JOINED), (answer_stay, JOINED, NOT_WAITING)):
        answer(place_id=place.pk, now=timezone.now())
        page = page_text(visitor.client.get(thanks))
        assert there in page
        assert gone not in page
        assert ("Kun aikoja vapautuu, listalla oleviin otetaan yhteyttä" in page) is (there == JOINED)
        assert place.enquiry.reference in page


def test_joined_page_reflects_a_yes(visitor: Visitor) -> None:
    thanks = joins(visitor, wish(wants_mail="on"))["Location"]
    WaitingPlace.objects.update(notified_at=timezone.now())
    assert answer_yes(place_id=WaitingPlace.objects.get().pk, now=timezone.now())
    page = page_text(visitor.client.get(thanks))
    assert NOT_WAITING in page
    assert "et enää odota listalla: olet kertonut olevasi yhä kiinnostunut" in page


def test_joined_page_hides_the_spam_verdict(visitor: Visitor) -> None:
    """The sender sees the same page as everybody else, whatever Kati decides."""
    thanks = joins(visitor, wish(extra_line="x"))["Location"]
    enquiry = Enquiry.objects.get()
    assert enquiry.is_quarantined
    give_status(enquiry, Status.CLOSED, Outcome.SPAM)
    assert NOT_WAITING not in page_text(visitor.client.get(thanks))


def removal_days_named() -> list[str]:
    """Return the removal days stated in each sent confirmation and on the page of its link."""
    named = []
    for text in (str(mail.body) for mail in sent_mails.outbox):
        for secret in re.findall(r"/jatka/([\w-]+)/odotuslista/", text):
            page = page_text(Client().get(f"/jatka/{secret}/odotuslista/"))
            for words in (" ".join(text.split()), page):
                named += re.findall(r"Tietosi poistetaan odotuslistalta ([\d.]+), ellet vahvista sitä ennen", words)
    return named


def test_confirmation_sent_late_names_the_right_day(visitor: Visitor) -> None:
    """It is accepted weeks after joining, and delivered days later."""
    joined = datetime(2026, 1, 12, 10, tzinfo=UTC)
    with time_machine.travel(joined, tick=False) as clock:
        joins(visitor, wish(wants_mail="on", extra_line="x"))
        clock.shift(timedelta(weeks=5))
        accept(Enquiry.objects.get())
        clock.shift(timedelta(days=2))
        sent_mails.outbox.clear()
        deliver_due(timezone.now())
        assert removal_days_named() == ["12.1.2027", "12.1.2027"]


def test_day_in_the_confirmation_follows_a_later_answer(visitor: Visitor) -> None:
    """The mailbox joins twice, and confirms by the first link before the second confirmation is sent."""
    joined = datetime(2026, 1, 12, 10, tzinfo=UTC)
    with time_machine.travel(joined, tick=False) as clock:
        joins(visitor, wish(wants_mail="on"))
        deliver_due(timezone.now())
        clock.shift(timedelta(days=40))
        joins(visitor, wish(wants_mail="on", message="Vielä tämä."))
        clock.shift(timedelta(days=1))
        answer_stay(place_id=WaitingPlace.objects.earliest("pk").pk, now=timezone.now())
        sent_mails.outbox.clear()
        deliver_due(timezone.now())
        assert removal_days_named() == ["22.2.2027", "22.2.2027"]


@pytest.mark.parametrize("ticked", [True, False])
def test_confirmation_is_sent_with_and_without_mail_consent(visitor: Visitor, ticked: bool) -> None:
    joins(visitor, wish(**({"wants_mail": "on"} if ticked else {})))
    text = OutgoingMail.objects.get(purpose=MailPurpose.WAITING_CONFIRMATION).text
    assert "olet nyt odotuslistallani" in text
    assert "pääset pois listalta yhdellä painalluksella" in text
    assert ("Saat silloin minulta sähköpostia" in text) is ticked


@pytest.mark.parametrize("full", [True, False])
def test_joining_texts_are_true_in_pause_and_full(visitor: Visitor, full: bool) -> None:
    set_pause(active=not full, full=full)
    thanks = joins(visitor, wish(wants_mail="on"))["Location"]
    mail = OutgoingMail.objects.get(purpose=MailPurpose.WAITING_CONFIRMATION)
    shown = Enquiry.objects.get().shown_texts
    assert shown["consent"].startswith("Haluan sähköpostia, kun Aijuussa vapautuu aikoja.")
    assert "Kun aikoja vapautuu, listalla oleviin otetaan yhteyttä" in shown["waiting"]
    assert ("Aijuussa ei ole juuri nyt vapaita aikoja." in shown["pause"]) is full
    page = page_text(visitor.client.get(thanks))
    assert "Kun aikoja vapautuu, listalla oleviin otetaan yhteyttä" in page
    for words in (mail.text, mail.html):
        assert "Kun aikoja vapautuu, otan listalla oleviin yhteyttä" in words
    texts = (mail.text, mail.html, shown["consent"], shown["waiting"], *([page] if full else []))
    assert not any("tauo" in words.lower() or "tauko" in words.lower() for words in texts)


def test_one_press_of_its_link_leaves_the_list(visitor: Visitor) -> None:
    joins(visitor, wish(wants_mail="on"))
    sent_mails.outbox.clear()
    deliver_due(timezone.now() + timedelta(seconds=1))
    [address] = [
        found[0] for mail in sent_mails.outbox if (found := re.search(r"/jatka/[\w-]+/odotuslista/", str(mail.body)))
    ]
    # Mail scanners follow links: reading changes nothing.
    for method in ("get", "head"):
        assert getattr(Client(), method)(address).status_code == 200
    assert Enquiry.objects.get().status == Status.WAITING_LIST
    assert Client().post(address, {"answer": "no"}).status_code == 303
    assert Enquiry.objects.get().outcome == Outcome.CLIENT_DECLINED


def test_confirmations_are_limited_to_three_a_day(visitor: Visitor, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 100
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        pages = [joins(visitor, wish(email="uhri@esimerkki.fi", message=f"Toive {n}"))["Location"] for n in range(7)]
        assert confirmations() == MAILS_A_DAY[MailPurpose.WAITING_CONFIRMATION] == 3
        # No mail is promised if none is sent.
        for number in (0, 2):
            assert LINK_PROMISED in page_text(visitor.client.get(pages[number]))
        for number in (3, 6):
            words = page_text(visitor.client.get(pages[number]))
            assert LINK_PROMISED not in words
            assert NO_MAIL in words
        clock.shift(timedelta(days=1))
        joins(visitor, wish(email="uhri@esimerkki.fi", message="Huomenna taas"))
        assert confirmations() == 4


def test_tags_and_letter_case_do_not_evade_limit(visitor: Visitor) -> None:
    for number in range(3):
        joins(visitor, wish(email="uhri@esimerkki.fi", message=f"Toive {number}"))
    for email in ("UHRI@esimerkki.fi", "uhri+a@esimerkki.fi", "Uhri+B@Esimerkki.fi"):
        joins(visitor, wish(email=email))
    assert confirmations() == 3
    joins(visitor, wish(email="joku.muu@esimerkki.fi"))
    assert confirmations() == 4


def test_reply_traces_from_the_future_do_not_count(visitor: Visitor) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=900), tick=False):
        for number in range(3):
            joins(visitor, wish(email="maija@esimerkki.fi", message=f"Toive {number}"))
    joins(visitor, wish(email="maija@esimerkki.fi", message="Nyt"))
    assert confirmations() == 4
    assert AutomaticReplyTrace.objects.filter(counted(timezone.now())).count() == 1


def test_suspicious_joining_is_confirmed_when_accepted(visitor: Visitor) -> None:
    thanks = joins(visitor, wish(wants_mail="on", extra_line="x"))["Location"]
    words = page_text(visitor.client.get(thanks))
    assert LINK_PROMISED not in words
    assert NO_MAIL in words
    enquiry = Enquiry.objects.get()
    assert enquiry.is_quarantined
    assert confirmations() == 0
    accept(enquiry)
    assert confirmations(enquiry=enquiry) == 1
    assert LINK_PROMISED in page_text(visitor.client.get(thanks))
    enquiry.refresh_from_db()
    accept(enquiry)
    assert confirmations() == 1


def test_accepted_after_leaving_the_list_gets_nothing(visitor: Visitor) -> None:
    joins(visitor, wish(wants_mail="on", extra_line="x"))
    enquiry = Enquiry.objects.get()
    for status, outcome in ((Status.CLOSED, Outcome.NO_RESPONSE), (Status.WAITING_LIST, "")):
        accepted = enquiry.version == 2
        if accepted:
            accept(enquiry)
            assert confirmations() == 0
            enquiry.refresh_from_db()
        enquiry = give_status(enquiry, status, outcome)
    # Back on the list, and with consent to mail, it gets its confirmation.
    assert confirmations(enquiry=enquiry) == 1


def test_enquiry_listed_by_kati_gets_no_confirmation(visitor: Visitor) -> None:
    sends_message(visitor)
    enquiry = put_on_list(Enquiry.objects.get())
    assert WaitingPlace.objects.get().wants_mail is False
    assert confirmations() == 0
    assert not is_mailable(WaitingPlace.objects.select_related("enquiry").get(enquiry=enquiry))


@pytest.mark.parametrize(
    ("behaviour", "reached"), [(Behaviour.TAKES, True), (Behaviour.REFUSES, False), (Behaviour.AWAY, False)]
)
def test_place_is_mailable_only_after_confirmation_delivery(
    server: PostOffice, behaviour: Behaviour, reached: bool
) -> None:
    enquiry = received(kind=Kind.WAITING, wants_mail=True)
    assert not mailable_places().exists()
    server.behaviour = behaviour
    now = timezone.now() + timedelta(seconds=1)
    for day in range(10):
        deliver_due(now + timedelta(days=day))
    place = WaitingPlace.objects.select_related("enquiry").get()
    assert mailable_places().exists() is is_mailable(place) is reached
    state = enquiry.mails.get(purpose=MailPurpose.WAITING_CONFIRMATION).state
    # While the server is away, the mail stays queued.
    assert state in ((MailState.SENT,) if reached else (MailState.FAILED, MailState.QUEUED))


def test_unreached_address_gets_no_list_mail(server: PostOffice) -> None:
    now = timezone.now().replace(hour=10)
    waiter(now=now, is_reached=False)
    pause(active=True)
    for month in (1, 4, 8, 11):
        round_at(now + timedelta(days=31 * month))
    assert server.taken == []
    pause(active=False)
    with pytest.raises(NobodyToNotify):
        start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=now + timedelta(days=350))
    # The details are removed on the same day as those of a place without mail.
    round_at(now + timedelta(days=370))
    assert not Enquiry.objects.exists()


def test_retried_confirmation_makes_the_place_mailable(server: PostOffice) -> None:
    received(kind=Kind.WAITING, wants_mail=True)
    server.behaviour = Behaviour.REFUSES
    now = timezone.now() + timedelta(seconds=1)
    deliver_due(now)
    assert not mailable_places().exists()
    server.behaviour = Behaviour.TAKES
    deliver_due(now + timedelta(minutes=2))
    assert mailable_places().count() == 1
    assert WaitingLink.objects.count() >= 1


@pytest.mark.parametrize("is_withdrawn", [True, False])
def test_missing_confirmation_is_explained_by_its_reason(kati: Client, server: PostOffice, is_withdrawn: bool) -> None:
    for number in range(1 if is_withdrawn else MAILS_A_DAY[MailPurpose.WAITING_CONFIRMATION] + 1):
        enquiry = received(kind=Kind.WAITING, wants_mail=True, email="maija@esimerkki.fi", message=f"{number}.")
    if is_withdrawn:
        change_status(
            enquiry_id=enquiry.pk, version=1, status=Status.IN_REVIEW, outcome="", by=None, now=timezone.now()
        )
    deliver_due(timezone.now() + timedelta(seconds=1))
    assert confirmations(enquiry=enquiry) == 0
    page = page_text(kati.get(f"/admin/yhteydenotot/inspect/{enquiry.pk}/"))
    assert ("se otettiin takaisin ennen kuin se lähti, koska yhteydenotto" in page) is is_withdrawn
    assert ("samaan osoitteeseen oli jo lähtenyt kuittaus" in page) is not is_withdrawn
    # The withdrawal is in the history too.
    assert ("Odotuslistan viesti otettiin takaisin ennen kuin se lähti" in page) is is_withdrawn


@pytest.mark.parametrize("state", [MailState.SENT, MailState.FAILED])
def test_earlier_confirmation_is_mentioned_only_if_sent(kati: Client, server: PostOffice, state: str) -> None:
    first = received(email="maija@esimerkki.fi", message="1.")
    first.mails.update(state=state, next_attempt_at=None)
    second = received(email="maija+toinen@esimerkki.fi", message="2.")
    page = page_text(kati.get(f"/admin/yhteydenotot/inspect/{second.pk}/"))
    assert "Lähettäjä ei saanut automaattista kuittausta" in page
    assert ("samaan osoitteeseen oli jo lähtenyt kuittaus" in page) is (state == MailState.SENT)


def test_another_confirmation_to_same_address_counts_in_list(server: PostOffice) -> None:
    for number in range(MAILS_A_DAY[MailPurpose.WAITING_CONFIRMATION] + 1):
        received(kind=Kind.WAITING, wants_mail=True, email="maija@esimerkki.fi", message=f"{number}.")
    received(kind=Kind.WAITING, wants_mail=True, email="maija+toinen@esimerkki.fi")
    *places, other = read_list()
    assert [place.is_contacted_by_hand for place in places] == [False] * len(places)
    # Over the limit, and no mail is on its way to this address.
    assert other.is_contacted_by_hand
    deliver_due(timezone.now() + timedelta(seconds=1))
    assert [place.gets_mail for place in read_list()] == [True] * len(places) + [False]


def test_rejoining_reached_address_is_mailable_at_once(server: PostOffice) -> None:
    received(kind=Kind.WAITING, wants_mail=True, email="maija@esimerkki.fi")
    deliver_due(timezone.now() + timedelta(seconds=1))
    again = received(kind=Kind.WAITING, wants_mail=True, email="maija@esimerkki.fi", message="Uudelleen.")
    assert mailable_places().filter(enquiry=again).exists()
    other = received(kind=Kind.WAITING, wants_mail=True, email="maija+b@esimerkki.fi")
    assert not mailable_places().filter(enquiry=other).exists()


@pytest.mark.parametrize("first", ["maija@esimerkki.fi", "Maija@esimerkki.fi"])
def test_letter_case_is_ignored_for_reached_addresses(server: PostOffice, first: str) -> None:
    received(kind=Kind.WAITING, wants_mail=True, email=first)
    before = received(kind=Kind.WAITING, wants_mail=True, email="mAIJA@esimerkki.fi", message="Ennen.")
    OutgoingMail.objects.filter(enquiry=before).delete()
    deliver_due(timezone.now() + timedelta(seconds=1))
    received(kind=Kind.WAITING, wants_mail=True, email="MAIJA@esimerkki.fi", message="Jälkeen.")
    assert WaitingPlace.objects.exclude(reached_at=None).count() == 3


def test_joining_inherits_reached_state_of_exact_address(visitor: Visitor) -> None:
    for number in range(3):
        joins(visitor, wish(email="maija@esimerkki.fi", message=f"Toive {number}"))
    deliver_due(timezone.now() + timedelta(seconds=1))
    joins(visitor, wish(email="maija@esimerkki.fi", wants_mail="on"))
    joins(visitor, wish(email="maija+toinen@esimerkki.fi", wants_mail="on"))
    assert confirmations() == 3
    reached = WaitingPlace.objects.filter(wants_mail=True).order_by("pk").values_list("reached_at", flat=True)
    assert [moment is not None for moment in reached] == [True, False]


@pytest.mark.parametrize(("months", "words"), [(1, "noin kuukauden välein"), (3, "noin 3 kuukauden välein")])
def test_texts_state_the_question_interval_of_settings(visitor: Visitor, months: int, words: str) -> None:
    set_pause()
    chosen = IntakeSettings.load()
    chosen.waiting_months = months
    chosen.save()
    page = page_text(visitor.client.get("/ota-yhteytta/odotuslista/"))
    thanks = joins(visitor, wish(wants_mail="1"))
    consent = Enquiry.objects.get().shown_texts["consent"]
    assert consent.removeprefix("Haluan sähköpostia, kun Aijuussa vapautuu aikoja. ") in page
    mail = OutgoingMail.objects.get(purpose="waiting_confirmation")
    place = WaitingPlace.objects.get()
    for is_last in (False, True):
        queue_still_waiting(place=place, is_last=is_last, months=months, now=timezone.now() + timedelta(days=is_last))
    thanks_text = page_text(visitor.client.get(thanks["Location"]))
    for text in (consent, mail.text, mail.html, thanks_text):
        assert words in " ".join(text.lower().split())
    for question in OutgoingMail.objects.filter(purpose="still_waiting"):
        for part in (question.text, question.html):
            assert words.replace("välein", "kuluttua") in " ".join(part.split())
