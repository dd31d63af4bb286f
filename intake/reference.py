"""References: short, speakable, without meaning."""

import re
import secrets

# No characters that look or sound alike (0/O, 1/I/L, 2/Z, 5/S, 8/B, D/T, M/N, G/K, U/V/W), no vowels that make words.
ALPHABET = "34679CFHJKNPRTXY"
_LENGTH = 6


def new_reference() -> str:
    """Return a random reference such as "K7P-4XC" (16**6, about 17 million, possible ones)."""
    symbols = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
    return f"{symbols[:3]}-{symbols[3:]}"


def as_reference(text: str) -> str:
    """Return `text` as references are stored if it could be one ("k7p 4xc" -> "K7P-4XC"), else unchanged."""
    symbols = re.sub(r"[\s–-]", "", text).upper()
    if len(symbols) == _LENGTH and set(symbols) <= set(ALPHABET):
        return f"{symbols[:3]}-{symbols[3:]}"
    return text
