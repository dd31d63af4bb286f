"""SQLite's files keep no removed text. PostgreSQL's vacuum is not tested here."""

from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from intake.enquiry.models import SIGNATURE_FIELDS
from intake.enquiry.removal import empty_write_ahead_log, remove_enquiry
from intake.enquiry.services import save_handling
from intake.models import Enquiry
from tests.intake.enquiries import received

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.once,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite's files"),
]
WORD = "Unohtuvainen"


def found(word: str | bytes) -> dict[str, int]:
    """Return how often the bytes of the word occur in each file of the database."""
    sought = word if isinstance(word, bytes) else word.encode()
    name = str(connection.settings_dict["NAME"])
    files = [Path(name), Path(f"{name}-wal")]
    return {path.name: path.read_bytes().count(sought) for path in files if path.exists()}


def test_removed_text_is_in_no_file() -> None:
    # Long enough for overflow pages, too.
    enquiry = received(name=f"{WORD} Henkilö", message=f"{WORD} kirjoitti. " * 2000)
    empty_write_ahead_log()
    save_handling(enquiry_id=enquiry.pk, version=enquiry.version, note=f"Soita: {WORD}", by=None, now=timezone.now())
    # First show that found() finds the word.
    assert all(found(WORD).values())
    remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
    assert not any(found(WORD).values())


def test_removed_signature_is_in_no_file() -> None:
    enquiry = received(name=WORD)
    empty_write_ahead_log()
    # As SQLite stores a large number, in the row and in the index (Database File Format, 2.1).
    bits = max(getattr(enquiry, name) for name in SIGNATURE_FIELDS).to_bytes(8, "big")
    assert sum(found(bits).values()) == 2
    remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
    assert not any(found(bits).values())


def test_text_of_other_enquiries_is_kept() -> None:
    kept = received(name="Pysyväinen", message="Pysyy.")
    gone = received(name=WORD)
    remove_enquiry(enquiry_id=gone.pk, now=timezone.now())
    assert Enquiry.objects.get() == kept
    assert not any(found(WORD).values())
    assert any(found("Pysyväinen").values())


def test_open_reader_delays_emptying_the_wal() -> None:
    enquiry = received(name=WORD)
    reader = connection.copy()
    try:
        with reader.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            cursor.execute("SELECT COUNT(*) FROM intake_enquiry")
            cursor.fetchone()
            remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
            assert empty_write_ahead_log() is False
            cursor.execute("COMMIT")
    finally:
        reader.close()
    assert empty_write_ahead_log() is True
    assert not any(found(WORD).values())


def test_emptying_wal_keeps_busy_timeout() -> None:
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()
        empty_write_ahead_log()
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == before == (5_000,)
        assert cursor.execute("PRAGMA secure_delete").fetchone() == (1,)
