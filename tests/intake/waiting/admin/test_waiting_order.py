"""Changing the order of the list: listing by hand, moving to the head with a reason, and moving back."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from intake.choices import MailPurpose, MailState, Outcome, Status, StepKind
from intake.enquiry.services import ChangedMeanwhile, save_handling
from intake.models import ContactPage, Enquiry, OutgoingMail
from intake.waiting.mails import plan_key
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.places import NotWaiting, move_ahead, move_back
from intake.waiting.private_page import answer_no, answer_yes
from tests.examples import examples
from tests.intake.desk.pages import words
from tests.intake.enquiries import closed, give_status, received
from tests.intake.waiting.admin.waiters import WAITING, ahead, back, listed, names, put_on_list, waiting

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


def three() -> list[Enquiry]:
    return [waiting(name) for name in ("Aino", "Bertta", "Cilla")]


def to_head(enquiry: Enquiry, reason: str = "Kiire") -> None:
    enquiry.refresh_from_db()
    move_ahead(enquiry_id=enquiry.pk, version=enquiry.version, reason=reason, by=None, now=NOW)


def to_own_place(enquiry: Enquiry) -> None:
    enquiry.refresh_from_db()
    move_back(enquiry_id=enquiry.pk, version=enquiry.version, by=None, now=NOW)


def test_move_to_head_is_recorded_with_reason(kati: Client) -> None:
    _aino, _bertta, cilla = three()
    assert "Cilla on nyt listan numero 3." in words(kati.get(ahead(cilla)))
    response = kati.post(ahead(cilla), {"version": cilla.version, "reason": "  Sovittu\r\npuhelimessa "})
    assert (response.status_code, response.headers["Location"]) == (302, WAITING)
    page = kati.get(WAITING)
    assert names(page) == listed() == ["Cilla", "Aino", "Bertta"]
    assert f"Yhteydenotto {cilla.reference} on nyt odotuslistan ensimmäinen." in words(page)
    place = WaitingPlace.objects.get(enquiry=cilla)
    assert place.move_reason == "Sovittu puhelimessa"
    assert place.moved_ahead_at is not None
    step = cilla.steps.get(kind=StepKind.MOVED_AHEAD)
    assert step.changed_by is not None
    assert step.changed_by.email == "kati@example.fi"
    history = words(kati.get(f"/admin/yhteydenotot/inspect/{cilla.pk}/"))
    assert "Siirretty odotuslistan kärkeen – Kati Levola" in history
    assert "Siirretty kärkeen" in history
    assert "Sovittu puhelimessa" in history


def test_latest_moved_place_is_first(kati: Client) -> None:
    aino, bertta, cilla = three()
    for enquiry in (cilla, bertta, aino):
        to_head(enquiry)
    assert listed() == ["Aino", "Bertta", "Cilla"]


def test_move_back_works_from_list_and_enquiry(kati: Client) -> None:
    aino, bertta, cilla = three()
    for origin in (WAITING, f"/admin/yhteydenotot/inspect/{cilla.pk}/"):
        to_head(cilla)
        cilla.refresh_from_db()
        page = kati.get(origin).content.decode()
        assert f'action="{back(cilla)}"' in page
        assert f'name="version" value="{cilla.version}"' in page
        assert kati.post(back(cilla), {"version": cilla.version}).status_code == 302
        assert listed() == ["Aino", "Bertta", "Cilla"]
    place = WaitingPlace.objects.get(enquiry=cilla)
    assert (place.moved_ahead_at, place.move_reason) == (None, "")
    assert cilla.steps.filter(kind=StepKind.MOVED_BACK).count() == 2
    assert aino.version == bertta.version


def test_moving_back_an_unmoved_place_changes_nothing(kati: Client) -> None:
    aino, bertta, _cilla = three()
    to_own_place(bertta)
    assert listed() == ["Aino", "Bertta", "Cilla"]
    assert not bertta.steps.filter(kind=StepKind.MOVED_BACK).exists()
    assert kati.post(back(aino), {"version": aino.version}).status_code == 302


def test_later_joiner_stays_behind_moved_back_place(kati: Client) -> None:
    cilla = three()[2]
    to_head(cilla)
    waiting("Dora")
    to_own_place(cilla)
    assert listed() == ["Aino", "Bertta", "Cilla", "Dora"]


def test_move_requires_a_valid_reason(kati: Client) -> None:
    _aino, _bertta, cilla = three()
    for reason in ("", "\u200b\r\n", "x" * 201):
        response = kati.post(ahead(cilla), {"version": cilla.version, "reason": reason})
        assert response.status_code == 422
        assert "Kirjoita syy, enintään 200 merkkiä." in words(response)
        assert 'aria-invalid="true"' in response.content.decode()
    assert reason in response.content.decode()
    for reason in ("", "   ", "\u200b\r\n", "x" * 201):
        with pytest.raises(ValidationError):
            move_ahead(enquiry_id=cilla.pk, version=cilla.version, reason=reason, by=None, now=NOW)
    assert listed() == ["Aino", "Bertta", "Cilla"]
    assert kati.post(ahead(cilla), {"version": cilla.version, "reason": "x" * 200}).status_code == 302


def test_stale_tab_move_is_409_keeping_reason(kati: Client) -> None:
    _aino, _bertta, cilla = three()
    old = cilla.version
    save_handling(enquiry_id=cilla.pk, version=old, note="Soitettu", by=None, now=NOW)
    response = kati.post(ahead(cilla), {"version": old, "reason": "Tärkeä syy"})
    assert response.status_code == 409
    assert 'value="Tärkeä syy"' in response.content.decode()
    assert "on muutettu muualla" in words(response)
    assert listed() == ["Aino", "Bertta", "Cilla"]
    again = kati.post(ahead(cilla), {"version": old + 1, "reason": "Tärkeä syy"})
    assert again.status_code == 302
    assert listed()[0] == "Cilla"
    assert "on muutettu muualla" in words(kati.post(back(cilla), {"version": old}, follow=True))
    assert listed()[0] == "Cilla"


def test_left_enquiry_cannot_be_moved(kati: Client) -> None:
    aino, bertta, _cilla = three()
    for enquiry in (aino, bertta):
        give_status(enquiry, Status.IN_REVIEW, at=NOW)
        enquiry.refresh_from_db()
    before = list(WaitingPlace.objects.values())
    for path in (ahead(bertta), back(bertta)):
        response = kati.post(path, {"version": bertta.version, "reason": "Kiire"}, follow=True)
        assert "ei ole enää odotuslistalla" in words(response)
    assert "ei ole enää odotuslistalla" in words(kati.get(ahead(bertta), follow=True))
    with pytest.raises(NotWaiting):
        move_ahead(enquiry_id=bertta.pk, version=bertta.version, reason="Kiire", by=None, now=NOW)
    with pytest.raises(NotWaiting):
        move_back(enquiry_id=bertta.pk, version=bertta.version, by=None, now=NOW)
    assert list(WaitingPlace.objects.values()) == before


def test_moving_removed_enquiry_raises_changed_meanwhile() -> None:
    cilla = three()[2]
    pk, version = cilla.pk, cilla.version
    cilla.delete()
    with pytest.raises(ChangedMeanwhile):
        move_ahead(enquiry_id=pk, version=version, reason="Kiire", by=None, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        move_back(enquiry_id=pk, version=version, by=None, now=NOW)


# Actions on a list: ("join", _), or ("ahead"/"back"/"leave"/"return", index among all who ever joined).
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["join", "ahead", "back", "leave", "return"]), st.integers(0, 50)), max_size=25
)


@examples(5)
@given(actions=ACTIONS)
def test_unmoved_places_keep_their_order(actions: list[tuple[str, int]]) -> None:
    Enquiry.objects.all().delete()
    numbers = itertools.count()
    everybody = [waiting(f"{next(numbers)}") for _first in range(2)]
    jumped: list[str] = []
    for action, index in actions:
        enquiry = everybody[index % len(everybody)]
        enquiry.refresh_from_db()
        on_list = enquiry.status == Status.WAITING_LIST
        if action == "join":
            everybody.append(waiting(f"{next(numbers)}"))
        elif action == "ahead" and on_list:
            to_head(enquiry)
            jumped = [enquiry.name, *(name for name in jumped if name != enquiry.name)]
        elif action == "back" and on_list:
            to_own_place(enquiry)
            jumped = [name for name in jumped if name != enquiry.name]
        elif action == "leave" and on_list:
            give_status(enquiry, Status.NEW, at=NOW)
        elif action == "return" and not on_list:
            put_on_list(enquiry, now=NOW)
        there = {one.name for one in Enquiry.objects.filter(status=Status.WAITING_LIST)}
        ahead_of_all = [name for name in jumped if name in there]
        own_places = sorted((name for name in there if name not in jumped), key=int)
        assert listed() == ahead_of_all + own_places


def test_listed_by_kati_is_last_without_mail(kati: Client) -> None:
    three()
    enquiry = received(name="Dora")
    response = kati.post(
        f"/admin/yhteydenotot/status/{enquiry.pk}/", {"version": enquiry.version, "status": "waiting_list"}
    )
    assert response.status_code == 302
    assert listed() == ["Aino", "Bertta", "Cilla", "Dora"]
    place = WaitingPlace.objects.get(enquiry=enquiry)
    assert (place.wants_mail, place.notified_at, place.moved_ahead_at) == (False, None, None)


def test_closed_enquiry_can_be_listed(kati: Client) -> None:
    three()
    enquiry = closed(at=NOW, outcome=Outcome.NO_RESPONSE, name="Dora")
    put_on_list(enquiry)
    assert listed()[-1] == "Dora"


def test_repeated_status_save_keeps_waiting_place(kati: Client) -> None:
    aino = three()[0]
    notified = {"notified_at": NOW, "reminded_at": NOW, "asked_at": NOW, "asked_times": 1}
    WaitingPlace.objects.filter(enquiry=aino).update(**notified)
    before = WaitingPlace.objects.filter(enquiry=aino).values().get()
    put_on_list(aino)
    assert WaitingPlace.objects.filter(enquiry=aino).values().get() == before


def test_relisted_enquiry_keeps_rank_and_restarts_waiting(kati: Client) -> None:
    aino = three()[0]
    plan = ReturnPlan.objects.create(created_at=NOW)
    notified: dict[str, Any] = {
        "notified_at": NOW,
        "reminded_at": NOW,
        "asked_at": NOW,
        "asked_times": 2,
        "removal_notice_at": NOW,
    }
    WaitingPlace.objects.filter(enquiry=aino).update(**notified, plan=plan, wants_mail=True)
    give_status(aino, Status.IN_REVIEW, at=NOW)
    aino.refresh_from_db()
    later = NOW + timedelta(days=400)
    put_on_list(aino, now=later)
    place = WaitingPlace.objects.get(enquiry=aino)
    assert listed() == ["Aino", "Bertta", "Cilla"]
    assert place.wants_mail
    assert place.confirmed_at == later
    assert (place.notified_at, place.reminded_at, place.asked_at, place.removal_notice_at) == (None, None, None, None)
    assert place.asked_times == 0
    # A running plan notifies the place in its turn.
    assert place.plan is None
    assert timezone.localdate(place.joined_at) == timezone.localdate()


@pytest.mark.parametrize("between", [[], [Status.NEW, Status.IN_REVIEW]])
def test_corrected_status_keeps_notices_and_questions(between: list[Status]) -> None:
    aino = three()[0]
    fields = {"confirmed_at": NOW, "notified_at": NOW + DAY, "reminded_at": NOW + 9 * DAY, "asked_at": NOW}
    _notify(aino, **fields, asked_times=1)
    before = WaitingPlace.objects.filter(enquiry=aino).values().get()
    # Twice, weeks apart: each mistake is corrected on its own.
    for now in (NOW + 10 * DAY, NOW + 30 * DAY):
        _close(aino, now)
        for status in between:
            _set(aino, status, now + timedelta(minutes=2))
        _set(aino, Status.WAITING_LIST, now + timedelta(minutes=59))
        assert WaitingPlace.objects.filter(enquiry=aino).values().get() == before


def test_place_put_back_an_hour_later_restarts_waiting() -> None:
    aino = three()[0]
    WaitingPlace.objects.filter(enquiry=aino).update(confirmed_at=NOW, notified_at=NOW)
    now = NOW + 10 * DAY
    _close(aino, now)
    # A later status change is not the one that took the enquiry off the list.
    _set(aino, Status.IN_REVIEW, now + timedelta(minutes=59))
    _set(aino, Status.WAITING_LIST, now + timedelta(hours=1))
    place = WaitingPlace.objects.get(enquiry=aino)
    assert (place.notified_at, place.confirmed_at) == (None, now + timedelta(hours=1))


@pytest.mark.parametrize("answer", [answer_yes, answer_no])
def test_place_put_back_after_answer_restarts_waiting(answer: Any, contact_page: ContactPage) -> None:
    aino = three()[0]
    now = NOW + 10 * DAY
    WaitingPlace.objects.filter(enquiry=aino).update(confirmed_at=NOW, notified_at=NOW, joined_at=NOW)
    assert answer(place_id=WaitingPlace.objects.get(enquiry=aino).pk, now=now)
    _set(aino, Status.OFFER_SENT, now + timedelta(minutes=1))
    _set(aino, Status.WAITING_LIST, now + timedelta(minutes=2))
    assert WaitingPlace.objects.get(enquiry=aino).notified_at is None
    # An answer before the restart does not count at the next mistake.
    later = now + 20 * DAY
    _notify(aino, notified_at=later)
    _close(aino, later + DAY)
    _set(aino, Status.WAITING_LIST, later + DAY + timedelta(minutes=1))
    assert WaitingPlace.objects.get(enquiry=aino).notified_at == later


def test_putting_back_after_removal_notice_prevents_removal() -> None:
    aino = three()[0]
    WaitingPlace.objects.filter(enquiry=aino).update(confirmed_at=NOW, removal_notice_at=NOW + DAY)
    _close(aino, NOW + DAY)
    _set(aino, Status.WAITING_LIST, NOW + DAY + timedelta(minutes=1))
    assert WaitingPlace.objects.get(enquiry=aino).removal_notice_at is None


def _notify(enquiry: Enquiry, **fields: Any) -> None:
    """Store that a plan has notified the place of the return."""
    plan = ReturnPlan.objects.create(created_at=NOW)
    WaitingPlace.objects.filter(enquiry=enquiry).update(plan=plan, **fields)
    OutgoingMail.objects.create(
        enquiry=enquiry,
        purpose=MailPurpose.RETURN_NOTICE,
        deduplication_key=plan_key(plan.pk),
        state=MailState.SENT,
        created_at=NOW,
        message_id="<return@example.fi>",
    )


def _close(enquiry: Enquiry, now: datetime) -> None:
    _set(enquiry, Status.CLOSED, now, Outcome.NOT_RELEVANT)


def _set(enquiry: Enquiry, status: Status, now: datetime, outcome: str = "") -> None:
    enquiry.refresh_from_db()
    give_status(enquiry, status, outcome, at=now)
