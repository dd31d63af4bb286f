"""Locks on PostgreSQL: posts of different people do not wait for each other."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from intake.enquiry.removal import remove_enquiry
from intake.locks import lock_letter, lock_receiving
from intake.mail import delivery
from intake.mail.queue import Handling, handling_of
from intake.models import OutgoingMail
from tests.intake.enquiries import received

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite the writers queue"),
]


def waits(lock: Callable[[], None]) -> bool:
    """Return whether another transaction has to wait for this lock while the current one is open."""
    results: list[bool] = []

    def run() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '300ms'")
                lock()
            results.append(False)
        except OperationalError as error:
            results.append("lock timeout" in str(error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    (waited,) = results
    return waited


def test_posts_of_different_people_do_not_wait() -> None:
    with transaction.atomic():
        lock_letter("address a", "mailbox a", "words a")
        assert not waits(lambda: lock_letter("address b", "mailbox b", "words b"))


@pytest.mark.parametrize("shared", ["address a", "mailbox a", "words a"])
def test_posts_with_a_common_key_wait(shared: str) -> None:
    with transaction.atomic():
        lock_letter("address a", "mailbox a", "words a")
        assert waits(lambda: lock_letter("another", shared, "others"))


def test_receiving_lock_excludes_all_posts() -> None:
    with transaction.atomic():
        lock_letter("address a", "mailbox a", "words a")
        assert waits(lock_receiving)
    with transaction.atomic():
        lock_receiving()
        assert waits(lambda: lock_letter("address a"))
        assert waits(lock_receiving)
    with transaction.atomic():
        assert not waits(lock_receiving)


def test_removal_waits_for_a_post() -> None:
    """A repeat refers to the stored enquiry, which must not be removed before the repeat is recorded."""
    enquiry = received()
    with transaction.atomic():
        lock_letter("address a")
        assert waits(lambda: remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now()))
    assert not waits(lambda: remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now()))


def test_subjects_check_mails_under_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    def is_still_valid(_mail: OutgoingMail, _now: datetime) -> bool:
        held.append(waits(lock_receiving))
        return True

    def handling(mail: OutgoingMail) -> Handling:
        return replace(handling_of(mail), is_still_valid=is_still_valid)

    monkeypatch.setattr(delivery, "handling_of", handling)
    received()
    assert delivery.deliver_next(now=timezone.now())
    assert held == [True]
