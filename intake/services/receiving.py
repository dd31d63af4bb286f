"""Taking an enquiry in: everything in one transaction, once."""

import json
import uuid
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from home.email_address import readable_address
from home.pause import PauseStatus
from intake.choices import Kind, Status, Verdict
from intake.form_token import FormOpening
from intake.jobs.schedule import CLOCK_TOLERANCE, is_from_future
from intake.keyed_hash import keyed_hash
from intake.models.enquiry import Enquiry
from intake.models.settings import IntakeSettings
from intake.models.traces import PostingTrace
from intake.reference import new_reference
from intake.services.joining import join
from intake.services.locks import lock_receiving
from intake.services.queueing import queue_mails
from intake.spam.rules import reasons_to_suspect
from intake.submission import ContactFacts, ShownTexts, SpamSigns

LIMIT_WINDOW = timedelta(hours=1)
REPEAT_WINDOW = timedelta(days=1)


class TooManyPosts(Exception):
    """The address has sent its share for now; nothing was stored."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("too many posts")
        self.retry_after = retry_after


def receive_enquiry(
    *,
    kind: Kind = Kind.CONTACT,
    facts: ContactFacts,
    further_words: str = "",
    repeat_words: str = "",
    wants_mail: bool = False,
    opening: FormOpening,
    signs: SpamSigns,
    shown: ShownTexts,
    address_key: str,
    pause: PauseStatus,
    now: datetime,
) -> Enquiry:
    """Store an enquiry and queue its mails; a repeat returns the first one.

    A repeat is the same facts, each of them, from the same form at any time; or from any form within a day while the
    first one is open: who goes back may be given a new form with the old words in it. The latter counts towards the
    limit as any post does, so that nobody learns by trying whether somebody else has written these words. Who tries
    again after being held suspicious, and now is not, has sent a new one.

    `further_words` are for the spam rules; `repeat_words` say what else must be the same in a repeat. An enquiry of the
    kind WAITING gets the last place in the waiting list, with the wish for mail or without it.

    Raises TooManyPosts over FORM_RATE_LIMIT, and django.db.DatabaseError when nothing could be stored.
    """
    digest = _digest(kind, facts, repeat_words)
    with transaction.atomic():
        lock_receiving()
        earlier = Enquiry.objects.filter(submission_id=opening.submission_id, content_digest=digest).first()
        if earlier:
            return earlier
        count_post(address_key, now)
        reasons = reasons_to_suspect(replace(facts, message=facts.message or further_words), signs)
        earlier = Enquiry.objects.filter(repeat_key=digest).first()
        if earlier:
            if _takes_repeats(earlier, now) and (reasons or not earlier.is_quarantined):
                return earlier
            Enquiry.objects.filter(pk=earlier.pk).update(repeat_key=None)
        reference, chosen = _unused_reference(), IntakeSettings.load()
        enquiry = Enquiry.objects.create(
            reference=reference,
            search_text=_search_text(reference, facts),
            submission_id=opening.submission_id,
            content_digest=digest,
            repeat_key=digest,
            kind=kind,
            status=Status.WAITING_LIST if kind == Kind.WAITING else Status.NEW,
            received_at=now,
            verdict=Verdict.QUARANTINED if reasons else Verdict.ACCEPTED,
            verdict_reasons=[reason.value for reason in reasons],
            shown_texts=shown.as_dict(),
            told_months=chosen.retention_months,
            told_spam_days=chosen.spam_days,
            **{**asdict(facts), "delivery_modes": list(facts.delivery_modes)},
        )
        if kind == Kind.WAITING:
            join(enquiry=enquiry, wants_mail=wants_mail, now=now)
        queue_mails(enquiry=enquiry, pause=pause, now=now)
    return enquiry


def receipt_of(*, enquiry: Enquiry, opening: FormOpening) -> uuid.UUID:
    """Return what the thank-you page's address has for whoever sent this opening of a form.

    The same words sent by another opening may come from somebody else who knows them: that page leads to nothing that
    belongs to the first sender.
    """
    if enquiry.submission_id == opening.submission_id:
        return enquiry.receipt
    Enquiry.objects.filter(pk=enquiry.pk, repeat_receipt=None).update(repeat_receipt=uuid.uuid4())
    enquiry.refresh_from_db(fields=["repeat_receipt"])
    # One that was just removed has a page that is not found, like any other.
    return enquiry.repeat_receipt or enquiry.receipt


def _takes_repeats(enquiry: Enquiry, now: datetime) -> bool:
    received = enquiry.received_at
    return not enquiry.is_closed and not is_from_future(received, now) and now - received < REPEAT_WINDOW


def _digest(kind: Kind, facts: ContactFacts, repeat_words: str) -> str:
    words = json.dumps([kind, asdict(facts), repeat_words], sort_keys=True, ensure_ascii=False)
    return keyed_hash("intake.content", words)


def count_post(address_key: str, now: datetime) -> None:
    """Raise TooManyPosts where this address has used its limit, else count one more; forget what is past."""
    # Those from the future are a wrong clock's: they must not lock an address for years.
    PostingTrace.objects.exclude(posted_at__gt=now - LIMIT_WINDOW, posted_at__lte=now + CLOCK_TOLERANCE).delete()
    traces = PostingTrace.objects.filter(address_key=address_key).order_by("posted_at")
    posted = list(traces.values_list("posted_at", flat=True))
    if len(posted) >= settings.FORM_RATE_LIMIT:
        frees_at = posted[-settings.FORM_RATE_LIMIT] if settings.FORM_RATE_LIMIT else now
        raise TooManyPosts(retry_after=frees_at + LIMIT_WINDOW - now)
    PostingTrace.objects.create(address_key=address_key, posted_at=now)


def _search_text(reference: str, facts: ContactFacts) -> str:
    """What an enquiry is found by; an address as it is read and as it is sent, since both are copied."""
    return " ".join(
        dict.fromkeys([reference, facts.name, facts.organisation, readable_address(facts.email), facts.email])
    ).casefold()


def _unused_reference() -> str:
    while True:
        reference = new_reference()
        if not Enquiry.objects.filter(reference=reference).exists():
            return reference
