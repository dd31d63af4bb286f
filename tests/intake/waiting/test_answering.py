"""Answers by a private link: how each changes the enquiry, once, also after changes made by Kati meanwhile."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from intake.choices import Kind, MailState, Outcome, Status, StepKind
from intake.enquiry.models import RemovedEnquiry
from intake.models import Enquiry, OutgoingMail
from intake.waiting.models import WaitingPlace
from intake.waiting.places import join
from intake.waiting.private_page import answer_no, answer_stay, answer_yes, remove_places, view_of_place
from intake.waiting.rules import Answer, PlaceState
from tests.intake.enquiries import give_status, received

JOINED = datetime.fromisoformat("2027-01-10 12:00+02:00")
NOW = datetime.fromisoformat("2027-06-01 12:00+03:00")

Answering = Callable[..., bool]


def waiter(*, notified: bool = False, **changes: Any) -> WaitingPlace:
    """Return a place on the list; `notified`: of the return, yesterday."""
    enquiry = received(now=JOINED, kind=Kind.WAITING, wants_mail=True, **changes)
    place = WaitingPlace.objects.get(enquiry=enquiry)
    if notified:
        place.notified_at = NOW - timedelta(days=1)
        place.save()
    return place


def state(place: WaitingPlace) -> tuple[str, str]:
    enquiry = Enquiry.objects.get(pk=place.enquiry_id)
    assert enquiry.is_closed == (enquiry.closed_at is not None)
    return enquiry.status, enquiry.outcome


def steps(place: WaitingPlace) -> list[str]:
    enquiry = Enquiry.objects.get(pk=place.enquiry_id)
    return list(enquiry.steps.values_list("kind", flat=True))


def answer_mails() -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(purpose="waiting_answer"))


def kati_sets(place: WaitingPlace, status: Status, outcome: str = "", at: datetime = NOW) -> None:
    enquiry = Enquiry.objects.get(pk=place.enquiry_id)
    give_status(enquiry, status, outcome, at=at)


pytestmark = pytest.mark.usefixtures("contact_page")


def test_yes_sets_status_new_and_notifies_kati() -> None:
    place = waiter(notified=True, name="Nimimerkki", message="Viestimerkki", email="osoite@merkki.fi")
    assert answer_yes(place_id=place.pk, now=NOW)
    assert state(place) == ("new", "")
    assert steps(place) == ["answered_yes"]
    (mail,) = answer_mails()
    reference = Enquiry.objects.get().reference
    assert (mail.recipient, mail.subject) == ("kati.levola@aijuu.fi", f"Yhä kiinnostunut: {reference}")
    assert f"/admin/yhteydenotot/inspect/{place.enquiry_id}/" in mail.text
    for part in (mail.text, mail.html):
        assert reference in part
        assert "1.6.2027 klo 12.00" in part
        assert "merkki" not in part


def test_answer_no_closes_enquiry_without_mail() -> None:
    place = waiter()
    before = OutgoingMail.objects.count()
    assert answer_no(place_id=place.pk, now=NOW)
    assert state(place) == ("closed", "client_declined")
    assert Enquiry.objects.get().closed_at == NOW
    assert steps(place) == ["answered_no"]
    assert OutgoingMail.objects.count() == before


def test_stay_confirms_place_and_resets_questions() -> None:
    place = waiter()
    WaitingPlace.objects.update(
        asked_at=NOW - timedelta(days=9), asked_times=2, removal_notice_at=NOW - timedelta(days=1)
    )
    assert answer_stay(place_id=place.pk, now=NOW)
    place.refresh_from_db()
    assert state(place) == ("waiting_list", "")
    assert (place.confirmed_at, place.asked_at, place.asked_times, place.removal_notice_at) == (NOW, None, 0, None)
    assert (place.rank, place.joined_at, place.wants_mail) == (1, JOINED, True)
    assert steps(place) == ["answered_stay"]


def test_removal_leaves_a_count_and_nothing_else() -> None:
    place = waiter()
    assert remove_places(place_id=place.pk, now=NOW)
    assert not Enquiry.objects.exists()
    assert not WaitingPlace.objects.exists()
    assert not OutgoingMail.objects.exists()
    tally = RemovedEnquiry.objects.get()
    assert (tally.kind, tally.count) == ("waiting", 1)


@pytest.mark.parametrize(
    ("answering", "notified"), [(answer_yes, True), (answer_no, True), (answer_no, False), (answer_stay, False)]
)
def test_the_same_answer_again_changes_nothing(answering: Answering, notified: bool) -> None:
    place = waiter(notified=notified)
    assert answering(place_id=place.pk, now=NOW)
    row, steps_then = Enquiry.objects.values().get(), steps(place)
    for later in (timedelta(seconds=1), timedelta(days=20)):
        assert not answering(place_id=place.pk, now=NOW + later)
    assert Enquiry.objects.values().get() == row
    assert steps(place) == steps_then
    assert len(answer_mails()) == (1 if answering is answer_yes else 0)


def test_each_answer_increments_enquiry_version() -> None:
    for answering, notified in ((answer_yes, True), (answer_no, False), (answer_stay, False)):
        place = waiter(notified=notified)
        before = place.enquiry.version
        answering(place_id=place.pk, now=NOW)
        assert Enquiry.objects.get(pk=place.enquiry_id).version == before + 1


@pytest.mark.parametrize(
    ("answering", "notified"), [(answer_yes, False), (answer_stay, True)], ids=["yes uncalled", "stay called"]
)
def test_answer_that_is_not_offered_changes_nothing(answering: Answering, notified: bool) -> None:
    place = waiter(notified=notified)
    row = WaitingPlace.objects.values().get()
    assert not answering(place_id=place.pk, now=NOW)
    assert state(place) == ("waiting_list", "")
    assert WaitingPlace.objects.values().get() == row
    assert steps(place) == []
    assert not answer_mails()


@pytest.mark.parametrize("answering", [answer_yes, answer_stay, answer_no, remove_places])
def test_answer_to_removed_place_raises_does_not_exist(answering: Answering) -> None:
    place = waiter()
    Enquiry.objects.all().delete()
    with pytest.raises(WaitingPlace.DoesNotExist):
        answering(place_id=place.pk, now=NOW)


@pytest.mark.parametrize(
    ("answering", "notified", "expected"),
    [(answer_yes, True, "new"), (answer_no, True, "closed"), (answer_stay, False, "waiting_list")],
)
def test_answer_applies_to_all_places_of_the_mailbox(answering: Answering, notified: bool, expected: str) -> None:
    first = waiter(email="maija@esimerkki.fi", notified=notified)
    other = waiter(email="toinen@esimerkki.fi", notified=notified)
    second = waiter(email="Maija+tyo@esimerkki.fi")
    untouched = Enquiry.objects.values().get(pk=other.enquiry_id)
    assert answering(place_id=second.pk, now=NOW)
    # Another +tag may be somebody else's, so a NO applies only to the link's own address.
    ends = answering is answer_no
    assert [state(place)[0] for place in (first, second)] == ["waiting_list" if ends else expected, expected]
    assert (len(steps(first)), len(steps(second))) == (0 if ends else 1, 1)
    assert Enquiry.objects.values().get(pk=other.enquiry_id) == untouched
    # One person, one mail.
    assert len(answer_mails()) == (1 if answering is answer_yes else 0)


def test_removal_removes_only_selected_enquiries() -> None:
    first, second = waiter(email="maija@esimerkki.fi"), waiter(email="maija@esimerkki.fi", message="Toinen.")
    message = received(email="maija@esimerkki.fi")
    kept = waiter(email="muu@esimerkki.fi")
    remove_places(place_id=first.pk, references=[second.enquiry.reference, message.reference], now=NOW)
    assert set(Enquiry.objects.values_list("pk", flat=True)) == {message.pk, kept.enquiry_id}
    assert not WaitingPlace.objects.filter(pk=second.pk).exists()
    assert RemovedEnquiry.objects.get().count == 2


def test_late_yes_reopens_enquiry_closed_for_silence() -> None:
    place = waiter(notified=True)
    kati_sets(place, Status.CLOSED, Outcome.NO_RESPONSE)
    assert view_of_place(place).state is PlaceState.LEFT
    assert answer_yes(place_id=place.pk, now=NOW + timedelta(days=90))
    assert state(place) == ("new", "")
    assert len(answer_mails()) == 1


def test_yes_and_no_answers_can_be_reversed() -> None:
    place = waiter(notified=True)
    answer_yes(place_id=place.pk, now=NOW)
    assert answer_no(place_id=place.pk, now=NOW + timedelta(minutes=1))
    assert state(place) == ("closed", "client_declined")
    assert answer_yes(place_id=place.pk, now=NOW + timedelta(minutes=2))
    assert state(place) == ("new", "")
    # The history keeps each kind of answer once a day, the latest.
    assert steps(place) == ["answered_no", "answered_yes"]
    # No mail had gone out: one is enough, with the latest answer.
    assert len(answer_mails()) == 1


LATER = NOW + timedelta(minutes=1)


@pytest.mark.parametrize("reversing_link", [0, 1])
@pytest.mark.parametrize(
    ("notified", "answering", "reversing", "expected"),
    [
        (False, answer_no, answer_stay, "waiting_list"),
        (True, answer_no, answer_yes, "new"),
        (True, answer_yes, answer_no, "closed"),
    ],
)
def test_reversed_answer_applies_to_the_same_places(
    notified: bool, answering: Answering, reversing: Answering, expected: str, reversing_link: int
) -> None:
    places = [
        waiter(email="maija@esimerkki.fi", notified=notified),
        waiter(email="Maija@esimerkki.fi", message="Toinen.", notified=notified),
    ]
    assert answering(place_id=places[0].pk, now=NOW)
    assert reversing(place_id=places[reversing_link].pk, now=LATER)
    assert [state(place)[0] for place in places] == [expected, expected]
    assert list(WaitingPlace.objects.order_by("pk").values_list("rank", flat=True)) == [1, 2]


def test_late_yes_reopens_all_enquiries_closed_for_silence() -> None:
    places = [
        waiter(email="maija@esimerkki.fi", notified=True),
        waiter(email="maija@esimerkki.fi", message="Toinen.", notified=True),
        waiter(email="maija+tyo@esimerkki.fi", notified=True),
    ]
    earlier = waiter(email="maija@esimerkki.fi", message="Aiempi.", notified=True)
    kati_sets(earlier, Status.CLOSED, Outcome.NO_RESPONSE, at=NOW - timedelta(hours=1))
    for place in places:
        kati_sets(place, Status.CLOSED, Outcome.NO_RESPONSE)
    assert answer_yes(place_id=places[1].pk, now=LATER)
    assert [state(place)[0] for place in (*places, earlier)] == ["new", "new", "new", "closed"]
    assert [mail.enquiry_id for mail in answer_mails()] == [places[1].enquiry_id]


@pytest.mark.parametrize("status", [Status.IN_REVIEW, Status.CLOSED])
def test_reversed_answer_keeps_enquiry_handled_by_kati(status: Status) -> None:
    handled, other = (waiter(email="maija@esimerkki.fi", message=words, notified=True) for words in ("Yksi.", "Kaksi."))
    answer_yes(place_id=handled.pk, now=NOW)
    OutgoingMail.objects.update(state=MailState.SENT)
    kati_sets(handled, status, Outcome.AGREEMENT, at=LATER)
    assert answer_no(place_id=other.pk, now=LATER + timedelta(days=1))
    assert [state(place)[0] for place in (handled, other)] == [status, "closed"]
    # Kati's mail with the YES named the first enquiry, so the mail with the NO names it too.
    yes, no = answer_mails()
    assert (yes.enquiry_id, no.enquiry_id) == (handled.enquiry_id, handled.enquiry_id)
    assert no.subject.startswith("Ei odota enää")


def test_answers_given_separately_are_reversed_separately() -> None:
    first = waiter(email="maija@esimerkki.fi", notified=True)
    answer_yes(place_id=first.pk, now=NOW)
    second = waiter(email="maija@esimerkki.fi", message="Toinen.")
    WaitingPlace.objects.filter(pk=second.pk).update(notified_at=LATER)
    answer_yes(place_id=second.pk, now=LATER + timedelta(minutes=1))
    OutgoingMail.objects.update(state=MailState.SENT)
    assert answer_no(place_id=first.pk, now=LATER + timedelta(minutes=2))
    assert [state(place)[0] for place in (first, second)] == ["closed", "new"]
    assert answer_no(place_id=second.pk, now=LATER + timedelta(minutes=3))
    # Kati gets a mail about each YES and each NO.
    assert [mail.enquiry_id for mail in answer_mails()] == [place.enquiry_id for place in (first, second)] * 2


def test_no_by_another_tag_keeps_the_yes() -> None:
    first = waiter(email="maija@esimerkki.fi", notified=True)
    tagged = waiter(email="maija+tyo@esimerkki.fi", notified=True)
    answer_yes(place_id=first.pk, now=NOW)
    OutgoingMail.objects.update(state=MailState.SENT)
    assert answer_no(place_id=tagged.pk, now=LATER)
    assert [state(place)[0] for place in (first, tagged)] == ["new", "closed"]
    assert [mail.enquiry_id for mail in answer_mails()] == [first.enquiry_id]


@pytest.mark.parametrize("link", [0, 1])
def test_reversal_by_any_link_is_mailed_to_kati(link: int) -> None:
    places = [waiter(email="maija@esimerkki.fi", message=words, notified=True) for words in ("Yksi.", "Kaksi.")]
    answer_yes(place_id=places[0].pk, now=NOW)
    OutgoingMail.objects.update(state=MailState.SENT)
    for day in range(1, 5):
        (answer_no, answer_yes)[(day + 1) % 2](place_id=places[link].pk, now=NOW + timedelta(days=day))
        OutgoingMail.objects.update(state=MailState.SENT)
    subjects = [mail.subject.partition(":")[0] for mail in answer_mails()]
    assert subjects == ["Yhä kiinnostunut", "Ei odota enää"] * 2 + ["Yhä kiinnostunut"]


def test_left_waiter_returns_to_the_same_rank() -> None:
    place = waiter()
    waiter(email="jalkimmainen@esimerkki.fi")
    answer_no(place_id=place.pk, now=NOW)
    assert answer_stay(place_id=place.pk, now=NOW + timedelta(minutes=1))
    place.refresh_from_db()
    assert state(place) == ("waiting_list", "")
    assert place.rank == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Status.CLOSED, Outcome.AGREEMENT),
        (Status.CLOSED, Outcome.SUPERVISOR_DECLINED),
        (Status.CLOSED, Outcome.REFERRED),
        (Status.CLOSED, Outcome.SPAM),
    ],
)
@pytest.mark.parametrize("answering", [answer_yes, answer_stay, answer_no])
def test_link_cannot_reopen_enquiry_closed_by_supervisor(
    answering: Answering, status: Status, outcome: Outcome
) -> None:
    place = waiter(notified=True)
    kati_sets(place, status, outcome)
    assert not answering(place_id=place.pk, now=NOW)
    assert state(place) == (status, outcome)
    assert not answer_mails()
    assert view_of_place(place).answers == (Answer.REMOVE,)


@pytest.mark.parametrize("status", [Status.NEW, Status.IN_REVIEW, Status.AWAITING_REPLY, Status.OFFER_SENT])
def test_yes_keeps_the_status_set_by_kati(status: Status) -> None:
    place = waiter(notified=True)
    kati_sets(place, status, at=NOW - timedelta(hours=1))
    assert not answer_no(place_id=place.pk, now=NOW)
    assert not answer_stay(place_id=place.pk, now=NOW)
    assert answer_yes(place_id=place.pk, now=NOW)
    assert not answer_yes(place_id=place.pk, now=NOW + timedelta(days=1))
    assert state(place) == (status, "")
    assert len(answer_mails()) == 1


def test_link_cannot_close_a_handled_enquiry() -> None:
    place = waiter(notified=True)
    answer_yes(place_id=place.pk, now=NOW)
    kati_sets(place, Status.MAPPING_SCHEDULED)
    assert not answer_no(place_id=place.pk, now=NOW)
    assert state(place) == ("mapping_scheduled", "")


def test_answer_to_an_earlier_plan_does_not_count() -> None:
    place = waiter(notified=True)
    answer_yes(place_id=place.pk, now=NOW)
    OutgoingMail.objects.filter(purpose="waiting_answer").update(state="sent", sent_at=NOW)
    kati_sets(place, Status.WAITING_LIST)
    assert view_of_place(place).state is PlaceState.WAITING
    WaitingPlace.objects.update(notified_at=NOW + timedelta(days=100))
    place.refresh_from_db()
    assert view_of_place(place).state is PlaceState.NOTIFIED
    kati_sets(place, Status.IN_REVIEW, at=NOW + timedelta(days=101))
    assert answer_yes(place_id=place.pk, now=NOW + timedelta(days=102))
    assert len(answer_mails()) == 2


def test_old_link_answers_for_newer_place() -> None:
    old = waiter(email="maija@esimerkki.fi")
    answer_no(place_id=old.pk, now=NOW)
    newer = waiter(email="maija@esimerkki.fi", message="Sittenkin.")
    who = view_of_place(old)
    assert (who.places, who.state) == ([newer], PlaceState.WAITING)
    assert answer_no(place_id=old.pk, now=NOW + timedelta(days=1))
    assert state(newer) == ("closed", "client_declined")
    # The older place is not changed again.
    assert Enquiry.objects.get(pk=old.enquiry_id).closed_at == NOW
    assert steps(old) == ["answered_no"]


def test_late_yes_applies_to_the_newer_place() -> None:
    silent, declined = (
        waiter(email="maija@esimerkki.fi", notified=True),
        waiter(email="toinen@esimerkki.fi", notified=True),
    )
    kati_sets(silent, Status.CLOSED, Outcome.NO_RESPONSE)
    answer_no(place_id=declined.pk, now=NOW)
    newer = waiter(email="maija@esimerkki.fi", message="Sittenkin.")
    waiter(email="toinen@esimerkki.fi", message="Sittenkin.")
    assert view_of_place(declined).state is PlaceState.WAITING
    assert view_of_place(silent).state is PlaceState.NOTIFIED
    assert answer_yes(place_id=silent.pk, now=NOW + timedelta(days=1))
    assert state(newer) == ("new", "")


def test_new_question_after_stay_can_be_answered() -> None:
    place = waiter()
    answer_stay(place_id=place.pk, now=NOW)
    assert view_of_place(place).answered is not None
    WaitingPlace.objects.update(asked_at=NOW + timedelta(days=120), asked_times=1)
    place.refresh_from_db()
    assert view_of_place(place).answered is None
    assert answer_stay(place_id=place.pk, now=NOW + timedelta(days=121))
    place.refresh_from_db()
    assert (place.asked_times, place.confirmed_at) == (0, NOW + timedelta(days=121))
    assert steps(place) == [StepKind.ANSWERED_STAY, StepKind.ANSWERED_STAY]


def test_viewing_place_is_readonly_and_lists_answers() -> None:
    place = waiter()
    rows = [list(model.objects.values()) for model in (Enquiry, WaitingPlace, OutgoingMail)]
    assert view_of_place(place).answers == (Answer.STAY, Answer.NO, Answer.REMOVE)
    assert rows == [list(model.objects.values()) for model in (Enquiry, WaitingPlace, OutgoingMail)]
    WaitingPlace.objects.update(notified_at=NOW)
    assert view_of_place(place).answers == (Answer.YES, Answer.NO, Answer.REMOVE)
    answer_yes(place_id=place.pk, now=NOW)
    assert (view_of_place(place).state, view_of_place(place).answers) == (
        PlaceState.ANSWERED_YES,
        (Answer.NO, Answer.REMOVE),
    )
    answer_no(place_id=place.pk, now=NOW)
    assert (view_of_place(place).state, view_of_place(place).answers) == (PlaceState.LEFT, (Answer.YES, Answer.REMOVE))


def test_listed_message_can_be_answered() -> None:
    enquiry = received(now=JOINED)
    place = join(enquiry=enquiry, wants_mail=False, now=JOINED)
    kati_sets(place, Status.WAITING_LIST)
    assert answer_no(place_id=place.pk, now=NOW)
    assert state(place) == ("closed", "client_declined")


def test_no_replaces_unsent_yes_about_handled_enquiry() -> None:
    a, b = [waiter(email="maija@esimerkki.fi", message=words, notified=True) for words in ("Yksi.", "Kaksi.")]
    answer_yes(place_id=a.pk, now=NOW)
    kati_sets(a, Status.IN_REVIEW, at=NOW + timedelta(minutes=1))
    assert answer_no(place_id=b.pk, now=LATER)
    (mail,) = answer_mails()
    assert (mail.subject.partition(":")[0], mail.enquiry_id) == ("Ei odota enää", a.enquiry_id)
    assert (state(a)[0], state(b)[0]) == ("in_review", "closed")
