"""A phrase that Kati typed fits into the middle of a sentence, whatever its capital letters and punctuation."""

import pytest

from home.typography import in_sentence

PHRASES = {
    "Kahdessa arkipäivässä.": "kahdessa arkipäivässä",
    "kahdessa arkipäivässä": "kahdessa arkipäivässä",
    " Kahdessa \n arkipäivässä . ": "kahdessa arkipäivässä",
    "KAHDESSA päivässä!": "KAHDESSA päivässä",
    "”Muutaman päivän kuluessa.”": "muutaman päivän kuluessa",
    "Vastaan kahdessa päivässä.": "kahdessa päivässä",
    "Kati vastaa sinulle viikon kuluessa": "viikon kuluessa",
    "2 arkipv.": "2 arkipv",
    "3–4 päivässä...": "3–4 päivässä",
    "maanantaisin klo 12.30.": "maanantaisin klo 12.30",
    "Ä": "ä",
    "EU:n sisällä päivässä": "EU:n sisällä päivässä",
    "Vastausaika vaihtelee;": "vastausaika vaihtelee",
    "": "",
    " . ": "",
    "Vastaan.": "",
    "Saat vastauksen viikossa.": "viikossa",
}


@pytest.mark.once
@pytest.mark.parametrize("written", PHRASES)
def test_phrase_fits_into_a_sentence(written: str) -> None:
    assert in_sentence(written) == PHRASES[written]
    assert in_sentence(PHRASES[written]) in (PHRASES[written], "")
