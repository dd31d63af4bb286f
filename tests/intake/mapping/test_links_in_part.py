"""A private link copied with extra or missing characters is repaired, or its page tells what to check."""

import logging
import re
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from aijuu_site.logs import message_of
from intake.mail.queue import new_secret
from intake.models import Enquiry, InitialMapping
from tests.intake.mapping.answering import ANSWERS, Answerer
from tests.intake.visiting import Visitor, page_text
from tests.intake.waiting.visitors import joins, private_address, set_pause

PRIVATE_HEADERS = {
    "Cache-Control": "no-store, private",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}
ADVICE = "arkista, että koko linkki tuli mukaan"


PLACES = ("", "vaihe/2/", "tarkista/")


def test_characters_copied_with_a_link_are_removed(begun: Answerer) -> None:
    for end in (
        ")", ",", ">", ".", "”", " ", ").", "%20", "%3E", "%2520", "&gt;", "\u200b", "*", "\n", ">,", "//",
    ):  # fmt: skip
        for place in PLACES:
            address = begun.address() + place
            answer = begun.client.get(quote(address, safe="/") + (end if end.startswith("%") else quote(end)))
            assert (answer.status_code, answer["Location"]) == (302, address), (place, end)
            assert answer["Referrer-Policy"] == "no-referrer"
            assert "no-store" in answer["Cache-Control"]


def test_damaged_link_without_trailing_slash_redirects(begun: Answerer) -> None:
    for damaged in ("<{}>", "({})/", "{}).", "{}", " {}", "{}/)/", "*{}*"):
        answer = begun.client.get("/jatka/" + quote(damaged.format(begun.secret)))
        assert (answer.status_code, answer["Location"]) == (302, begun.address()), damaged


def test_link_with_a_line_break_is_joined(begun: Answerer) -> None:
    broken = begun.secret[:20] + "\r\n " + begun.secret[20:]
    assert begun.client.get(f"/jatka/{quote(broken)}/")["Location"] == begun.address()


def test_waiting_list_link_is_repaired_too(visitor: Visitor) -> None:
    set_pause()
    joins(visitor)
    address = private_address(Enquiry.objects.get(), timezone.now())
    assert Client().get(quote(address + ").")).headers["Location"] == address


def test_step_post_without_trailing_slash_is_stored(begun: Answerer) -> None:
    begun.sends_step(1, ANSWERS[0])
    version = begun.version()
    answer = begun.posts(begun.address("vaihe/2").rstrip("/"), {"version": version, **ANSWERS[1]})
    assert answer.status_code == 303
    assert InitialMapping.objects.get().answers["muutos"] == "Lisää tilaa ajatella."


def test_link_repair_keeps_the_query(begun: Answerer) -> None:
    assert begun.client.get(begun.address("vaihe/1") + ")?tarkista")["Location"].endswith("/vaihe/1/?tarkista")


def test_unrepairable_link_tells_what_to_check(begun: Answerer) -> None:
    for damaged in ("{}ja", "{}/muu/", "{}/)/vaihe/1/", ")", "{}/vaihe/x/"):
        answer = begun.client.get("/jatka/" + quote(damaged.format(begun.secret), safe="%/"), follow=True)
        assert answer.status_code == 404, damaged
        assert ADVICE in page_text(answer), damaged
    assert begun.client.get("/jatka/%00x", follow=True).status_code in (400, 404)


@pytest.mark.parametrize("place", ["", "odotuslista/"])
def test_truncated_link_tells_what_to_check(begun: Answerer, place: str) -> None:
    answer = begun.client.get(f"/jatka/{new_secret()[:30]}/{place}")
    assert answer.status_code == 404
    assert ADVICE in page_text(answer)


ODD_PREFIXES = ["//jatka/", "/Jatka/", "/JATKA/", "///jatka//", "//Jatka/"]


def at_odd_address(answerer: Answerer, method: str, path: str, **data: Any) -> Any:
    """Request a path unchanged; the test client would take the text after two slashes for a host."""
    return getattr(answerer.client, method)("/", **data, PATH_INFO=path)


def test_odd_private_prefix_redirects(begun: Answerer) -> None:
    for prefix in ODD_PREFIXES:
        for place in PLACES:
            answer = at_odd_address(begun, "get", f"{prefix}{begun.secret}/{place}")
            assert (answer.status_code, answer["Location"]) == (302, begun.address() + place), (prefix, place)
            assert {name: answer[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS


def test_unknown_link_under_odd_prefix_stays_private(begun: Answerer) -> None:
    for prefix in ODD_PREFIXES:
        answer = at_odd_address(begun, "get", f"{prefix}{begun.secret}/muu/")
        assert answer.status_code == 404, prefix
        assert ADVICE in answer.content.decode(), prefix
        assert {name: answer[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS


def test_post_to_odd_private_prefix_is_stored(begun: Answerer) -> None:
    begun.sends_step(1, ANSWERS[0])
    data = {"version": begun.version(), **ANSWERS[1]}
    answer = at_odd_address(begun, "post", f"//Jatka/{begun.secret}/vaihe/2/", data=data, headers=begun.headers)
    assert answer.status_code == 303
    assert InitialMapping.objects.get().answers["muutos"] == "Lisää tilaa ajatella."


def test_path_starting_like_prefix_is_ordinary_404(begun: Answerer) -> None:
    answer = begun.client.get("/jatkaminen/")
    assert answer.status_code == 404
    assert "X-Robots-Tag" not in answer


@pytest.mark.parametrize("prefix", ["/jatka/", *ODD_PREFIXES])
@pytest.mark.parametrize("before", ["", "<", " ", "/", "(", "%3C"])
def test_logs_hide_the_secret_of_odd_links(before: str, prefix: str) -> None:
    secret: Any = new_secret()
    record = logging.LogRecord("x", logging.ERROR, "", 1, "Error: %s", (f"{prefix}{before}{secret})/vaihe/2/",), None)
    assert message_of(record) == f"Error: {re.sub('/+$', '/', prefix)}…/vaihe/2/"
