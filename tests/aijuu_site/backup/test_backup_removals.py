"""Each removal is recorded in its own transaction, exported beside the backups, and repeated after a restore."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone
from wagtail.images import get_image_model

from aijuu_site.accounts.models import User
from aijuu_site.backup.archive import BackupError
from aijuu_site.backup.destination import Folder
from aijuu_site.backup.removals import (
    Removed,
    export_removals,
    forget_old_removals,
    parse_removals,
    read_removals,
    repeat_removals,
)
from aijuu_site.models import Removal
from home.models import PauseNotice
from intake.choices import Kind, Outcome
from intake.enquiry.removal import remove_due, remove_enquiry, remove_if_unchanged
from intake.mapping.links import remove_unfinished, remove_unsent_of_mailbox
from intake.mapping.mails import queue_resume_link, resume_mails
from intake.mapping.services import send_mapping
from intake.models import Enquiry, InitialMapping
from tests.accounts import make_user
from tests.intake.desk.mappings import ANSWERS, begun_alone, under_way
from tests.intake.enquiries import closed, received
from tests.intake.mapping.mailed_links import mail_link_for_enquiry
from tests.uploading import drawn, upload

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def kinds() -> list[str]:
    return list(Removal.objects.order_by("pk").values_list("kind", flat=True))


def test_every_way_of_removing_is_recorded() -> None:
    now = timezone.now()
    remove_enquiry(enquiry_id=received().pk, now=now)
    enquiry = received()
    remove_if_unchanged(enquiry_id=enquiry.pk, version=enquiry.version, now=now)
    closed(at=now - 400 * DAY, outcome=Outcome.AGREEMENT)
    remove_due(now=now)
    received().delete()
    Enquiry.objects.filter(pk=received(kind=Kind.WAITING).pk).delete()
    assert kinds() == ["enquiry"] * 5
    make_user("lähtevä").delete()
    User.objects.filter(pk=make_user("toinen").pk).delete()
    assert kinds()[5:] == ["account"] * 2


def test_removed_mapping_is_removed_again_after_restore() -> None:
    """Two mappings are unsent in the backup. Later one is removed, the other is sent and removed with its enquiry."""
    email = "aino@esimerkki.fi"
    removed, sent = begun_alone(email=email), begun_alone(email="eino@esimerkki.fi", answers=ANSWERS)
    rows = list(InitialMapping.objects.order_by("pk"))
    backup_at = timezone.now()
    assert remove_unsent_of_mailbox(email) == 1
    pause = PauseNotice.load().status(now=backup_at)
    enquiry = send_mapping(mapping_id=sent.pk, address_key="", pause=pause, now=backup_at)
    remove_enquiry(enquiry_id=enquiry.pk, now=backup_at)
    assert sorted(kinds()) == ["enquiry", "mapping", "mapping"]
    recorded = {Removed(row.removed_at, row.kind, row.digest) for row in Removal.objects.all()}
    InitialMapping.objects.bulk_create(rows)
    queue_resume_link(mapping=rows[0], now=backup_at)
    assert repeat_removals(recorded, backup_at=backup_at) == 2
    assert not InitialMapping.objects.exists()
    assert not resume_mails(removed.pk).exists()


def test_later_mapping_of_same_enquiry_survives_restore() -> None:
    enquiry, now = received(), timezone.now()
    under_way(enquiry, now=now - 40 * DAY)
    remove_unfinished(now=now)
    later = under_way(enquiry, now=now)
    recorded = {Removed(row.removed_at, row.kind, row.digest) for row in Removal.objects.all()}
    assert len(recorded) == 1
    assert repeat_removals(recorded, backup_at=now + timedelta(minutes=10)) == 0
    assert InitialMapping.objects.get() == later


def test_removed_mapping_link_never_opened_is_not_recorded() -> None:
    now = timezone.now()
    mail_link_for_enquiry(enquiry=received(), now=now - 40 * DAY)
    remove_unfinished(now=now)
    assert not InitialMapping.objects.exists()
    assert kinds() == []


def test_rolled_back_removal_is_not_recorded() -> None:
    enquiry = received()
    with transaction.atomic():
        remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
        assert kinds() == ["enquiry"]
        transaction.set_rollback(True)
    assert Enquiry.objects.filter(pk=enquiry.pk).exists()
    assert kinds() == []


@pytest.mark.usefixtures("identity")
def test_exported_removal_has_no_personal_data(destination: Folder) -> None:
    now = timezone.now()
    enquiry = received(name="Aino Kallio", email="aino@esimerkki.fi")
    personal = {enquiry.reference, str(enquiry.receipt), enquiry.receipt.hex, "Aino", "aino@esimerkki.fi"}
    remove_enquiry(enquiry_id=enquiry.pk, now=now)
    assert export_removals(now=now) == 1
    (path,) = destination.path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    words = path.read_text()
    assert words.count("\n") == 1
    assert not [each for each in personal if each in words]


@pytest.mark.usefixtures("identity")
def test_each_removal_is_exported_once(destination: Folder) -> None:
    now = timezone.now()
    for _each in range(3):
        remove_enquiry(enquiry_id=received().pk, now=now)
    assert export_removals(now=now) == 3
    assert export_removals(now=now) == 0
    remove_enquiry(enquiry_id=received().pk, now=now)
    assert export_removals(now=now) == 1
    assert len(read_removals(destination)) == 4


@pytest.mark.usefixtures("identity")
def test_export_on_full_disk_can_be_repeated(destination: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    remove_enquiry(enquiry_id=received().pk, now=now)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            export_removals(now=now)
    assert destination.names() == []
    assert list(destination.path.iterdir()) == []
    assert export_removals(now=now) == 1
    assert len(read_removals(destination)) == 1


def test_missing_key_exports_nothing(folder: Path) -> None:
    remove_enquiry(enquiry_id=received().pk, now=timezone.now())
    assert export_removals(now=timezone.now()) == 0
    assert not folder.exists()


@pytest.mark.usefixtures("identity")
def test_old_removal_records_are_deleted_after_export(destination: Folder) -> None:
    now = timezone.now()
    remove_enquiry(enquiry_id=received().pk, now=now)
    forget_old_removals(now=now + 36 * DAY)
    assert kinds() == ["enquiry"]
    export_removals(now=now)
    forget_old_removals(now=now + 34 * DAY)
    assert kinds() == ["enquiry"]
    forget_old_removals(now=now + 36 * DAY)
    assert kinds() == []


@pytest.mark.usefixtures("identity")
def test_repeated_removal_removes_only_its_enquiry(destination: Folder) -> None:
    now = timezone.now()
    gone, kept = received(), received()
    receipt = gone.receipt
    remove_enquiry(enquiry_id=gone.pk, now=now)
    export_removals(now=now)
    # An older backup restores the enquiry; its primary key can differ.
    back = received()
    Enquiry.objects.filter(pk=back.pk).update(receipt=receipt)
    assert repeat_removals(read_removals(destination), backup_at=now) == 1
    assert list(Enquiry.objects.values_list("pk", flat=True)) == [kept.pk]


@pytest.mark.usefixtures("identity")
def test_new_account_with_reused_id_is_kept(destination: Folder) -> None:
    now = timezone.now()
    account = make_user("lähtevä")
    number = account.pk
    account.delete()
    export_removals(now=now)
    User.objects.filter(pk=make_user("uusi").pk).update(id=number)
    removals = read_removals(destination)
    assert repeat_removals(removals, backup_at=now + DAY) == 0
    assert repeat_removals(removals, backup_at=now - DAY) == 1
    assert not User.objects.exists()


@pytest.mark.usefixtures("identity")
def test_removed_picture_is_removed_again(destination: Folder) -> None:
    now = timezone.now()
    picture = get_image_model().objects.create(title="Kasvot", is_decorative=True, file=upload(drawn()))
    name = picture.file.name
    picture.delete()
    export_removals(now=now)
    back = get_image_model().objects.create(title="Kasvot", is_decorative=True, file=upload(drawn()))
    get_image_model().objects.filter(pk=back.pk).update(file=name)
    assert repeat_removals(read_removals(destination), backup_at=now) == 1
    assert not get_image_model().objects.exists()


@pytest.mark.once
@pytest.mark.parametrize(
    "text", ["x\n", "2026-11-26T10:00:00 enquiry " + "0" * 64, "2026-11-26T10:00:00+00:00 page " + "0" * 64]
)
def test_damaged_list_of_removals_is_refused(text: str) -> None:
    with pytest.raises(BackupError, match=r"removals\.txt"):
        parse_removals(text, "removals.txt")
