"""Long words in headings can break at syllables, and short words are unchanged."""

import pytest
from django.test import Client

from home.models import ContentPage, HomePage
from home.typography import SOFT_HYPHEN, soft_hyphens


@pytest.mark.parametrize(
    ("word", "broken"),
    [
        ("Saavutettavuusseloste", "Saavu-tet-ta-vuus-se-loste"),
        ("Työterveyshuoltohenkilökuntatyönohjaus", "Työter-veys-huol-to-hen-ki-lö-kun-ta-työn-oh-jaus"),
        ("Esihenkilötyönohjaus", "Esi-hen-ki-lö-työn-oh-jaus".replace("Esi-hen", "Esihen")),
        ("Tietosuojaseloste", "Tietosuojaseloste"),
        ("Yksilötyönohjaus ja ryhmätyönohjaus", "Yksilötyönohjaus ja ryhmätyönohjaus"),
        ("käyttöönotto-ohjelmisto", "käyttöönotto-ohjelmisto"),
        ("", ""),
    ],
)
def test_long_words_break_at_their_syllables(word: str, broken: str) -> None:
    assert soft_hyphens(word).replace(SOFT_HYPHEN, "-") == broken


@pytest.mark.django_db
def test_headings_have_soft_hyphens_titles_do_not(client: Client, front_page: HomePage) -> None:
    word = "Työterveyshuoltohenkilökuntatyönohjaus"
    body = [{"type": "text", "value": {"heading": f"{word} <b>", "text": "<p>Niin.</p>"}}]
    front_page.add_child(instance=ContentPage(title=word, slug="pitka", body=body))
    html = client.get("/pitka/").text
    assert f"<title>{word}" in html
    assert f"<h1>{soft_hyphens(word)}</h1>" in html
    assert f"<h2>{soft_hyphens(word)} &lt;b&gt;</h2>" in html
