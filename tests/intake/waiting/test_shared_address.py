"""A private link removes only places of its own address, and places other than its own only if they are selected."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from intake.choices import Status
from intake.models import Enquiry, WaitingPlace
from intake.waiting.private_page import remove_places
from tests.intake.visiting import page_text
from tests.intake.waiting.list_people import waiter
from tests.intake.waiting.visitors import presses, private_address

pytestmark = pytest.mark.usefixtures("contact_page")

JOINED = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("Europe/Helsinki"))


def remaining_addresses() -> list[str]:
    return list(Enquiry.objects.order_by("pk").values_list("email", flat=True))


def joined(email: str, days: int = 0) -> WaitingPlace:
    return waiter(now=JOINED + timedelta(days=days), email=email)


def test_removal_without_selection_removes_only_own_place() -> None:
    own = joined("toimisto@yhdistys.fi")
    other = joined("toimisto@yhdistys.fi", days=1)
    assert presses(private_address(own.enquiry), "remove").status_code == 303
    assert list(WaitingPlace.objects.all()) == [other]


def test_page_lists_places_of_the_address_for_removal() -> None:
    own, other = joined("toimisto@yhdistys.fi"), joined("toimisto@yhdistys.fi", days=1)
    page = Client().get(private_address(own.enquiry))
    words = page_text(page)
    assert f"{own.enquiry.reference}, ilmoittautunut 20.11.2026: tämä linkki" in words
    assert f"{other.enquiry.reference}, ilmoittautunut 21.11.2026" in words
    assert f"Poista nyt vain {own.enquiry.reference}" in words
    assert "Poista nyt nämä kaikki" in words
    assert "Odottava" not in words


def test_selected_places_of_the_address_are_removed() -> None:
    own, other = joined("toimisto@yhdistys.fi"), joined("toimisto@yhdistys.fi", days=1)
    answer = Client().post(
        private_address(own.enquiry), {"answer": "remove", "also": [other.enquiry.reference]}, follow=True
    )
    assert answer.status_code == 404
    assert remaining_addresses() == []


@pytest.mark.parametrize(("answer", "notified"), [("no", False), ("no", True), ("yes", True)])
def test_places_that_left_together_are_removable_together(answer: str, notified: bool) -> None:
    own, other = joined("toimisto@yhdistys.fi"), joined("toimisto@yhdistys.fi", days=1)
    tagged = joined("toimisto+2@yhdistys.fi")
    if notified:
        WaitingPlace.objects.update(notified_at=JOINED + timedelta(days=2))
    address = private_address(own.enquiry)
    presses(address, answer)
    words = page_text(Client().get(address))
    assert f"{other.enquiry.reference}, ilmoittautunut 21.11.2026" in words
    assert tagged.enquiry.reference not in words
    Client().post(address, {"answer": "remove", "also": [other.enquiry.reference, tagged.enquiry.reference]})
    assert remaining_addresses() == ["toimisto+2@yhdistys.fi"]


def test_place_joined_after_page_was_shown_stays() -> None:
    own, shown = joined("toimisto@yhdistys.fi"), joined("toimisto@yhdistys.fi")
    arrived = joined("toimisto@yhdistys.fi")
    Client().post(private_address(own.enquiry), {"answer": "remove", "also": [shown.enquiry.reference]})
    assert list(WaitingPlace.objects.all()) == [arrived]


@pytest.mark.parametrize(
    "other", ["maija+lista@esimerkki.fi", "maija+@esimerkki.fi", "m.aija@esimerkki.fi", "maija@toinen.fi"]
)
def test_another_address_is_never_removed(other: str) -> None:
    own, stays = joined("maija@esimerkki.fi"), joined(other)
    page = page_text(Client().get(private_address(own.enquiry)))
    assert stays.enquiry.reference not in page
    Client().post(private_address(own.enquiry), {"answer": "remove", "also": [stays.enquiry.reference]})
    assert remaining_addresses() == [other]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("maija+a@esimerkki.fi", "maija+b@esimerkki.fi"),
        ("+358401111111@sms.esimerkki.fi", "+358402222222@sms.esimerkki.fi"),
    ],
)
def test_place_of_another_tag_is_not_removed(first: str, second: str) -> None:
    own, stays = joined(first), joined(second)
    remove_places(place_id=own.pk, references=[stays.enquiry.reference], now=JOINED)
    assert remaining_addresses() == [second]


def test_letter_case_is_ignored_in_addresses() -> None:
    own, other = joined("maija@esimerkki.fi"), joined("MAIJA@Esimerkki.fi")
    remove_places(place_id=own.pk, references=[other.enquiry.reference], now=JOINED)
    assert remaining_addresses() == []


@pytest.mark.parametrize("answer", ["no", "stay"])
def test_no_applies_to_address_and_stay_to_mailbox(answer: str) -> None:
    own, same = joined("maija@esimerkki.fi"), joined("maija@esimerkki.fi")
    tagged = joined("maija+lista@esimerkki.fi")
    presses(private_address(own.enquiry), answer)
    for place in (own, same, tagged):
        place.enquiry.refresh_from_db()
    expected = Status.CLOSED if answer == "no" else Status.WAITING_LIST
    assert (own.enquiry.status, same.enquiry.status, tagged.enquiry.status) == (
        expected,
        expected,
        Status.WAITING_LIST,
    )
    # A STAY applies to the mailbox, which is asked once; a NO applies only to the address.
    assert tagged.enquiry.steps.exists() is (answer == "stay")


def test_single_place_is_removed_without_selection() -> None:
    own = joined("maija@esimerkki.fi")
    words = page_text(Client().get(private_address(own.enquiry)))
    assert "Poista tietoni nyt" in words
    assert "Mitä poistetaan?" not in words
