"""References: short, speakable, without meaning."""

import re
import secrets

from intake.typed_text import clean_line

# No characters that look or sound alike (0/O, 1/I/L, 2/Z, 5/S, 8/B, D/T, M/N, G/K, U/V/W), no vowels that make words.
ALPHABET = "34679CFHJKNPRTXY"
_LENGTH = 6


def new_reference() -> str:
    """Return a random reference such as "K7P-4XC" (16**6, about 17 million, possible ones)."""
    symbols = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
    return f"{symbols[:3]}-{symbols[3:]}"


# As people write one down or a mail's subject holds it: in either case, its halves together or apart.
_WRITTEN = re.compile(
    rf"(?<![^\W_])([{ALPHABET}]{{3}})[\s\u2010-\u2015\u2212_-]*([{ALPHABET}]{{3}})(?![^\W_])", re.IGNORECASE
)


def references_in(text: str) -> set[str]:
    """Return all that could be a reference in `text`, as references are stored ("re: k7p 4xc" -> {"K7P-4XC"})."""
    return {f"{match[1]}-{match[2]}".upper() for match in _WRITTEN.finditer(clean_line(text))}
