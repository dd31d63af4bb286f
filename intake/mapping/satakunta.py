"""Which places are in Satakunta, where the supervisor meets people face to face."""

from intake.choices import Area

# The municipalities of 2026 and those merged into them since 2000, which people still name.
_MUNICIPALITIES = frozenset(
    {
        "eura", "eurajoki", "harjavalta", "huittinen", "jämijärvi", "kankaanpää", "karvia", "kokemäki", "merikarvia",
        "nakkila", "pomarkku", "pori", "rauma", "siikainen", "säkylä", "ulvila",
        "honkajoki", "kiukainen", "kodisjoki", "kullaa", "köyliö", "lavia", "luvia", "noormarkku", "vampula",
    }
)  # fmt: skip
# "Satakunta", "Satakunnassa", "satakuntalainen".
_REGION = "satakun"


def area_of(place: str) -> Area | None:
    """Return whether a place that was written is in Satakunta; None for none.

    Several places ("Pori ja Tampere") are in Satakunta if one is: a hint must not be given wrongly.
    """
    words = [word.strip(".,;:()").casefold() for word in place.replace("/", " ").replace("-", " ").split()]
    if not any(words):
        return None
    return Area.SATAKUNTA if any(_is_there(word) for word in words) else Area.ELSEWHERE


def _is_there(word: str) -> bool:
    """Whether a word is such a place, or one of its forms in which people answer "where" ("Porissa", "Raumalla")."""
    return word.startswith(_REGION) or any(
        word == name or (word.startswith(stem) and word.removeprefix(stem) in _ENDINGS)
        for name in _MUNICIPALITIES
        for stem in _stems(name)
    )


_ENDINGS = frozenset(
    {"ssa", "ssä", "sta", "stä", "lla", "llä", "lta", "ltä", "n", "an", "on", "en", "in", "ista", "issa"}
)
_STEMS = {
    "harjavalta": "harjavalla", "huittinen": "huittisi", "jämijärvi": "jämijärve", "kankaanpää": "kankaanpää",
    "kokemäki": "kokemäe", "nakkila": "nakkila", "pomarkku": "pomarku", "siikainen": "siikaisi",
    "eurajoki": "eurajoe", "honkajoki": "honkajoe", "kiukainen": "kiukaisi", "kodisjoki": "kodisjoe",
    "noormarkku": "noormarku",
}  # fmt: skip


def _stems(name: str) -> tuple[str, ...]:
    return (name, _STEMS[name]) if name in _STEMS else (name,)
