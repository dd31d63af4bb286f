"""A repeated post is one enquiry, and a post with changed text is a new one."""

import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import IntegrityError
from django.utils import timezone

from intake.choices import Outcome, Status
from intake.enquiry.removal import remove_enquiry
from intake.enquiry.services import REPEAT_WINDOW
from intake.models import Enquiry, HashKey, OutgoingMail
from tests.intake.enquiries import give_status
from tests.intake.visiting import ADDRESS, ShownForm, Visitor, letter, page_text, token

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"


def reference_on(visitor: Visitor, sent: Any) -> str:
    """Return the reference on the thank-you page."""
    found = re.search(r"Viitenumerosi on (\S+)", page_text(visitor.client.get(sent["Location"])))
    assert found is not None
    return found[1]


def close(enquiry: Enquiry) -> Enquiry:
    return give_status(enquiry, Status.CLOSED, Outcome.NO_RESPONSE)


def test_enquiry_redirects_to_thanks_page_with_reference(visitor: Visitor) -> None:
    sent = visitor.sends()
    assert sent.status_code == 303
    enquiry = Enquiry.objects.get()
    thanks = visitor.client.get(sent["Location"])
    assert thanks.status_code == 200
    text = page_text(thanks)
    assert "Kiitos, viestisi on perillä" in text
    assert f"Viitenumerosi on {enquiry.reference}" in text
    assert "Mitä seuraavaksi tapahtuu?" in text


def test_every_field_is_stored(visitor: Visitor) -> None:
    visitor.sends()
    enquiry = Enquiry.objects.get()
    written = letter(phone="+358501234567")
    del written["extra_line"]
    assert {name: getattr(enquiry, name) for name in written} == written
    assert enquiry.kind == "contact"
    assert enquiry.status == "new"
    assert enquiry.verdict == "accepted"
    assert enquiry.verdict_reasons == []


def test_repeat_stores_and_sends_nothing(visitor: Visitor) -> None:
    words = letter(form_token=token())
    addresses = {visitor.sends(words)["Location"] for _ in range(4)}
    assert len(addresses) == 1
    assert Enquiry.objects.count() == 1
    assert sorted(OutgoingMail.objects.values_list("purpose", flat=True)) == ["confirmation", "notification"]


def test_repeat_ignores_spaces_and_phone_format(visitor: Visitor) -> None:
    opened = token()
    visitor.sends(letter(form_token=opened))
    visitor.sends(letter(form_token=opened, name=" Maija  Meikäläinen\u200b", phone="+358501234567"))
    assert Enquiry.objects.count() == 1


@pytest.mark.parametrize("changes", [{"message": "Unohdin sanoa: ma sopii."}, {"email": "toinen@esimerkki.fi"}])
def test_same_token_with_changed_text_stores_second(visitor: Visitor, changes: dict[str, str]) -> None:
    opened = token()
    first = visitor.sends(letter(form_token=opened))["Location"]
    second = visitor.sends(letter(form_token=opened, **changes))["Location"]
    assert first != second
    assert Enquiry.objects.count() == 2
    assert Enquiry.objects.filter(**changes).exists()


def test_repeat_from_new_form_is_deduplicated(visitor: Visitor) -> None:
    first = reference_on(visitor, visitor.sends(letter(form_token=token())))
    second = reference_on(visitor, visitor.sends(letter(form_token=token())))
    assert first == second
    assert Enquiry.objects.count() == 1
    assert sorted(OutgoingMail.objects.values_list("purpose", flat=True)) == ["confirmation", "notification"]


@pytest.mark.parametrize(
    "changes",
    [
        {"message": "Hei Kati, työryhmämme kaipaa tilaa."},
        {"email": "toinen@esimerkki.fi"},
        {"phone": "050 765 4321"},
        {"name": "Maija M."},
        {"organisation": ""},
        {"supervision_form": "undecided"},
        {"delivery_modes": ["online"]},
        {"preferred_contact": "email"},
    ],
)
def test_any_changed_field_stores_new_enquiry(visitor: Visitor, changes: dict[str, str | list[str]]) -> None:
    visitor.sends()
    visitor.sends(letter(**changes))
    assert Enquiry.objects.count() == 2


@pytest.mark.parametrize(("passed", "stored"), [(REPEAT_WINDOW - timedelta(seconds=1), 1), (REPEAT_WINDOW, 2)])
def test_repeat_after_window_is_new_enquiry(visitor: Visitor, passed: timedelta, stored: int) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        visitor.sends()
    with time_machine.travel(now + passed, tick=False):
        again = reference_on(visitor, visitor.sends())
        assert reference_on(visitor, visitor.sends()) == again
    assert Enquiry.objects.count() == stored


def test_repeat_after_closing_is_new_enquiry(visitor: Visitor) -> None:
    first = reference_on(visitor, visitor.sends())
    enquiry = Enquiry.objects.get()
    close(enquiry)
    second = reference_on(visitor, visitor.sends())
    assert second != first
    assert reference_on(visitor, visitor.sends()) == second
    assert Enquiry.objects.count() == 2


def test_unsuspicious_repeat_of_a_suspicious_enquiry_is_new(visitor: Visitor) -> None:
    suspicious = letter(extra_line="x")
    first = reference_on(visitor, visitor.sends(suspicious))
    assert reference_on(visitor, visitor.sends(suspicious)) == first
    second = reference_on(visitor, visitor.sends())
    assert second != first
    assert reference_on(visitor, visitor.sends(suspicious)) == second
    assert list(Enquiry.objects.order_by("pk").values_list("verdict", flat=True)) == ["quarantined", "accepted"]
    assert OutgoingMail.objects.filter(purpose="confirmation").count() == 1


def test_repeat_goes_to_newer_not_reopened_enquiry(visitor: Visitor) -> None:
    visitor.sends()
    enquiry = close(Enquiry.objects.get())
    second = reference_on(visitor, visitor.sends())
    give_status(enquiry, Status.NEW)
    assert reference_on(visitor, visitor.sends()) == second
    assert Enquiry.objects.count() == 2


def test_removed_enquiry_can_be_sent_again(visitor: Visitor) -> None:
    first = visitor.sends()["Location"]
    digest = Enquiry.objects.get().content_digest
    remove_enquiry(enquiry_id=Enquiry.objects.get().pk, now=timezone.now())
    for model in apps.get_app_config("intake").get_models():
        assert digest not in str(list(model._base_manager.values())), model
    assert visitor.sends()["Location"] != first
    assert Enquiry.objects.count() == 1


def test_content_digest_is_keyed_with_secret(visitor: Visitor) -> None:
    visitor.sends()
    first = Enquiry.objects.get()
    assert first.repeat_key == first.content_digest
    HashKey.objects.update(secret="another")
    visitor.sends()
    assert Enquiry.objects.exclude(pk=first.pk).get().content_digest != first.content_digest


def test_repeats_count_towards_rate_limit(visitor: Visitor, settings: Any) -> None:
    # Otherwise a stranger over the limit could find out what others wrote: only a repeat would be answered.
    settings.FORM_RATE_LIMIT = 1
    visitor.sends()
    curious = Visitor("203.0.113.9")
    assert curious.sends(letter(message="Jotakin aivan muuta.")).status_code == 303
    known, unknown = curious.sends(), curious.sends(letter(message="Tätä ei ole kirjoittanut kukaan."))
    assert known.status_code == unknown.status_code == 429


def test_database_constraint_rejects_duplicate_open_enquiry(visitor: Visitor) -> None:
    visitor.sends()
    copy = Enquiry.objects.get()
    copy.pk, copy.reference, copy.receipt, copy.submission_id = None, "AAA-AAA", uuid.uuid4(), uuid.uuid4()
    with pytest.raises(IntegrityError):
        copy.save(force_insert=True)


def test_reloading_thanks_page_stores_nothing(visitor: Visitor) -> None:
    thanks = visitor.sends()["Location"]
    pages = [page_text(visitor.client.get(thanks)) for _ in range(3)]
    assert pages[0] == pages[1] == pages[2]
    assert Enquiry.objects.count() == 1


def test_resend_with_same_token_gives_same_reference(visitor: Visitor) -> None:
    form = visitor.opens().values
    filled = {**letter(), "form_token": form["form_token"]}
    first = visitor.sends(filled)["Location"]
    assert visitor.sends(filled)["Location"] == first


def test_repeat_from_another_network_is_deduplicated(contact_page: object) -> None:
    words = letter(form_token=token())
    home, phone = Visitor("198.51.100.7"), Visitor("203.0.113.9")
    assert home.sends(words)["Location"] == phone.sends(words)["Location"]


def test_thanks_page_of_removed_enquiry_is_gone(visitor: Visitor) -> None:
    thanks = visitor.sends()["Location"]
    Enquiry.objects.all().delete()
    assert visitor.client.get(thanks).status_code == 404


def test_validation_error_keeps_form_url(visitor: Visitor) -> None:
    answer = visitor.sends(letter(name=""))
    assert "Location" not in answer
    forms = ShownForm.of(answer).soup.find_all("form")
    assert [form["action"] for form in forms] == [ADDRESS] == ["/ota-yhteytta/"]


def test_every_post_form_has_an_action() -> None:
    """Without `action`, a fragment stays in the URL, and the browser does not scroll to the error summary."""
    folders = [TEMPLATES / "components", *(TEMPLATES / "intake" / name for name in ("contact", "mapping"))]
    files = [
        *(path for folder in folders for path in folder.rglob("*.html")),
        *(TEMPLATES / "intake" / "waiting").glob("*.html"),
    ]
    forms = [form for path in files for form in re.findall(r"<form [^>]*method=\"post\"[^>]*>", path.read_text())]
    assert len(forms) > 5
    assert [form for form in forms if " action=" not in form] == []
