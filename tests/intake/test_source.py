"""Cross-site posts are refused by the browser's source headers, and the refused form keeps its text."""

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from intake.choices import Reason
from intake.models import ContactPage, Enquiry
from tests.intake.visiting import ADDRESS, ShownForm, Visitor, letter

OWN = "http://testserver"
FOREIGN = "https://evil.example"
ACCEPTED: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": OWN, "Referer": f"{OWN}{ADDRESS}"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": OWN},
    {"Origin": OWN, "Referer": FOREIGN},
    {"Referer": f"{OWN}{ADDRESS}"},
    {"Origin": "null", "Referer": f"{OWN}{ADDRESS}"},
    {},
]
FORGED: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": OWN, "Referer": OWN},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "anything-new"},
    {"Origin": FOREIGN},
    {"Origin": FOREIGN, "Referer": OWN},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://testserver@evil.example"},
    {"Origin": "http://["},
    {"Origin": "file://"},
    {"Referer": f"{FOREIGN}/?{OWN}"},
    {"Origin": "null", "Referer": FOREIGN},
]
HIDDEN: list[dict[str, str]] = [{"Origin": "null"}, {"Origin": "null", "Referer": ""}, {"Origin": ""}]


@pytest.mark.parametrize("headers", ACCEPTED)
def test_a_post_from_our_own_page_is_accepted(visitor: Visitor, headers: dict[str, str]) -> None:
    assert visitor.sends(headers=headers).status_code == 303
    assert not Enquiry.objects.get().is_quarantined


@pytest.mark.parametrize("headers", FORGED)
def test_cross_site_post_stores_nothing_and_keeps_input(visitor: Visitor, headers: dict[str, str]) -> None:
    returned = ShownForm.of(answer := visitor.sends(headers=headers))

    assert answer.status_code == 403
    assert not Enquiry.objects.exists()
    assert returned.title.startswith("Virhe:")
    assert returned.notice.startswith("Lomake tuli toiselta sivustolta. Tekstisi on yhä tässä")
    assert returned.words == letter()
    assert visitor.sends(returned.values).status_code == 303


def test_invalid_cross_site_post_stores_nothing(visitor: Visitor) -> None:
    assert visitor.sends(letter(name=""), headers={"Origin": FOREIGN}).status_code == 403
    assert not Enquiry.objects.exists()


@pytest.mark.parametrize("headers", HIDDEN)
def test_unknown_source_is_stored_as_suspicious(visitor: Visitor, headers: dict[str, str]) -> None:
    assert visitor.sends(headers=headers).status_code == 303
    assert Enquiry.objects.get().verdict_reasons == [Reason.UNKNOWN_SOURCE]


def test_csrf_exempt_views_are_pages_and_private_links() -> None:
    public = [pattern for pattern in get_resolver().url_patterns if str(pattern.pattern) != "admin/"]
    assert len(public) == len(get_resolver().url_patterns) - 1
    # A forger would have to know the private address itself.
    private = {f"mapping_{place}" for place in ("resume", "facts", "step", "check", "later", "done")}
    private |= {"own_copy", "own_copy_file", "waiting_answer", "private_link", "damaged_private_link"}
    assert _exempt(public) == {"wagtail_serve", *private}


def _exempt(patterns: list[Any]) -> set[str]:
    names: set[str] = set()
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            names |= _exempt(pattern.url_patterns)
        elif getattr(pattern.callback, "csrf_exempt", False):
            names.add(str(pattern.name))
    return names


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_page_without_form_refuses_post(contact_page: ContactPage, method: str) -> None:
    assert getattr(Client(enforce_csrf_checks=True), method)("/").status_code == 405


def test_post_to_thanks_page_stores_nothing(visitor: Visitor) -> None:
    thanks = visitor.sends()["Location"]
    answer = visitor.client.post(thanks, letter(), headers=visitor.headers)
    assert (answer.status_code, answer["Location"]) == (303, thanks)
    assert Enquiry.objects.get().address_confirmed_at is None
    assert visitor.client.get(thanks).status_code == 200
