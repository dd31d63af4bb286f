"""The placeholders {puhelin}, {sähköposti} and {nimi} show the current contact details in every text."""

import unicodedata
from html import unescape

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from home.editing import page_findings
from home.editors_text import editors_html, editors_text, hide_emails
from home.models import ContactDetails, ContentPage, HomePage, PauseNotice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def details(request: pytest.FixtureRequest) -> ContactDetails:
    # Loading the initial content stores contact details, so it must come before these are set.
    if "loaded_site" in request.fixturenames:
        request.getfixturevalue("loaded_site")
    details: ContactDetails = ContactDetails.load()
    details.phone, details.email, details.person_name = "0401234567", "uusi@example.fi", "Kati <K> & Co"
    details.save()
    return details


PHONE = '<a href="tel:+358401234567">040 123 4567</a>'


@pytest.mark.parametrize(
    "mark",
    [
        "{puhelin}",
        "{Puhelin}",
        "{ puhelin }",
        "{\u00a0puhelin\u00a0}",
        "{PUHELINNUMERO}",
        "{puhelinnumero}",
    ],
)
def test_every_spelling_of_phone_placeholder_is_replaced(mark: str) -> None:
    assert editors_html(f"<p>Soita {mark}.</p>").replace("\u00a0", " ") == f"<p>Soita {PHONE}.</p>"
    assert editors_text(f"Soita {mark}.").replace("\u00a0", " ") == "Soita 040 123 4567."


@pytest.mark.parametrize(
    "mark", ["{sähköposti}", "{Sähköpostiosoite}", unicodedata.normalize("NFD", "{sähköposti}")], ids=ascii
)
def test_email_placeholder_becomes_obfuscated_link(mark: str) -> None:
    html = editors_html(f"<p>Kirjoita: {mark}</p>")
    assert "uusi@" not in html
    assert unescape(html) == '<p>Kirjoita: <a href="mailto:uusi@example.fi">uusi@example.fi</a></p>'


def test_name_placeholder_is_escaped() -> None:
    assert editors_html("<p>{nimi}</p>") == "<p>Kati &lt;K&gt; &amp; Co</p>"


def test_placeholder_inside_link_becomes_plain_text() -> None:
    html = editors_html('<p><a href="tel:112" title="{puhelin}">Soita <b>{puhelin}</b></a> {nimi}</p>')
    assert html.replace("\u00a0", " ") == (
        '<p><a href="tel:112" title="{puhelin}">Soita <b>040 123 4567</b></a> Kati &lt;K&gt; &amp; Co</p>'
    )


@pytest.mark.parametrize(
    "html",
    ["{<b>puhelin</b>}", "<b>{puhelin</b>}", "{<b>puhelin}</b>", "{<i><b>puhelin</b></i>}", "{puh<b>elin</b>}"],
)
def test_placeholder_with_inline_tags_is_replaced(html: str) -> None:
    shown = BeautifulSoup(editors_html(f"<p>Soita {html}.</p>"), "html.parser")
    assert shown.get_text().replace("\u00a0", " ") == "Soita 040 123 4567."
    assert shown.a is not None
    assert shown.a["href"] == "tel:+358401234567"


@pytest.mark.parametrize("text", ["{}", "{ }", "{muu}", "{puhelin", "puhelin}", "{0}", "{{x}}", "{puhe lin}", "{ä}"])
def test_unknown_braces_are_unchanged(text: str) -> None:
    assert editors_html(f"<p>{text}</p>") == f"<p>{text}</p>"
    assert editors_text(text) == text


def test_empty_fact_shows_a_fallback(details: ContactDetails) -> None:
    details.phone = details.email = details.person_name = ""
    details.save()
    assert editors_html("<p>{puhelin}, {sähköposti}, {nimi}</p>") == (
        "<p>(ei puhelinnumeroa), (ei sähköpostiosoitetta), (ei nimeä)</p>"
    )


def test_unparsable_phone_is_shown_escaped(details: ContactDetails) -> None:
    ContactDetails.objects.update(phone="kysy <Katilta>")
    assert editors_html("<p>{puhelin}</p>") == "<p>kysy &lt;Katilta&gt;</p>"


@pytest.mark.usefixtures("loaded_site")
@pytest.mark.parametrize("address", ["/tietosuoja/", "/saavutettavuus/"])
def test_initial_content_follows_contact_details(address: str, details: ContactDetails) -> None:
    ContactDetails.objects.update(phone="0409876543", email="vaihdettu@example.fi", person_name="Kati Levola")
    main = BeautifulSoup(Client().get(address).content, "html.parser").select_one("main")
    assert main is not None
    assert "kati.levola@aijuu.fi" not in main.text
    assert "534" not in main.text
    assert main.select("a[href='mailto:vaihdettu@example.fi']")
    assert main.select("a[href='tel:+358409876543']")
    assert ("Kati Levola" in main.text) == (address == "/tietosuoja/")
    ContactDetails.objects.update(phone="", email="", person_name="")
    answer = Client().get(address)
    assert answer.status_code == 200
    assert "(ei sähköpostiosoitetta)" in answer.text
    assert "{" not in BeautifulSoup(answer.content, "html.parser").select_one("main").text  # type: ignore[union-attr]


def test_placeholders_work_in_every_page_field(front_page: HomePage) -> None:
    body = [
        ("text", {"heading": "Soita {puhelin}", "text": "<p>Kirjoita {sähköposti}</p>"}),
        ("faq", {"heading": "", "questions": [{"question": "Kuka on {nimi}?", "answer": "<p>Soita {puhelin}</p>"}]}),
        ("call_to_action", {"text": "Soita {puhelin}", "label": "Ota yhteyttä", "page": None}),
    ]
    page = ContentPage(title="Koe", slug="koe", body=body, intro="<p>{nimi}, {puhelin}</p>")
    front_page.add_child(instance=page)
    html = Client().get("/koe/").text
    assert "{" not in BeautifulSoup(html, "html.parser").text.replace("{}", "") or "puhelin}" not in html
    for mark in ("{puhelin}", "{sähköposti}", "{nimi}"):
        assert mark not in html
    # The meta description and the structured data contain the number, too.
    assert html.count("040") > 5


def test_placeholder_works_in_pause_notice() -> None:
    PauseNotice.objects.update(active=True, message="<p>Tauolla. Soita {puhelin}.</p>")
    assert PHONE in Client().get("/").text.replace("\u00a0", " ")


def test_editor_reports_unresolved_placeholder(front_page: HomePage, details: ContactDetails) -> None:
    def is_reported(html: str) -> bool:
        page = ContentPage(title="K", slug="k", search_description="x", body=[("text", {"heading": "", "text": html})])
        return "home-fact-missing" in [finding.key for finding in page_findings(page)]

    assert not is_reported("<p>{puhelin} {sähköposti} {nimi}</p>")
    assert not is_reported("<p>{<b>puhelin</b>}</p>")
    assert is_reported("<p>{puhlein}</p>")
    assert is_reported('<p>{<a href="/x/">puhelin</a>}</p>')
    ContactDetails.objects.update(phone="")
    assert is_reported("<p>{puhelin}</p>")
    assert not is_reported("<p>{sähköposti}</p>")


@pytest.mark.parametrize("field", ["heading", "hero_caption", "hero_credit"])
def test_editor_checks_placeholders_in_every_field(field: str, front_page: HomePage) -> None:
    front_page.search_description = "x"
    setattr(front_page, field, "Soita {puhelim}")
    assert "home-fact-missing" in [finding.key for finding in page_findings(front_page)]


def test_email_in_plain_text_is_obfuscated(client: Client, front_page: HomePage) -> None:
    body = [("contact_card", {"heading": "Kirjoita {sähköposti}", "text": "<K> {sähköposti}"})]
    front_page.add_child(instance=ContentPage(title="Koe", slug="koe", body=body))
    page = client.get("/koe/").text
    assert "uusi@" not in page
    card = BeautifulSoup(page, "html.parser").select_one("main")
    assert card is not None
    assert "Kirjoita uusi@example.fi" in card.get_text()
    assert "<K> uusi@example.fi" in card.get_text()


def test_email_with_non_ascii_domain_is_obfuscated() -> None:
    assert "@" not in hide_emails("<p>Kirjoita kati@työnohjaus.fi.</p>")


def test_email_in_pause_notice_is_obfuscated(client: Client, front_page: HomePage) -> None:
    PauseNotice.objects.update_or_create(
        defaults={"active": True, "message": "<p>Kirjoita {sähköposti} tai muu@example.fi.</p>"}
    )
    page = client.get("/").text
    assert "uusi@" not in page
    assert "muu@" not in page
