"""A phrase that Kati has written for the middle of a sentence, in whatever way she wrote it."""

import re

# "Vastaan kahdessa päivässä": the sentence has its verb already.
_VERB = re.compile(
    r"^(?:(?:kati|minä)\s+)?(?:vastaan|vastaa|vastaamme|saat\s+vastauksen)(?:\s+(?:sinulle|viestiisi))?(?:\s+|$)",
    re.IGNORECASE,
)
_AROUND = " \t\r\n\u00a0.,;:!?…\"'”“’‘"


def in_sentence(phrase: str) -> str:
    """“Kahdessa arkipäivässä.” as “kahdessa arkipäivässä”, so that a sentence can go on and end by itself."""
    text = _VERB.sub("", " ".join(phrase.split()).strip(_AROUND)).strip(_AROUND)
    # "EU:n sisällä" and "A4" keep their capitals.
    is_a_word = text[:1].isupper() and (len(text) == 1 or text[1:2].islower())
    return text[:1].lower() + text[1:] if is_a_word else text
