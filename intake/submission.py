"""One sent form: its one-time submission id, the values that it passes to the services, and the spam rules.

No spam rule rejects a message. A rule gives a reason, which the supervisor sees.
"""

import re
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from django.core import signing

from intake.choices import Kind, Reason
from intake.jobs.schedule import CLOCK_TOLERANCE

CONTACT_FORM, MAPPING_FORM = "intake.form-token", "intake.mapping-start"
# The field with the signed terms that the page showed. On a reload the forms' script restores the form token, but not
# this field.
SHOWN_FIELD, _SHOWN = "shown", "intake.shown-terms"
# The field that marks a test letter, which the site sends to itself (intake.proof).
PROOF_FIELD = "proof_mark"
_PROOF, _PROOF_SECONDS = "intake.proof-mark", 600


@dataclass(frozen=True, kw_only=True)
class ContactFacts:
    """The fields that every kind of enquiry has. Texts are cleaned; choices are values of intake.choices."""

    name: str
    email: str
    phone: str = ""
    organisation: str = ""
    supervision_form: str
    delivery_modes: tuple[str, ...]
    preferred_contact: str
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class ShownTexts:
    """The exact texts shown with the form when it was sent (GDPR art. 13: the information given)."""

    warning: str = ""
    crisis_note: str = ""
    privacy: str = ""
    pause: str = ""
    # The description of the waiting list, and the label of the checkbox for mail on the return if it was ticked.
    waiting: str = ""
    consent: str = ""


@dataclass(frozen=True, kw_only=True)
class SpamSigns:
    """What the spam rules check besides the texts."""

    hidden_field: str = ""
    seconds_open: float
    source_known: bool = True


@dataclass(frozen=True, kw_only=True)
class ShownTerms:
    """The terms that a page showed beside its form: how long details are kept, and the pause notice ("" for none)."""

    retention_months: int
    spam_days: int
    waiting_months: int
    pause: str


@dataclass(frozen=True, kw_only=True)
class FormOpening:
    """One opening of a form."""

    submission_id: uuid.UUID
    opened_at: datetime


def new_form_token(now: datetime, *, form: str = CONTACT_FORM) -> str:
    """Return a token for a form opened at `now` (aware). `form`: CONTACT_FORM or MAPPING_FORM."""
    return signing.dumps([uuid.uuid4().hex, int(now.timestamp())], salt=form)


def read_form_token(token: str, *, form: str = CONTACT_FORM) -> FormOpening | None:
    """Return the content of a token of any age; None if this site did not sign it for this form."""
    try:
        submission_id, opened_at = signing.loads(token, salt=form)
    except signing.BadSignature:
        return None
    return FormOpening(submission_id=uuid.UUID(submission_id), opened_at=datetime.fromtimestamp(opened_at, UTC))


def signed_terms(terms: ShownTerms) -> str:
    """Return the value of SHOWN_FIELD, which read_terms() reads."""
    return signing.dumps(asdict(terms), salt=_SHOWN)


def read_terms(text: str) -> ShownTerms | None:
    """Return the terms in the value of SHOWN_FIELD; None if this site did not sign it."""
    try:
        return ShownTerms(**signing.loads(text, salt=_SHOWN))
    except signing.BadSignature:
        return None


def new_proof_mark(opening: FormOpening) -> str:
    """Return the mark that makes a post with the token of this opening a test letter."""
    return signing.dumps(opening.submission_id.hex, salt=_PROOF)


def is_proof_mark(mark: str, opening: FormOpening) -> bool:
    """Return whether the post is a test letter: this site made the mark for this opening in the last ten minutes."""
    try:
        return bool(signing.loads(mark, salt=_PROOF, max_age=_PROOF_SECONDS) == opening.submission_id.hex)
    except signing.BadSignature:
        return False


@dataclass(frozen=True, kw_only=True)
class FormEntry:
    """The content of a valid form with contact facts, its opening, and what the spam rules check besides."""

    facts: ContactFacts
    opening: FormOpening
    signs: SpamSigns


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One sent form.

    `other_text`: the text that the spam rules check if there is no message. `repeat_text`: text that must be the same,
    like the facts, for a later post to be a repeat. `wants_mail`: the sender joins the waiting list and wants mail on
    the return. `address_key`: the keyed hash of the network address. `is_proof`: the site's own test letter.
    """

    kind: Kind = Kind.CONTACT
    facts: ContactFacts
    other_text: str = ""
    repeat_text: str = ""
    wants_mail: bool = False
    opening: FormOpening
    signs: SpamSigns
    shown: ShownTexts
    address_key: str
    is_proof: bool = False


# No person can fill in the form faster.
MIN_SECONDS = 2
# An opening time further in the future comes from a wrong clock, so it is no sign of spam.
_WRONG_CLOCK_SECONDS = -CLOCK_TOLERANCE.total_seconds()
MAX_LINKS = 2
# Matches a whole URL, so that "https://www.esimerkki.com" is one link. Does not match the domain of an e-mail address.
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
