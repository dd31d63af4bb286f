"""Every enquiry page of the admin: Finnish, with the admin's security headers, and without external resources."""

import re

from django.test import Client

from intake.models import Enquiry
from tests.intake.desk.pages import LIST, address, suspicious
from tests.intake.waiting.admin.waiters import RETURN, WAITING, ahead, waiting

# An element that loads something by itself, with the address it loads.
LOADED = re.compile(r"<(?:script|img|iframe|source|audio|video|embed|object)\b[^>]*?\b(?:src|data)=\"([^\"]*)\"")
LINKED = re.compile(r"<link\b[^>]*?\bhref=\"([^\"]*)\"")


def test_enquiry_pages_have_language_headers_and_unique_ids(kati: Client, enquiry: Enquiry) -> None:
    odd = suspicious()
    waiting("Aino")
    second = waiting("Bertta", wants_mail=False)
    addresses = (
        "/admin/", LIST, address("inspect", enquiry), address("inspect", odd), address("delete", enquiry),
        address("inspect", second), WAITING, ahead(second), RETURN,
    )  # fmt: skip
    for path in addresses:
        response = kati.get(path)
        assert response.status_code == 200
        page = response.content.decode()
        assert re.search(r'<html[^>]*\blang="fi"', page), path
        ids = re.findall(r'<[a-z][^>]*?\sid="([^"]+)"', page)
        assert sorted(ids) == sorted(set(ids)), path
        # Nothing is loaded from elsewhere.
        loaded = LOADED.findall(page) + LINKED.findall(page)
        assert any(source.startswith("/static/") for source in loaded), path
        elsewhere = [source for source in loaded if re.match(r"(https?:)?//", source)]
        assert elsewhere == [], path
        headers = response.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self' 'unsafe-inline'" in policy
        assert "unsafe-eval" not in policy
        assert not re.search(r"https?:", policy)
        assert "private" in headers["Cache-Control"] or "no-store" in headers["Cache-Control"], path


def test_refusal_has_the_same_content_security_policy(editor: Client, enquiry: Enquiry) -> None:
    refusal = editor.get(address("inspect", enquiry))
    assert refusal.status_code == 403
    assert "default-src 'none'" in refusal.headers["Content-Security-Policy"]


def test_admin_fields_have_labels_and_errors(kati: Client, enquiry: Enquiry) -> None:
    page = kati.post(address("status", enquiry), {"version": 1, "status": "closed"}).content.decode()
    for name in ("status", "outcome", "note"):
        assert f'<label for="id_{name}"' in page
    outcome = re.search(r'<select[^>]*name="outcome"[^>]*>', page)
    assert outcome is not None
    assert 'aria-invalid="true"' in outcome[0]
    described = re.search(r'aria-describedby="([^"]*)"', outcome[0])
    assert described is not None
    assert f'id="{described[1]}"' in page
