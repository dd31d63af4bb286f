"""The values that a valid form passes to the services, and its one-time submission id."""

import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from django.core import signing

from intake.choices import Kind

CONTACT_FORM, MAPPING_FORM, MAPPING_CHECK = "intake.form-token", "intake.mapping-start", "intake.mapping-check"
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
    """One opening of a form. `terms`: what its page said; None if its token does not tell."""

    submission_id: uuid.UUID
    opened_at: datetime
    terms: ShownTerms | None = None


def new_form_token(now: datetime, *, form: str = CONTACT_FORM, terms: ShownTerms | None = None) -> str:
    """Return a token for a form opened at `now` (aware). `form`: CONTACT_FORM, MAPPING_FORM or MAPPING_CHECK."""
    return form_token(FormOpening(submission_id=uuid.uuid4(), opened_at=now, terms=terms), form=form)


def form_token(opening: FormOpening, *, form: str = CONTACT_FORM) -> str:
    """Return a token that read_form_token() reads."""
    terms = [asdict(opening.terms)] if opening.terms else []
    return signing.dumps([opening.submission_id.hex, int(opening.opened_at.timestamp()), *terms], salt=form)


def read_form_token(token: str, *, form: str = CONTACT_FORM) -> FormOpening | None:
    """Return the content of a token of any age; None if this site did not sign it for this form."""
    try:
        submission_id, opened_at, *terms = signing.loads(token, salt=form)
    except signing.BadSignature:
        return None
    return FormOpening(
        submission_id=uuid.UUID(submission_id),
        opened_at=datetime.fromtimestamp(opened_at, UTC),
        terms=ShownTerms(**terms[0]) if terms else None,
    )


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
