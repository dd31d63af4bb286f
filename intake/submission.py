"""What a checked form hands to the services: plain values and the one-time submission id."""

import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from django.core import signing

from intake.choices import Kind


@dataclass(frozen=True, kw_only=True)
class ContactFacts:
    """The typed facts that every kind of enquiry has. Texts are clean; choices are values of intake.choices."""

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
    """The exact words that stood around the form when it was sent (GDPR art. 13: what the person was told)."""

    warning: str = ""
    crisis_note: str = ""
    privacy: str = ""
    pause: str = ""
    # What the waiting list is, and the words of the box for mail on the return where it was ticked.
    waiting: str = ""
    consent: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class SpamSigns:
    """What the spam rules look at besides the words."""

    hidden_field: str = ""
    seconds_open: float
    source_known: bool = True


_SALT = "intake.form-token"


@dataclass(frozen=True, kw_only=True)
class FormOpening:
    """One opening of a form."""

    submission_id: uuid.UUID
    opened_at: datetime


def new_form_token(now: datetime) -> str:
    """Return a token for a form opened at `now` (aware)."""
    return signing.dumps([uuid.uuid4().hex, int(now.timestamp())], salt=_SALT)


def read_form_token(token: str) -> FormOpening | None:
    """Return what the token says, however old it is; None for a token that this site did not sign."""
    try:
        submission_id, opened_at = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return FormOpening(submission_id=uuid.UUID(submission_id), opened_at=datetime.fromtimestamp(opened_at, UTC))


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One form as it was sent.

    `further_words` are for the spam rules. `repeat_words` must be the same in a repeat, besides the facts.
    `wants_mail`: who joins the waiting list asks for mail on the return. `address_key` stands for the network address.
    """

    kind: Kind = Kind.CONTACT
    facts: ContactFacts
    further_words: str = ""
    repeat_words: str = ""
    wants_mail: bool = False
    opening: FormOpening
    signs: SpamSigns
    shown: ShownTexts
    address_key: str
