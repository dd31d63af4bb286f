"""An enquiry that is removed in one tab while another saves it."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from intake.admin import mapping, review
from intake.models import Enquiry
from intake.services.removing import remove_enquiry
from tests.intake.admin.mappings import sent_after

POSTS = {
    "change_status": ("status", {"status": "in_review"}),
    "write_note": ("note", {"note": "Soitettu."}),
    "accept_quarantined": ("accept", {}),
    "write_preparation_notes": ("preparation", {"preparation_notes": "Kysy."}),
    "send_mapping_link": ("link", {}),
}


@pytest.mark.parametrize("service", POSTS)
def test_saving_what_another_tab_just_removed_is_not_found(
    kati: Client, loaded_site: None, enquiry: Enquiry, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    module = review if hasattr(review, service) else mapping
    original = getattr(module, service)
    if service == "write_preparation_notes":
        sent_after(enquiry)
        enquiry.refresh_from_db()

    def after_removal(**facts: Any) -> Any:
        remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
        return original(**facts)

    monkeypatch.setattr(module, service, after_removal)
    path, data = POSTS[service]
    response = kati.post(f"/admin/yhteydenotot/{path}/{enquiry.pk}/", {"version": enquiry.version, **data})
    assert response.status_code == 404
    assert not Enquiry.objects.exists()
