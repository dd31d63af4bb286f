"""The values that a valid form passes to the services, and its one-time submission id."""

import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from django.core import signing

from intake.choices import Kind

CONTACT_FORM, MAPPING_FORM = "intake.form-token", "intake.mapping-start"
# The field of the terms that a page showed. The forms' script keeps a form's token over a reload, but not this.
SHOWN_FIELD, _SHOWN = "shown", "intake.shown-terms"
# The field of a post that the site sends to itself (intake.proof).
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
    """What a page said beside its form: how long details are kept at most, and the pause ("" for none)."""

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
    """Return what the page of a form said; None if this site did not sign it."""
    try:
        return ShownTerms(**signing.loads(text, salt=_SHOWN))
    except signing.BadSignature:
        return None


def new_proof_mark(opening: FormOpening) -> str:
    """Return the mark by which a post with the token of this opening is a test letter."""
    return signing.dumps(opening.submission_id.hex, salt=_PROOF)


def is_proof_mark(mark: str, opening: FormOpening) -> bool:
    """Return whether this site made the mark for this opening, a few minutes ago. Any other post is a letter."""
    try:
        return bool(signing.loads(mark, salt=_PROOF, max_age=_PROOF_SECONDS) == opening.submission_id.hex)
    except signing.BadSignature:
        return False


@dataclass(frozen=True, kw_only=True)
class FormEntry:
    """What a valid form with contact facts was filled in with, and how."""

    facts: ContactFacts
    opening: FormOpening
    signs: SpamSigns


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One sent form.

    `other_text`: other texts for the spam rules. `repeat_text`: texts that, besides the facts, are the same in a
    repeat. `wants_mail`: the sender joins the waiting list and wants mail on the return. `address_key`: the keyed hash
    of the network address. `is_proof`: a test letter of the site's own.
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
