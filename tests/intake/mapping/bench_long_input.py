"""`make bench`: the cost of a post or a header grows linearly with its length.

The cost is processor time, compared with that of as many plain letters in the same field. A quadratic algorithm would
block the whole site: CPython, for example, sorts a run of combining marks in quadratic time.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from home.editors_text import hide_emails
from home.pause.wording import past_days
from home.typography import finnish_html, finnish_text, soft_hyphens, unbroken_html
from intake.models import Enquiry, InitialMapping, MappingPage
from intake.submission import ContactFacts, SpamSigns, read_form_token, reasons_to_suspect
from intake.typed_text import clean_line, clean_lines
from tests.accounts import make_user
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.visiting import ADDRESS, Visitor, letter, token
from tests.intake.waiting.visitors import joins, private_address, set_pause, wish

LENGTH = 30_000
WORST = {
    "marks": "a" + "\u0301\u0316" * (LENGTH // 2),
    "letters with marks": "e\u0323\u0302" * (LENGTH // 3),
    "ligatures": "\ufdfa" * LENGTH,
    "brackets": "[" * LENGTH,
    "digits": "1" * LENGTH,
    "an address without an end": "a." * (LENGTH // 2) + "@",
    "ats": "a@" * (LENGTH // 2),
    "days": "1.2. " * (LENGTH // 5),
    "codes": "131052- " * (LENGTH // 8),
    "spaces": "a" + " " * LENGTH + "b",
    "lines": "\r\n" * (LENGTH // 2),
}
# For forms with very many fields.
FEW = ("marks", "ligatures", "days", "codes")
# The accepted multiple of the plain letters' cost, and the tolerance of a measurement in seconds.
TIMES, STRAY = 8, 0.15


def cost(action: Callable[[], Any]) -> float:
    """Seconds of this thread's processor time that `action` takes."""
    start = time.thread_time()
    action()
    return time.thread_time() - start


def costs_more_than(limit: float, action: Callable[[], Any]) -> bool:
    """Return whether `action` exceeds `limit` each time: garbage collection may fall into one run, not into all."""
    return all(cost(action) >= limit for _ in range(4))


def bounded(action: Callable[[str], Any], *, names: Sequence[str] = tuple(WORST)) -> None:
    """Fail if `action` costs far more with one of the worst texts than with as many plain letters."""
    action("x")
    plain = cost(lambda: action("x" * LENGTH))
    for name in names:
        text = WORST[name]
        assert not costs_more_than(TIMES * plain + STRAY, lambda text=text: action(text)), name  # type: ignore[misc]


def fields_of(response: Any) -> list[str]:
    """The names of everything in the page's forms, hidden fields and buttons too."""
    soup = BeautifulSoup(response.content.decode(), "html.parser")
    controls = soup.select("main form [name]")
    return list(dict.fromkeys(str(control["name"]) for control in controls))


def test_every_field_of_the_contact_form_is_bounded(visitor: Visitor) -> None:
    names = fields_of(visitor.client.get(ADDRESS))
    assert {"name", "email", "phone", "message", "extra_line", "form_token", "delivery_modes"} <= set(names)
    for name in names:
        words = {"form_token": token(), **letter(name="")}
        bounded(lambda text, name=name, words=words: visitor.sends({**words, name: text}))  # type: ignore[misc]
    # Only names that were short, or became short by cleaning, were stored.
    assert all(len(enquiry.name) <= len("a b") for enquiry in Enquiry.objects.all())


def test_every_field_of_the_waiting_list_is_bounded(visitor: Visitor) -> None:
    set_pause()
    names = fields_of(visitor.client.get(ADDRESS))
    assert {"name", "message", "wants_mail"} <= set(names)
    for name in names:
        bounded(lambda text, name=name: joins(visitor, {**wish(name=""), name: text}))  # type: ignore[misc]


def test_every_field_of_the_mapping_is_bounded(begun: Answerer) -> None:
    for address, good in (
        (BEGIN, contact_facts(name="")),
        (begun.address("yhteystiedot"), contact_facts(name="")),
        (begun.address("vaihe/1"), ANSWERS[0]),
        (begun.address("vaihe/2"), ANSWERS[1]),
        (begun.address("vaihe/3"), ANSWERS[2]),
    ):
        names = fields_of(begun.client.get(address))
        assert len(names) > 2
        for name in names:
            words = {**good}

            def post(text: str, *, name: str = name, address: str = address, words: Any = words) -> None:
                begun.posts(address, {**words, name: text})

            bounded(post, names=FEW)
    assert "x" * 2000 not in str(InitialMapping.objects.values())


def test_waiting_list_answer_is_bounded(visitor: Visitor) -> None:
    set_pause()
    joins(visitor)
    address = private_address(Enquiry.objects.get())
    bounded(lambda text: visitor.client.post(address, {"answer": text}))


def test_every_field_of_the_tryout_is_bounded(mapping_page: MappingPage) -> None:
    kati = make_user("kati")
    kati.groups.add(Group.objects.get(name="Työnohjaaja"))
    client = Client()
    client.force_login(kati)
    mapping_page.save_revision()
    address = reverse("mapping_tryout", args=[mapping_page.pk])
    for name in ("carried", "place", "name", "q_muutos"):
        bounded(lambda text, name=name: client.post(address, {"place": "1", name: text}))  # type: ignore[misc]


@pytest.mark.parametrize(
    "header",
    ["Origin", "Referer", "Accept-Language", "Accept-Encoding", "If-None-Match", "User-Agent", "Cookie", "Range"],
)
def test_every_header_is_bounded(visitor: Visitor, header: str) -> None:
    plain = {key: text for key, text in WORST.items() if text.isascii() and text.isprintable()}
    baseline = cost(lambda: visitor.sends(letter(name=""), headers={header: "x" * LENGTH}))
    for name, text in plain.items():
        limit = TIMES * baseline + STRAY
        sent = lambda text=text: visitor.sends(letter(name=""), headers={header: text})  # type: ignore[misc]  # noqa: E731
        assert not costs_more_than(limit, sent), name


def test_the_query_and_the_path_are_bounded(visitor: Visitor) -> None:
    bounded(lambda text: visitor.client.get(ADDRESS, {"q": text[: LENGTH // 4]}))
    bounded(lambda text: visitor.client.get(f"{ADDRESS}{text[: LENGTH // 4]}/"))
    bounded(lambda text: visitor.client.get(f"/jatka/{text[: LENGTH // 4]}/"))


FACTS = ContactFacts(
    name="x", email="a@a.fi", supervision_form="group", delivery_modes=("online",), preferred_contact="email"
)
RULES: dict[str, Callable[[str], Any]] = {
    "hiding addresses": hide_emails,
    "typography": finnish_text,
    "soft hyphens": soft_hyphens,
    "cleaning lines": clean_lines,
    "cleaning a line": clean_line,
    "the form's token": read_form_token,
    "spam rules": lambda text: reasons_to_suspect(replace(FACTS, message=text), SpamSigns(seconds_open=9)),
}


@pytest.mark.parametrize("rule", RULES)
def test_text_rules_scale_roughly_linearly(rule: str) -> None:
    for name, text in {**WORST, "one word": "a" * LENGTH, "dashes": "-" * LENGTH, "dots": "." * LENGTH}.items():
        short = min(cost(lambda text=text: RULES[rule](text)) for _ in range(2))  # type: ignore[misc]
        long = cost(lambda text=text: RULES[rule](text * 4))  # type: ignore[misc]
        assert long < 4 * 2.5 * short + 0.1, f"{name}: {short:.3f} s, four times as long {long:.3f} s"


def test_past_days_search_is_bounded_in_time() -> None:
    now = timezone.now()
    bounded(lambda text: past_days(text.replace("<", ""), now=now))


@pytest.mark.parametrize(
    "repeated",
    [
        *("1-2 <a>", "1-2 <code>", "1-2 <!--", "1-2 <!---", "1-2 <a></a", "1-2 <script></style>", "<a><code>'"),
        *("1-2 <p", '1-2 <a x="', "1-2 <p '", "1<", "</a>1-2<a>", "123 ", "116 ", "12-"),
    ],
)
def test_unclosed_tags_cost_no_more_than_others(repeated: str) -> None:
    """A quadratic algorithm takes a minute here, not a second."""
    html = repeated * 20_000
    assert cost(lambda: unbroken_html(finnish_html(html))) < 5
