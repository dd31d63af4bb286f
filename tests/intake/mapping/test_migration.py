"""Taking the mapping into use on a site that has enquiries: each stays as it was."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from intake.models import Enquiry, InitialMapping, OutgoingMail
from tests.intake.mapping.database_dump import database_dump

BEFORE = [("intake", "0003_repeats_and_steps")]
RECEIVED = datetime(2026, 11, 1, 12, 30, tzinfo=ZoneInfo("Europe/Helsinki"))


def migrate_to(targets: list[tuple[str, str]]) -> MigrationExecutor:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection)


@pytest.mark.django_db(transaction=True)
def test_enquiries_and_mails_of_before_stay_as_they_were() -> None:
    newest = [node for node in MigrationExecutor(connection).loader.graph.leaf_nodes() if node[0] == "intake"]
    try:
        apps = migrate_to(BEFORE).loader.project_state(BEFORE).apps
        enquiry = apps.get_model("intake", "Enquiry").objects.create(
            reference="ABC-DEF",
            submission_id="12345678-1234-5678-1234-567812345678",
            content_digest="a" * 64,
            repeat_key="a" * 64,
            received_at=RECEIVED,
            name="Maija",
            email="maija@esimerkki.fi",
            supervision_form="group",
            delivery_modes=["online"],
            message="Hei",
            search_text="abc-def",
            status="in_review",
            version=3,
        )
        apps.get_model("intake", "OutgoingMail").objects.create(
            enquiry=enquiry, purpose="confirmation", message_id="<x@y>", text="Hei", created_at=RECEIVED
        )
        apps.get_model("intake", "EnquiryStep").objects.create(
            enquiry=enquiry, kind="status", status="in_review", changed_at=RECEIVED
        )
    finally:
        migrate_to(newest)
    kept = Enquiry.objects.get()
    assert (kept.reference, kept.name, kept.message, kept.status, kept.version, kept.received_at) == (
        "ABC-DEF", "Maija", "Hei", "in_review", 3, RECEIVED,
    )  # fmt: skip
    assert (kept.group_size, kept.place, kept.area, kept.payer) == (None, "", "", "")
    assert not InitialMapping.objects.exists()
    assert OutgoingMail.objects.get().enquiry == kept
    assert [one.words for one in kept.steps.all()] == ["Käsittelyssä"]


@pytest.mark.django_db
def test_the_database_itself_holds_that_what_was_sent_has_an_enquiry() -> None:
    now = timezone.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        InitialMapping.objects.create(
            submission_id="12345678-1234-5678-1234-567812345678", created_at=now, expires_at=now, sent_at=now
        )
    assert database_dump()["intake_initialmapping"] == ""
