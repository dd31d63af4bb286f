"""An enquiry that is removed in one tab while another tab saves it."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from intake.desk import actions, enquiry_page
from intake.enquiry.removal import remove_enquiry
from intake.models import Enquiry
from tests.intake.desk.mappings import sent_after
from tests.intake.desk.pages import address, words
from tests.intake.waiting.admin.waiters import put_on_list

GONE = "Yhteydenottoa ei enää ole"
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
    page = words(response)
    assert GONE in page
    # The page shows the typed text, so that it can be copied, if the form had any.
    written = data.get("note") or data.get("preparation_notes")
    assert ("Tämä jäi tallentamatta" in page) == bool(written)
    assert (written or GONE) in page
    assert not Enquiry.objects.exists()


@pytest.mark.parametrize("action", ["inspect", "status", "delete", "yhteenveto"])
def test_link_to_removed_enquiry_says_so(kati: Client, enquiry: Enquiry, action: str) -> None:
    link = address(action, enquiry)
    remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
    response = kati.get(link, follow=True)
    assert response.status_code == 404
    assert GONE in words(response)
    assert "Tämä jäi tallentamatta" not in words(response)


def test_reason_typed_for_removed_enquiry_is_shown(kati: Client, enquiry: Enquiry) -> None:
    remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
    response = kati.post(f"/admin/odotuslista/karkeen/{enquiry.pk}/", {"version": 1, "reason": "Kiire <b>työssä</b>"})
    assert response.status_code == 404
    assert GONE in words(response)
    assert "Kiire &lt;b&gt;työssä&lt;/b&gt;" in response.content.decode()
