"""Writing a mapping: begun, answered step by step, sent once, and removed when its time is over."""

import hashlib
import json
import secrets
import uuid
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from home.pause import PauseStatus
from intake.choices import Kind, Status, StepKind
from intake.form_token import FormOpening
from intake.jobs.context import Each, each_or_raise
from intake.mapping.answers import answer_words, missing
from intake.mapping.differences import typed_facts
from intake.mapping.private_link import PLACEHOLDER
from intake.mapping.questions import QuestionSet
from intake.models.enquiry import Enquiry, EnquiryStep
from intake.models.mapping import InitialMapping, MappingLink, UnfinishedMapping
from intake.models.outgoing_mail import OutgoingMail
from intake.services.closing import STATUS_FIELDS, set_status
from intake.services.locks import lock_receiving
from intake.services.mail_purposes import enquiry_of, register_secret
from intake.services.queueing import queue_mapping_notification
from intake.services.receiving import count_post, receive_enquiry
from intake.submission import ContactFacts, ShownTexts, SpamSigns

LIFETIME = timedelta(days=30)
_SECRET_BYTES = 32


class AlreadySent(Exception):
    """The mapping has been sent: nothing more can be added to it."""


class Incomplete(Exception):
    """Something that must be answered is not: see intake.mapping.answers.missing."""


def new_secret() -> str:
    """Return a secret of 256 random bits for an address."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def find_mapping(secret: str, *, now: datetime) -> InitialMapping | None:
    """Return the mapping that a private link leads to; None where there is none or its time is over."""
    link = (
        MappingLink.objects.select_related("mapping__enquiry")
        .filter(secret_digest=_digest(secret), mapping__expires_at__gt=now)
        .first()
    )
    return link.mapping if link else None


def begin_mapping(
    *,
    secret: str,
    facts: ContactFacts,
    question_set: QuestionSet,
    shown: ShownTexts,
    hidden_field: bool,
    source_known: bool,
    address_key: str,
    now: datetime,
) -> InitialMapping:
    """Store the first step of a mapping that begins by itself; the same form sent again changes its facts only.

    Raises AlreadySent, intake.services.receiving.TooManyPosts, and django.db.DatabaseError.
    """
    with transaction.atomic():
        lock_receiving()
        _remove_over(InitialMapping.objects.filter(links__secret_digest=_digest(secret)), now)
        mapping = _locked(secret=secret)
        if mapping is None:
            count_post(f"{address_key[:58]}:begin", now)
            mapping = InitialMapping.objects.create(
                submission_id=uuid.uuid4(),
                created_at=now,
                started_at=now,
                expires_at=now + LIFETIME,
                facts=_as_json(facts),
                question_set=question_set.as_json(),
                shown_texts=shown.as_dict(),
                signs={"hidden_field": hidden_field, "source_known": source_known},
            )
            _add_link(mapping, secret, now)
        else:
            _refuse_sent(mapping)
            mapping.facts = _as_json(facts)
            mapping.save(update_fields=["facts"])
    return mapping


def link_for_enquiry(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret of a new private link to the mapping of an enquiry, which is made where there is none.

    Each call makes another link; the earlier ones go on working. One to a mapping that has not been begun works for
    LIFETIME, whenever the first was made. Raises Enquiry.DoesNotExist where it was removed meanwhile.
    """
    with transaction.atomic():
        # As sending does.
        lock_receiving()
        Enquiry.objects.select_for_update().get(pk=enquiry.pk)
        _remove_over(InitialMapping.objects.filter(enquiry=enquiry), now)
        mapping, _created = InitialMapping.objects.get_or_create(
            enquiry=enquiry,
            defaults={
                "submission_id": enquiry.submission_id,
                "created_at": now,
                "expires_at": now + LIFETIME,
            },
        )
        InitialMapping.objects.filter(pk=mapping.pk, started_at=None).update(expires_at=now + LIFETIME)
        secret = new_secret()
        _add_link(mapping, secret, now)
    return secret


def _secret_for(mail: OutgoingMail, now: datetime) -> str:
    return link_for_enquiry(enquiry=enquiry_of(mail), now=now)


register_secret(PLACEHOLDER, _secret_for)


def store_facts(*, mapping_id: int, facts: ContactFacts) -> None:
    """Replace the contact facts of a mapping that began by itself. Raises AlreadySent."""
    with transaction.atomic():
        mapping = _locked_by_id(mapping_id)
        mapping.facts = _as_json(facts)
        mapping.save(update_fields=["facts"])


def store_answers(
    *,
    mapping_id: int,
    question_set: QuestionSet,
    step_keys: list[str],
    answers: dict[str, Any],
    shown: ShownTexts,
    now: datetime,
) -> InitialMapping:
    """Replace the answers of one step (`step_keys` are the keys of its questions). Raises AlreadySent.

    `question_set` is kept when these are the first answers; after that the mapping has its own.
    """
    with transaction.atomic():
        mapping = _locked_by_id(mapping_id)
        if not mapping.question_set:
            mapping.question_set = question_set.as_json()
            mapping.shown_texts = shown.as_dict()
        if mapping.started_at is None:
            mapping.started_at, mapping.expires_at = now, now + LIFETIME
        kept = {key: value for key, value in mapping.answers.items() if key not in step_keys}
        mapping.answers = {**kept, **answers}
        mapping.save(update_fields=["question_set", "shown_texts", "started_at", "expires_at", "answers"])
    return mapping


def send_mapping(*, mapping_id: int, address_key: str, pause: PauseStatus, now: datetime) -> Enquiry:
    """Send a mapping: make its enquiry, or add it to the one it hangs from, with the mails. Once: a repeat is a no-op.

    Raises Incomplete, TooManyPosts, and django.db.DatabaseError; nothing is stored then.
    """
    with transaction.atomic():
        lock_receiving()
        # The enquiry is locked before what hangs from it, as its removal does.
        its_enquiry = InitialMapping.objects.filter(pk=mapping_id).values("enquiry")
        list(Enquiry.objects.select_for_update().filter(pk__in=its_enquiry))
        mapping = InitialMapping.objects.select_for_update().get(pk=mapping_id)
        if mapping.is_sent and mapping.enquiry:
            return mapping.enquiry
        if not mapping.question_set or missing(mapping.questions, mapping.condition_facts, mapping.answers):
            raise Incomplete
        enquiry = mapping.enquiry
        if enquiry is None:
            enquiry = _receive(mapping, address_key, pause, now)
            earlier = InitialMapping.objects.filter(enquiry=enquiry).first()
            if earlier:
                # The very same answers were sent from another beginning: its links lead to the one that is there.
                MappingLink.objects.filter(mapping=mapping).update(mapping=earlier)
                mapping.delete()
                return enquiry
        else:
            _reopen(enquiry, now)
            queue_mapping_notification(enquiry=enquiry, now=now)
        found = typed_facts(mapping.questions, mapping.condition_facts, mapping.answers)
        Enquiry.objects.filter(pk=enquiry.pk).update(**asdict(found), version=F("version") + 1)
        mapping.enquiry = enquiry
        mapping.answers = mapping.counted_answers
        mapping.sent_at = now
        # They are the enquiry's from now on: one place to read, change and erase them.
        mapping.facts = {}
        mapping.save()
    return enquiry


def remove_unfinished(*, now: datetime, each: Each = each_or_raise) -> int:
    """Remove the mappings that were never sent in their time, and count those that had been begun.

    Links of those that were sent go as well. Returns how many begun ones went.
    """
    MappingLink.objects.filter(mapping__expires_at__lte=now).delete()
    over = InitialMapping.objects.filter(sent_at=None, expires_at__lte=now)
    return each(list(over.values_list("pk", flat=True)), lambda pk: _remove_one_over(pk, now))


def _remove_one_over(pk: int, now: datetime) -> int:
    with transaction.atomic():
        return _remove_over(InitialMapping.objects.filter(pk=pk), now)


def _remove_over(mappings: QuerySet[InitialMapping], now: datetime) -> int:
    """Remove those whose time is over, in the caller's transaction. What is being sent just now is waited for."""
    over = list(mappings.select_for_update().filter(sent_at=None, expires_at__lte=now))
    begun = sum(mapping.started_at is not None for mapping in over)
    if begun:
        tally, _created = UnfinishedMapping.objects.get_or_create(removed_on=timezone.localdate(now))
        UnfinishedMapping.objects.filter(pk=tally.pk).update(count=F("count") + begun)
    InitialMapping.objects.filter(pk__in=[mapping.pk for mapping in over]).delete()
    return begun


def _receive(mapping: InitialMapping, address_key: str, pause: PauseStatus, now: datetime) -> Enquiry:
    facts = ContactFacts(**{**mapping.facts, "delivery_modes": tuple(mapping.facts["delivery_modes"])})
    return receive_enquiry(
        kind=Kind.MAPPING,
        facts=facts,
        further_words=free_text(mapping),
        repeat_words=json.dumps([mapping.questions.version, mapping.counted_answers], sort_keys=True),
        opening=FormOpening(submission_id=mapping.submission_id, opened_at=mapping.created_at),
        signs=SpamSigns(
            hidden_field="x" if mapping.signs.get("hidden_field") else "",
            seconds_open=(now - mapping.created_at).total_seconds(),
            source_known=bool(mapping.signs.get("source_known", True)),
        ),
        shown=ShownTexts(**mapping.shown_texts),
        address_key=address_key,
        pause=pause,
        now=now,
    )


def free_text(mapping: InitialMapping) -> str:
    """Return every answer in words, a line each: what the spam rules look at."""
    counted = mapping.counted_answers
    return "\n".join(
        answer_words(question, counted[question.key])
        for question in mapping.questions.questions()
        if question.key in counted
    )


def _reopen(enquiry: Enquiry, now: datetime) -> None:
    """Bring a closed enquiry back to the new ones: who answers the mapping is still there."""
    if not enquiry.is_closed:
        return
    set_status(enquiry, status=Status.NEW, now=now)
    enquiry.save(update_fields=list(STATUS_FIELDS))
    EnquiryStep.objects.create(enquiry=enquiry, kind=StepKind.STATUS, changed_at=now, status=Status.NEW)


def _add_link(mapping: InitialMapping, secret: str, now: datetime) -> None:
    MappingLink.objects.create(mapping=mapping, secret_digest=_digest(secret), created_at=now)


def _digest(secret: str) -> str:
    """Return what is kept of a secret. It is random and long, so a plain hash tells nothing of it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _locked(*, secret: str) -> InitialMapping | None:
    link = MappingLink.objects.filter(secret_digest=_digest(secret)).first()
    return InitialMapping.objects.select_for_update().filter(pk=link.mapping_id).first() if link else None


def _locked_by_id(mapping_id: int) -> InitialMapping:
    mapping = InitialMapping.objects.select_for_update().get(pk=mapping_id)
    _refuse_sent(mapping)
    return mapping


def _refuse_sent(mapping: InitialMapping) -> None:
    if mapping.is_sent:
        raise AlreadySent


def _as_json(facts: ContactFacts) -> dict[str, Any]:
    return {**asdict(facts), "delivery_modes": list(facts.delivery_modes)}
