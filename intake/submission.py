"""What a checked form hands to the services: plain values, no form, no request."""

from dataclasses import asdict, dataclass


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
