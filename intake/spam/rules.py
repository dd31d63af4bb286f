"""Rules that mark a message as suspicious. No rule rejects a message: each gives a reason for the supervisor."""

import re
import unicodedata
from collections.abc import Callable

from intake.choices import Reason
from intake.jobs.schedule import CLOCK_TOLERANCE
from intake.submission import ContactFacts, SpamSigns

# No person can fill in the form faster.
MIN_SECONDS = 2
# A form that was opened in the future was opened while the clock was wrong: that says nothing of its sender.
_WRONG_CLOCK_SECONDS = -CLOCK_TOLERANCE.total_seconds()
MAX_LINKS = 2
# Matches a whole URL, so that "https://www.esimerkki.com" is one link. The domain of an e-mail address is no link.
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s,;<>\[\]]*|(?<![@\w.-])[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|ru|xyz|top|shop|site|online|info|biz)\b"
    r"(?!@)(?:/\S*)?",
    re.I,
)
_ADDRESS = re.compile(r"https?://|www\.", re.I)
_MARKUP = re.compile(r"<a\s|\[url|\[link|href\s*=", re.I)
_SALES = re.compile(
    r"\b(?:seo|backlinks?|guest post|casino|crypto(?:currency)?|bitcoin|viagra|cialis|loan offer|escort"
    r"|rank(?:ing)?s? (?:on|in) google|first page of google|increase (?:your )?traffic|web ?design services"
    r"|dear (?:sir|website owner|business owner)|make money)\b",
    re.I,
)


def _mostly_foreign_script(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    if len(letters) < 20:
        return False
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return latin < len(letters) / 2


_RULES: dict[Reason, Callable[[ContactFacts, SpamSigns], bool]] = {
    Reason.HIDDEN_FIELD: lambda facts, signs: bool(signs.hidden_field.strip()),
    Reason.TOO_FAST: lambda facts, signs: _WRONG_CLOCK_SECONDS <= signs.seconds_open < MIN_SECONDS,
    Reason.UNKNOWN_SOURCE: lambda facts, signs: not signs.source_known,
    # Some organisations write their name as "www.firma.fi"; no person does.
    Reason.LINK_IN_NAME: lambda facts, signs: bool(_ADDRESS.search(facts.name)) or "://" in facts.organisation,
    Reason.MANY_LINKS: lambda facts, signs: len(_LINK.findall(facts.message)) > MAX_LINKS,
    Reason.MARKUP: lambda facts, signs: bool(_MARKUP.search(facts.message)),
    Reason.FOREIGN_SCRIPT: lambda facts, signs: _mostly_foreign_script(facts.message),
    Reason.SALES_PHRASES: lambda facts, signs: bool(_SALES.search(facts.message)),
}


def reasons_to_suspect(facts: ContactFacts, signs: SpamSigns) -> list[Reason]:
    """Return why this message looks like spam; [] if it does not."""
    return [reason for reason, applies in _RULES.items() if applies(facts, signs)]
