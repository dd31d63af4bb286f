"""Many enquiries, as after years of use, for measuring costs that grow with their number."""

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.db import connection, transaction
from django.utils import timezone

from intake.choices import (
    Area,
    ContactPreference,
    DeliveryMode,
    Kind,
    MailPurpose,
    MailState,
    Outcome,
    Status,
    StepKind,
    SupervisionForm,
    Verdict,
)
from intake.enquiry.search import ALPHABET, search_values
from intake.mailbox import mailbox_key
from intake.models import Enquiry, EnquiryStep, InitialMapping, MailAttempt, OutgoingMail, WaitingPlace
from intake.submission import ContactFacts
from tests.intake.desk.mappings import ANSWERS, QUESTIONS


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "Aino Eino Åke Päivi Jyrki Öljynen Helvi Tuula Matti Maija Kerttu Väinö Sirkka Ilmari Eeva Heikki Ritva Jukka "
    "Anneli Pekka Liisa Timo Marjatta Kari Hilkka Seppo Raija Mikko Ulla Antti Pirjo Juha Tarja Sari Ville Ännä"
)
_LAST = _words(
    "Virtanen Korhonen Mäkinen Nieminen Mäkelä Hämäläinen Laine Heikkinen Koskinen Järvinen Lehtonen Lehtinen Saarinen "
    "Salminen Heinonen Niemi Heikkilä Kinnunen Salonen Turunen Salo Laitinen Tuominen Rantanen Karjalainen Jokinen "
    "Mattila Savolainen Lahtinen Ahonen Ojala Leppänen Väisänen Hiltunen Kallio Miettinen Pitkänen Öhman Åkerlund"
)
_PLACES = _words("Pori Rauma Ulvila Kankaanpää Huittinen Kokemäki Eura Säkylä Nakkila Harjavalta Turku Tampere")
_KINDS = ("perhekeskus", "seurakunta", "lukio", "kirjasto", "hoivakoti", "päiväkoti", "sosiaalitoimi", "nuorisotyö")
_WORDS = _words(
    "työryhmämme kaipaa tilaa ajatella yhdessä arjen kuormaa jaksamista ja rajoja olemme miettineet työnohjausta jo "
    "pitkään mutta vasta nyt se tuntuu ajankohtaiselta muutosten keskellä kiireen ja väsymyksen äärellä toivomme rauhaa"
)
# Weights: with a thousand enquiries, each filter finds a full page.
_STATUSES = {
    Status.CLOSED: 600, Status.NEW: 80, Status.IN_REVIEW: 80, Status.AWAITING_REPLY: 80, Status.MAPPING_SCHEDULED: 70,
    Status.OFFER_SENT: 70, Status.WAITING_LIST: 20,
}  # fmt: skip
_SUSPICIOUS, _UNSENT = 0.15, 0.06
_BATCH = 1000


def fill(count: int, *, now: datetime | None = None, seed: int = 1) -> None:
    """Add enquiries, with mails, history, places and mappings, until there are `count`."""
    moment = now or timezone.now()
    chance = random.Random(seed + Enquiry.objects.count())
    missing = iter(range(Enquiry.objects.count(), count))
    while numbers := list(islice(missing, _BATCH)):
        with transaction.atomic():
            _add(numbers, moment, chance)


def settle() -> None:
    """Run now what PostgreSQL's autovacuum does within minutes. Not possible in a transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _add(numbers: list[int], now: datetime, chance: random.Random) -> None:
    enquiries = Enquiry.objects.bulk_create(_enquiry(number, now, chance) for number in numbers)
    mails = OutgoingMail.objects.bulk_create(mail for one in enquiries for mail in _mails(one, chance))
    MailAttempt.objects.bulk_create(
        MailAttempt(
            mail=mail, attempted_at=mail.created_at, succeeded=not mail.failures, error="Refused" * mail.failures
        )
        for mail in mails
    )
    EnquiryStep.objects.bulk_create(
        EnquiryStep(
            enquiry=one, kind=StepKind.STATUS, changed_at=one.received_at, status=one.status, outcome=one.outcome
        )
        for one in enquiries
        if one.status != Status.NEW
    )
    InitialMapping.objects.bulk_create(
        InitialMapping(
            enquiry=one,
            submission_id=uuid.UUID(int=chance.getrandbits(128)),
            created_at=one.received_at,
            started_at=one.received_at,
            expires_at=one.received_at + timedelta(days=14),
            sent_at=one.received_at,
            question_set=QUESTIONS.as_json(),
            answers={**ANSWERS, "change": _sentences(chance, 60)},
        )
        for one in enquiries
        if one.payer
    )
    WaitingPlace.objects.bulk_create(
        WaitingPlace(
            enquiry=one,
            joined_at=one.received_at,
            rank=one.pk,
            wants_mail=True,
            mailbox_key=mailbox_key(one.email),
            confirmed_at=now - timedelta(days=3),
            reached_at=one.received_at,
        )
        for one in enquiries
        if one.status == Status.WAITING_LIST
    )


def _enquiry(number: int, now: datetime, chance: random.Random) -> Enquiry:
    first, last, place = chance.choice(_FIRST), chance.choice(_LAST), chance.choice(_PLACES)
    facts = ContactFacts(
        name=f"{first} {last}",
        email=f"{first}.{last}{number}@{place}.example".lower(),
        phone=f"+3585{chance.randrange(10**8):08}" if chance.random() < 0.7 else "",
        organisation=f"{place} {chance.choice(_KINDS)} {number % 97}" if chance.random() < 0.8 else "",
        supervision_form=chance.choice(SupervisionForm.values),
        delivery_modes=tuple(chance.sample(DeliveryMode.values, chance.randint(1, 2))),
        preferred_contact=chance.choice(ContactPreference.values),
        message=_sentences(chance, 120),
    )
    status = chance.choices(list(_STATUSES), list(_STATUSES.values()))[0]
    is_closed = status == Status.CLOSED
    is_mapping = chance.random() < 0.3
    kind = Kind.WAITING if status == Status.WAITING_LIST else Kind.MAPPING if is_mapping else Kind.CONTACT
    received_at = now - timedelta(minutes=5 * (number + 1))
    reference = _reference(number)
    return Enquiry(
        reference=reference,
        submission_id=uuid.UUID(int=chance.getrandbits(128)),
        content_digest=f"{chance.getrandbits(256):064x}",
        receipt=uuid.UUID(int=chance.getrandbits(128)),
        kind=kind,
        received_at=received_at,
        verdict=Verdict.QUARANTINED if chance.random() < _SUSPICIOUS else Verdict.ACCEPTED,
        status=status,
        outcome=chance.choice([one for one in Outcome.values if one != Outcome.SPAM]) if is_closed else "",
        closed_at=received_at + timedelta(minutes=2) if is_closed else None,
        remove_on=timezone.localdate(now) + timedelta(days=1 + number % 180) if is_closed else None,
        group_size=chance.randint(1, 20) if is_mapping else None,
        place=place if is_mapping else "",
        area=chance.choice(Area.values) if is_mapping else "",
        payer=chance.choice(("Työnantaja", "Minä itse", "Joku muu")) if is_mapping else "",
        shown_texts={"privacy": _sentences(chance, 60)},
        note=_sentences(chance, 10) if chance.random() < 0.3 else "",
        version=2,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in vars(facts).items()},
        **search_values(reference, facts),
    )


def _mails(enquiry: Enquiry, chance: random.Random) -> Iterator[OutgoingMail]:
    """Yield the confirmation and the notice, both sent or both refused."""
    failed = chance.random() < _UNSENT
    for purpose in (MailPurpose.CONFIRMATION, MailPurpose.NOTIFICATION):
        yield OutgoingMail(
            enquiry=enquiry,
            purpose=purpose,
            recipient=enquiry.email,
            subject="Viestisi on perillä",
            text=_sentences(chance, 150),
            html=f"<p>{_sentences(chance, 250)}</p>",
            message_id=f"<{chance.getrandbits(100)}@aijuu.fi>",
            state=MailState.FAILED if failed else MailState.SENT,
            failures=int(failed),
            created_at=enquiry.received_at,
            next_attempt_at=enquiry.received_at,
            sent_at=None if failed else enquiry.received_at,
        )


def _reference(number: int) -> str:
    """Return a unique reference for this number; consecutive numbers have no similar references."""
    mixed = number * 7_368_787 % len(ALPHABET) ** 6
    symbols = "".join(ALPHABET[mixed // len(ALPHABET) ** place % len(ALPHABET)] for place in range(6))
    return f"{symbols[:3]}-{symbols[3:]}"


def _sentences(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words)).capitalize() + "."
