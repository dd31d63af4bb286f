"""An enquiry that is removed in one tab while another saves it."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from intake.desk import actions, enquiry_page
from intake.enquiry.removal import remove_enquiry
from intake.models import Enquiry
from tests.intake.desk.mappings import sent_after
from tests.intake.waiting.admin.waiters import put_on_list

POSTS = {
    "save_handling": ("status", {"status": "in_review", "note": "Soitettu."}),
    "change_status": ("spam", {}),
    "accept_quarantined": ("accept", {}),
    "save_preparation_notes": ("preparation", {"preparation_notes": "Kysy."}),
    "send_mapping_link": ("link", {}),
    "send_waiting_link": ("waiting-link", {}),
}


@pytest.mark.parametrize("service", POSTS)
def test_saving_concurrently_removed_enquiry_is_404(
    kati: Client, loaded_site: None, enquiry: Enquiry, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    module = next(one for one in (enquiry_page, actions) if hasattr(one, service))
    original = getattr(module, service)
    if service == "send_waiting_link":
        put_on_list(enquiry)
        enquiry.refresh_from_db()
    if service == "save_preparation_notes":
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
