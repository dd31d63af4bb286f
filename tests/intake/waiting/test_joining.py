"""Joining the waiting list: one enquiry, one place at the end of the order, and no error loses the typed text."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from intake.choices import Status
from intake.mailbox import mailbox_key
from intake.models import Enquiry, IntakeSettings, OutgoingMail
from intake.waiting.models import WaitingPlace
from intake.waiting.places import join
from intake.waiting.private_page import answer_no
from tests.intake.enquiries import give_status, received
from tests.intake.visiting import ADDRESS, ShownForm, Visitor, page_text, token
from tests.intake.waiting.visitors import joins, set_pause, wish


@pytest.fixture(autouse=True)
def paused(contact_page: object) -> None:
    set_pause()


def test_joining_stores_enquiry_and_waiting_place(visitor: Visitor) -> None:
    answer = joins(visitor, wish(email="Maija+lista@Esimerkki.fi", wants_mail="1"))
    assert answer.status_code == 303
    enquiry = Enquiry.objects.get()
    assert (enquiry.kind, enquiry.status, enquiry.verdict) == ("waiting", "waiting_list", "accepted")
    assert (enquiry.message, enquiry.preferred_contact) == ("Porin seudulla, jos sopii.", "")
    assert (enquiry.supervision_form, enquiry.delivery_modes, enquiry.organisation) == ("group", [], "")
    place = WaitingPlace.objects.get()
    assert (place.enquiry, place.wants_mail, place.rank) == (enquiry, True, 1)
    assert place.joined_at == place.confirmed_at == enquiry.received_at
    assert place.mailbox_key == mailbox_key("maija@esimerkki.fi")
    assert (place.notified_at, place.asked_at, place.asked_times, place.removal_notice_at) == (None, None, 0, None)


def test_mail_consent_defaults_to_false(visitor: Visitor) -> None:
    joins(visitor)
    assert WaitingPlace.objects.get().wants_mail is False


def test_wish_is_optional_and_limited_in_length(visitor: Visitor) -> None:
    assert joins(visitor, wish(message="")).status_code == 303
    assert joins(visitor, wish(message="x" * 1000)).status_code == 303
    too_long = joins(visitor, wish(message="x" * 1001))
    assert too_long.status_code == 422
    assert ShownForm.of(too_long).errors("message") == ["Lyhennä toivetta: nyt 1001 merkkiä, enintään 1000."]


def test_rank_follows_arrival_despite_clock_change(visitor: Visitor) -> None:
    with time_machine.travel("2027-02-02 12:00+02:00", tick=False):
        joins(visitor, wish(email="eka@esimerkki.fi"))
    with time_machine.travel("2027-02-01 12:00+02:00", tick=False):
        joins(visitor, wish(email="toka@esimerkki.fi"))
    order = WaitingPlace.objects.values_list("enquiry__email", "rank")
    assert list(order) == [("eka@esimerkki.fi", 1), ("toka@esimerkki.fi", 2)]


def test_repeated_joining_is_one_enquiry(visitor: Visitor) -> None:
    words = wish(form_token=token(), wants_mail="1")
    addresses = {joins(visitor, words)["Location"] for _ in range(3)}
    assert len(addresses) == 1
    # A repeat from a new form has its own page, with the same reference.
    addresses.add(joins(visitor, wish(form_token=token(), wants_mail="1"))["Location"])
    reference = Enquiry.objects.get().reference
    assert all(reference in page_text(visitor.client.get(address)) for address in addresses)
    assert WaitingPlace.objects.count() == Enquiry.objects.count() == 1
    assert OutgoingMail.objects.count() == 2


def test_the_same_form_joins_again_after_leaving(visitor: Visitor) -> None:
    other = received()
    words = wish(form_token=token(), wants_mail="1")
    joins(visitor, words)
    left = WaitingPlace.objects.get()
    answer_no(place_id=left.pk, now=timezone.now())
    # The form in the old tab is sent again, by a double click.
    addresses = {joins(visitor, words)["Location"] for _ in range(2)}
    assert len(addresses) == 1
    left.enquiry.refresh_from_db()
    assert left.enquiry.status == Status.CLOSED
    again = WaitingPlace.objects.exclude(pk=left.pk).get()
    assert (again.enquiry.status, again.rank, again.wants_mail) == (Status.WAITING_LIST, left.rank + 1, True)
    assert again.enquiry.reference in page_text(visitor.client.get(addresses.pop()))
    assert Enquiry.objects.get(pk=other.pk).submission_id == other.submission_id


def test_rejoining_form_leads_to_its_latest_joining(visitor: Visitor) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        words = wish(form_token=token())
        first = joins(visitor, words)["Location"]
        answer_no(place_id=WaitingPlace.objects.get().pk, now=timezone.now())
        clock.shift(timedelta(hours=1))
        again = joins(visitor, words)["Location"]
        assert again != first
        assert "kopio" in visitor.client.get(again).content.decode()
        clock.shift(timedelta(days=2))
        assert joins(visitor, words)["Location"] == again
        assert Enquiry.objects.count() == 2
        assert visitor.client.get(first).status_code == 200
        # Sent again after leaving again, the form makes a third place.
        answer_no(place_id=WaitingPlace.objects.latest("pk").pk, now=timezone.now())
        assert joins(visitor, words)["Location"] not in (first, again)
        assert Enquiry.objects.count() == 3


def test_changed_mail_consent_is_new_enquiry(visitor: Visitor) -> None:
    opened = token()
    first = joins(visitor, wish(form_token=opened))["Location"]
    assert joins(visitor, wish(form_token=opened, wants_mail="1"))["Location"] != first
    assert list(WaitingPlace.objects.values_list("wants_mail", flat=True)) == [False, True]


def test_message_is_not_repeat_of_joining(visitor: Visitor) -> None:
    opened = token()
    joins(visitor, wish(form_token=opened))
    visitor.sends({**wish(), "preferred_contact": "email", "form_token": opened})
    assert list(Enquiry.objects.order_by("pk").values_list("kind", flat=True)) == ["waiting", "contact"]
    assert WaitingPlace.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"name": ""}, "name", "Kirjoita nimesi."),
        ({"email": "maija"}, "email", "Tarkista sähköpostiosoite. Oikea muoto on esimerkiksi nimi@esimerkki.fi."),
        ({"phone": "soita"}, "phone", "Tarkista puhelinnumero. Oikea muoto on esimerkiksi 050 123 4567."),
        ({"supervision_form": "x"}, "supervision_form", "Valitse jokin vaihtoehdoista."),
        (
            {"message": "Tunnukseni on 131052-308T."},
            "message",
            "Tekstissä näyttää olevan henkilötunnus. Poista se ennen lähettämistä.",
        ),
    ],
)
def test_validation_error_keeps_text_and_stores_nothing(
    visitor: Visitor, changes: dict[str, Any], name: str, message: str
) -> None:
    words = wish(wants_mail="1", **changes)
    answer = joins(visitor, words)
    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert shown.title == "Virhe: Odotuslista – Aijuu työnohjaus"
    assert shown.errors(name) == [message]
    kept = {key: value for key, value in words.items() if value not in ([], "x")}
    assert {key: shown.words.get(key) for key in kept} == {**kept, "wants_mail": ["1"]}
    assert not Enquiry.objects.exists()
    assert not visitor.client.cookies


def test_rejected_waiting_form_keeps_input(visitor: Visitor, settings: Any) -> None:
    words = wish(wants_mail="1")
    foreign = joins(visitor, words, headers={"Sec-Fetch-Site": "cross-site"})
    expired = joins(visitor, {**words, "form_token": "ei ole meidän"})
    settings.FORM_RATE_LIMIT = 0
    too_many = joins(visitor, words)
    assert [foreign.status_code, expired.status_code, too_many.status_code] == [403, 422, 429]
    assert int(too_many["Retry-After"]) > 0
    for answer in (foreign, expired, too_many):
        shown = ShownForm.of(answer)
        assert shown.notice
        assert shown.words == {**words, "wants_mail": ["1"]}
    assert "lähetä lomake uudelleen" in ShownForm.of(expired).notice
    assert not Enquiry.objects.exists()
    settings.FORM_RATE_LIMIT = 5
    # The returned form can be sent at once.
    assert joins(visitor, ShownForm.of(expired).values).status_code == 303
    assert Enquiry.objects.get().verdict == "accepted"


@pytest.mark.parametrize("model", [Enquiry, WaitingPlace, OutgoingMail])
def test_database_error_keeps_text_and_stores_nothing(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, model: Any
) -> None:
    def failing(*_arguments: object, **_named: object) -> None:
        raise OperationalError("DETAIL: maija.meikalainen@esimerkki.fi")

    with monkeypatch.context() as broken:
        broken.setattr(model, "save_base", failing)
        answer = joins(visitor, wish(wants_mail="1"))
    shown = ShownForm.of(answer)
    assert answer.status_code == 503
    assert shown.notice == (
        "Ilmoittautumista ei voitu tallentaa. Tekstisi on yhä lomakkeella – yritä uudelleen tai soita 050 534 8567."
    )
    assert shown.words == {**wish(), "wants_mail": ["1"]}
    assert not any(one.objects.exists() for one in (Enquiry, WaitingPlace, OutgoingMail))
    assert "meikalainen" not in caplog.text
    assert joins(visitor, shown.values).status_code == 303


def test_oversized_waiting_form_is_413_with_limit(visitor: Visitor, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 3000
    answer = joins(visitor, wish(message="x" * 5000))
    assert answer.status_code == 413
    assert "siihen mahtuu 1000 merkkiä" in page_text(answer)


def test_suspicious_joining_is_listed_without_confirmation(visitor: Visitor) -> None:
    answer = joins(visitor, wish(extra_line="x", wants_mail="1"))
    enquiry = Enquiry.objects.get()
    assert (enquiry.verdict, enquiry.status) == ("quarantined", "waiting_list")
    assert WaitingPlace.objects.filter(enquiry=enquiry).exists()
    assert list(OutgoingMail.objects.values_list("purpose", flat=True)) == ["notification"]
    # The page does not reveal the verdict to a spam bot.
    assert "Kiitos, ilmoittautumisesi on perillä" in page_text(visitor.client.get(answer["Location"]))


@pytest.mark.parametrize(
    ("ticked", "notified", "absent"),
    [
        ({"wants_mail": "1"}, "Saat silloin sähköpostia.", "Et pyytänyt sähköpostia"),
        ({}, "Et pyytänyt sähköpostia, joten Kati ottaa sinuun itse yhteyttä.", "Saat silloin sähköpostia."),
    ],
)
def test_thanks_page_explains_waiting_list_terms(
    visitor: Visitor, ticked: dict[str, str], notified: str, absent: str
) -> None:
    text = page_text(visitor.client.get(joins(visitor, wish(**ticked))["Location"]))
    assert "Kiitos, ilmoittautumisesi on perillä" in text
    assert f"Viitenumerosi on {Enquiry.objects.get().reference}" in text
    assert "Odotuslista ei sido sinua mihinkään, eikä se takaa aikaa." in text
    assert "Tietosi poistetaan odotuslistalta noin 12 kuukauden kuluttua" in text
    assert notified in text
    assert absent not in text
    assert "alkukartoitu" not in text.split("Mitä seuraavaksi tapahtuu?")[1].split("Tuliko jotain")[0].lower()


def test_shown_periods_follow_the_settings(visitor: Visitor) -> None:
    chosen = IntakeSettings.load()
    chosen.waiting_months, chosen.retention_months = 2, 9
    chosen.save()
    text = page_text(visitor.client.get(ADDRESS))
    assert "noin 6 kuukauden kuluttua" in text
    assert "viimeistään 9 kuukauden kuluttua" in text


def test_relisted_enquiry_keeps_rank_and_restarts_waiting(visitor: Visitor) -> None:
    joins(visitor, wish(wants_mail="1"))
    enquiry = Enquiry.objects.get()
    WaitingPlace.objects.update(notified_at=timezone.now(), asked_times=2, removal_notice_at=timezone.now())
    received(email="muu@esimerkki.fi")
    for status in (Status.IN_REVIEW, Status.WAITING_LIST):
        enquiry.refresh_from_db()
        give_status(enquiry, status)
    place = WaitingPlace.objects.get()
    assert (place.rank, place.wants_mail) == (1, True)
    assert (place.notified_at, place.asked_times, place.removal_notice_at) == (None, 0, None)
    assert place.confirmed_at > place.joined_at


def test_listed_message_gets_the_last_place(visitor: Visitor) -> None:
    joins(visitor)
    late = received()
    join(enquiry=late, wants_mail=False, now=timezone.now())
    assert list(WaitingPlace.objects.values_list("rank", "wants_mail")) == [(1, False), (2, False)]
