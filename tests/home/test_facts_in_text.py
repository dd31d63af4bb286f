"""{puhelin}, {sähköposti} and {nimi}: a fact that changes in the contact details changes in every text."""

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
    # The first content is loaded once for all tests, so it comes before these facts.
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
def test_any_spelling_is_the_number(mark: str) -> None:
    assert editors_html(f"<p>Soita {mark}.</p>").replace("\u00a0", " ") == f"<p>Soita {PHONE}.</p>"
    assert editors_text(f"Soita {mark}.").replace("\u00a0", " ") == "Soita 040 123 4567."


@pytest.mark.parametrize(
    "mark", ["{sähköposti}", "{Sähköpostiosoite}", unicodedata.normalize("NFD", "{sähköposti}")], ids=ascii
)
def test_address_becomes_a_link_that_harvesters_miss(mark: str) -> None:
    html = editors_html(f"<p>Kirjoita: {mark}</p>")
    assert "uusi@" not in html
    assert unescape(html) == '<p>Kirjoita: <a href="mailto:uusi@example.fi">uusi@example.fi</a></p>'


def test_a_name_is_no_markup() -> None:
    assert editors_html("<p>{nimi}</p>") == "<p>Kati &lt;K&gt; &amp; Co</p>"


def test_a_link_holds_words_only() -> None:
    html = editors_html('<p><a href="tel:112" title="{puhelin}">Soita <b>{puhelin}</b></a> {nimi}</p>')
    assert html.replace("\u00a0", " ") == (
        '<p><a href="tel:112" title="{puhelin}">Soita <b>040 123 4567</b></a> Kati &lt;K&gt; &amp; Co</p>'
    )


@pytest.mark.parametrize(
    "html",
    ["{<b>puhelin</b>}", "<b>{puhelin</b>}", "{<b>puhelin}</b>", "{<i><b>puhelin</b></i>}", "{puh<b>elin</b>}"],
)
def test_bold_inside_the_braces_is_no_mistake(html: str) -> None:
    shown = BeautifulSoup(editors_html(f"<p>Soita {html}.</p>"), "html.parser")
    assert shown.get_text().replace("\u00a0", " ") == "Soita 040 123 4567."
    assert shown.a is not None
    assert shown.a["href"] == "tel:+358401234567"


@pytest.mark.parametrize("text", ["{}", "{ }", "{muu}", "{puhelin", "puhelin}", "{0}", "{{x}}", "{puhe lin}", "{ä}"])
def test_other_braces_stay_as_typed(text: str) -> None:
    assert editors_html(f"<p>{text}</p>") == f"<p>{text}</p>"
    assert editors_text(text) == text


def test_what_is_not_filled_leaves_a_whole_sentence(details: ContactDetails) -> None:
    details.phone = details.email = details.person_name = ""
    details.save()
    assert editors_html("<p>{puhelin}, {sähköposti}, {nimi}</p>") == (
        "<p>(ei puhelinnumeroa), (ei sähköpostiosoitetta), (ei nimeä)</p>"
    )


def test_a_number_that_cannot_be_dialled_is_shown(details: ContactDetails) -> None:
    ContactDetails.objects.update(phone="kysy <Katilta>")
    assert editors_html("<p>{puhelin}</p>") == "<p>kysy &lt;Katilta&gt;</p>"


@pytest.mark.usefixtures("loaded_site")
@pytest.mark.parametrize("address", ["/tietosuoja/", "/saavutettavuus/"])
def test_a_changed_fact_changes_in_the_first_content(address: str, details: ContactDetails) -> None:
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


def test_every_place_of_a_page_knows_it(front_page: HomePage) -> None:
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
    # As search engines are told, too: the description and the questions.
    assert html.count("040") > 5


def test_pause_notice_knows_it() -> None:
    PauseNotice.objects.update(active=True, message="<p>Tauolla. Soita {puhelin}.</p>")
    assert PHONE in Client().get("/").text.replace("\u00a0", " ")


def test_editor_is_told_of_what_stands_for_nothing(front_page: HomePage, details: ContactDetails) -> None:
    def told(html: str) -> bool:
        page = ContentPage(title="K", slug="k", search_description="x", body=[("text", {"heading": "", "text": html})])
        return "home-fact-missing" in [finding.key for finding in page_findings(page)]

    assert not told("<p>{puhelin} {sähköposti} {nimi}</p>")
    assert not told("<p>{<b>puhelin</b>}</p>")
    assert told("<p>{puhlein}</p>")
    assert told('<p>{<a href="/x/">puhelin</a>}</p>')
    ContactDetails.objects.update(phone="")
    assert told("<p>{puhelin}</p>")
    assert not told("<p>{sähköposti}</p>")


@pytest.mark.parametrize("field", ["heading", "hero_caption", "hero_credit"])
def test_editor_is_told_of_it_in_every_field(field: str, front_page: HomePage) -> None:
    front_page.search_description = "x"
    setattr(front_page, field, "Soita {puhelim}")
    assert "home-fact-missing" in [finding.key for finding in page_findings(front_page)]


def test_address_in_plain_text_is_hidden(client: Client, front_page: HomePage) -> None:
    body = [("contact_card", {"heading": "Kirjoita {sähköposti}", "text": "<K> {sähköposti}"})]
    front_page.add_child(instance=ContentPage(title="Koe", slug="koe", body=body))
    page = client.get("/koe/").text
    assert "uusi@" not in page
    card = BeautifulSoup(page, "html.parser").select_one("main")
    assert card is not None
    assert "Kirjoita uusi@example.fi" in card.get_text()
    assert "<K> uusi@example.fi" in card.get_text()


def test_address_of_a_finnish_domain_is_hidden() -> None:
    assert "@" not in hide_emails("<p>Kirjoita kati@työnohjaus.fi.</p>")


def test_address_in_the_pause_notice_is_hidden(client: Client, front_page: HomePage) -> None:
    PauseNotice.objects.update_or_create(
        defaults={"active": True, "message": "<p>Kirjoita {sähköposti} tai muu@example.fi.</p>"}
    )
    page = client.get("/").text
    assert "uusi@" not in page
    assert "muu@" not in page
