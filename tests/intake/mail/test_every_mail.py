"""Rules for every mail of the site: one base template, no external resources, and a complete plain-text part."""

import html
import re
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from django.conf import settings

from home.models import ContactDetails, HomePage
from intake.mail.queue import _handling_by_purpose, plain_text
from intake.models import ContactPage, OutgoingMail
from tests.intake.mail.every_mail import EveryMail, every_mail
from tests.tools.accessibility.contrast import Colour, contrast

NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
TEMPLATES = Path(settings.BASE_DIR) / "templates" / "emails"
_LOADED = re.compile(
    r"<(img|link|script|iframe|object|video|audio)|\ssrc=|\sbackground=|url\(|@import|@font-face", re.I
)
_URL = re.compile(r"https?://\S+")
_COLOUR = re.compile(r"(?<![\w-])(color|background-color):\s*#([0-9a-f]{6})")


@pytest.fixture
def mails(contact_page: ContactPage) -> EveryMail:
    ContactDetails.objects.update(privacy_page=HomePage.objects.get(), response_time="Muutamassa arkipäivässä")
    return every_mail(NOW)


def _wrong(mails: EveryMail, check: Callable[[OutgoingMail], object]) -> dict[str, object]:
    return {name: found for name, mail in mails.items() if (found := check(mail))}


def test_every_purpose_has_a_mail(mails: EveryMail) -> None:
    assert {mail.purpose for mail in mails.values()} == set(_handling_by_purpose)


def test_every_html_mail_extends_the_base() -> None:
    parts = {"base", "button"}
    for path in TEMPLATES.glob("*.html"):
        assert path.stem in parts or 'extends "emails/' in path.read_text().partition("\n")[0], path.name
        assert (TEMPLATES / f"{path.stem}.txt").exists() or path.stem == "button", path.name


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_mails_are_well_formed(mails: EveryMail) -> None:
    for mail in mails.values():
        parser = _Balanced()
        parser.feed(mail.html)
        assert parser.open == []


def test_html_mails_load_nothing_from_outside(mails: EveryMail) -> None:
    assert _wrong(mails, lambda mail: _LOADED.findall(mail.html)) == {}


def test_html_mails_are_finnish_with_one_heading(mails: EveryMail) -> None:
    for name, mail in mails.items():
        soup = BeautifulSoup(mail.html, "html.parser")
        assert mail.html.startswith("<!doctype html>"), name
        assert soup.html["lang"] == "fi", name
        assert len(soup.find_all("h1")) == 1, name
        assert soup.h1.get_text(strip=True), name
        assert soup.title.get_text() == mail.subject, name
        assert all(table.get("role") == "presentation" for table in soup.find_all("table")), name
        assert "None" not in soup.get_text(), name


def test_html_mails_have_at_most_one_button(mails: EveryMail) -> None:
    for name, mail in mails.items():
        buttons = BeautifulSoup(mail.html, "html.parser").select("a.button__link")
        assert len(buttons) <= 1, name
        # Every mail that asks for an action has a button.
        assert buttons or mail.purpose in ("confirmation", "removal_notice"), name


def test_private_links_are_readable_beside_the_button(mails: EveryMail) -> None:
    seen = set()
    for name, mail in mails.items():
        soup = BeautifulSoup(mail.html, "html.parser")
        for button in soup.select("a.button__link"):
            if "salainen" in button["href"]:
                seen.add(mail.purpose)
                assert button["href"] in soup.get_text(), name
    assert {
        "confirmation",
        "mapping_link",
        "mapping_resume",
        "waiting_confirmation",
        "return_notice",
        "password_reset",
    } <= seen


def test_html_mail_has_every_link_of_the_text(mails: EveryMail) -> None:
    for name, mail in mails.items():
        links = {link["href"] for link in BeautifulSoup(mail.html, "html.parser").select("a[href^=http]")}
        assert links == set(_URL.findall(mail.text)), name


def test_text_mails_have_urls_on_their_own_lines(mails: EveryMail) -> None:
    assert (
        _wrong(mails, lambda m: [line for line in m.text.split("\n") if "://" in line and not _URL.fullmatch(line)])
        == {}
    )


def test_text_mails_have_no_odd_whitespace(mails: EveryMail) -> None:
    for name, mail in mails.items():
        assert "\n\n\n" not in mail.text, name
        assert [line for line in mail.text.split("\n") if line != line.strip()] == [], name
        assert mail.text == mail.text.strip() + "\n", name
        assert not re.search(r"[^\S\n]{2}|[^\S\n][.,:;]|\t|\r", mail.text), name


def test_text_mails_have_no_markup_or_entities(mails: EveryMail) -> None:
    assert (
        _wrong(mails, lambda mail: html.unescape(mail.text) != mail.text or re.findall(r"</?\w+>|[{}%]", mail.text))
        == {}
    )


def test_signature_is_only_in_mails_to_visitors(mails: EveryMail) -> None:
    signed = {
        mail.purpose for mail in mails.values() if "Ystävällisin terveisin\nKati, Aijuu työnohjaus\n" in mail.text
    }
    assert signed == {
        *("confirmation", "mapping_link", "mapping_resume", "waiting_confirmation", "waiting_link"),
        *("return_notice", "return_reminder", "still_waiting", "removal_notice"),
    }
    for mail in mails.values():
        foot = ("Ystävällisin terveisin", "050 534 8567", "kati.levola@aijuu.fi", "Tietosuojaseloste")
        for words in foot:
            assert (words in mail.text) == (mail.purpose in signed), (mail.purpose, words)
            assert (words in mail.html) == (mail.purpose in signed), (mail.purpose, words)


def _colour(text: str) -> Colour:
    return (int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16))


def test_contrast_is_sufficient_with_inverted_colours(mails: EveryMail) -> None:
    """Each text colour on its own background, unchanged and with every channel inverted."""
    page = mails["waiting_confirmation"].html
    pairs = {
        (_colour(found["color"]), _colour(found["background-color"]))
        for declarations in re.findall(r'style="([^"]*)"|\{([^{}]*)\}', page)
        if len(found := dict(_COLOUR.findall("".join(declarations)))) == 2
    }
    assert len(pairs) >= 6
    for text, background in pairs:
        assert contrast(text, background) >= 4.5
        inverted = [(255 - red, 255 - green, 255 - blue) for red, green, blue in (text, background)]
        assert contrast(*inverted) >= 4.5


def test_plain_text_removes_extra_whitespace() -> None:
    assert plain_text("\n  \nHei,  \n\n \n\n\nrivi\r\n\n") == "Hei,\n\nrivi\n"
    assert plain_text("1–\u20602 päivässä") == "1–2 päivässä\n"
