"""Services that write mappings: starting, storing answers, sending, preparation notes."""

import json
import uuid
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Q

from home.contact_details import ContactDetails
from home.pause.wording import PauseStatus
from home.shown_values import changed_elsewhere
from intake.choices import Kind, Status, StepKind
from intake.enquiry.form_pages import at_most, form_notices
from intake.enquiry.models import Enquiry
from intake.enquiry.services import (
    STATUS_FIELDS,
    lock_enquiry,
    receive_enquiry,
    require_version,
    save_change,
    set_status,
)
from intake.locks import lock_receiving
from intake.mail.queue import secret_digest
from intake.mapping.answers import digests, missing, typed_facts
from intake.mapping.links import (
    may_open_answers,
    merge_empty_parallel,
    record_beginning,
    remove_expired,
    remove_unsent,
)
from intake.mapping.mails import mail_first_link, queue_mapping_notification, resume_mails
from intake.mapping.models import InitialMapping, MappingLink, expiry
from intake.mapping.questions import QuestionSet
from intake.rate_limit import enforce_rate_limit
from intake.settings import IntakeSettings
from intake.submission import ContactFacts, FormEntry, FormOpening, ShownTerms, ShownTexts, Submission
from intake.typed_text import clean_lines

_FACTS = tuple(field.name for field in fields(ContactFacts))


class AlreadySent(Exception):
    """The mapping was already sent and can't be changed."""


class Incomplete(Exception):
    """A required answer is missing (intake.mapping.answers.missing)."""


class ChangedSinceChecked(Exception):
    """The facts or answers were changed elsewhere after the check page was shown."""


@dataclass(frozen=True, kw_only=True)
class MappingStart:
    """The first step of a mapping. The spam rules are applied when it is sent."""

    entry: FormEntry
    question_set: QuestionSet


def begin_mapping(*, secret: str, start: MappingStart, address_key: str, now: datetime) -> InitialMapping:
    """Store the first step of a mapping without an enquiry.

    If the same form is sent again, only the facts of its mapping are updated, to repeated_facts(). `secret`: the secret
    of the private link, which is derived from the form, so that a repeated post finds its mapping. Raises AlreadySent,
    intake.rate_limit.TooManyPosts, and django.db.DatabaseError.
    """
    facts, signs = start.entry.facts, start.entry.signs
    with transaction.atomic():
        lock_receiving()
        remove_expired(InitialMapping.objects.filter(links__secret_digest=secret_digest(secret)), now)
        mapping = _locked(secret=secret)
        # A sent mapping has no facts any more.
        before = mapping.facts.get("email", "") if mapping else ""
        if mapping is None:
            enforce_rate_limit(f"{address_key[:58]}:begin", now)
            mapping = InitialMapping.objects.create(
                submission_id=uuid.uuid4(),
                created_at=now,
                started_at=now,
                expires_at=expiry(now),
                facts=_as_json(facts),
                first_facts=digests(_as_json(facts), _FACTS),
                question_set=start.question_set.as_json(),
                signs={"hidden_field": bool(signs.hidden_field.strip()), "source_known": signs.source_known},
            )
            _add_link(mapping, secret, now)
        else:
            _require_unsent(mapping)
            mapping.facts, mapping.first_facts = repeated_facts(mapping, facts), digests(_as_json(facts), _FACTS)
            mapping.save(update_fields=["facts", "first_facts"])
        mail_first_link(mapping, before=before, signs=signs, now=now)
    return mapping


def store_facts(*, mapping_id: int, by_mail: bool = False, facts: ContactFacts, now: datetime) -> None:
    """Replace the contact facts of a mapping without an enquiry, and mail its link to a corrected address.

    `by_mail`: whether the link came by mail. Raises AlreadySent.
    """
    with transaction.atomic():
        lock_receiving()
        mapping = _locked_by_id(mapping_id)
        before = mapping.facts["email"]
        mapping.facts = _as_json(facts)
        mapping.save(update_fields=["facts"])
        mail_first_link(mapping, before=before, signs=mapping.signs_at(now), by_mail=by_mail, now=now)


def store_answers(
    *,
    mapping_id: int,
    by_mail: bool = False,
    question_set: QuestionSet,
    step_keys: list[str],
    answers: dict[str, Any],
    now: datetime,
) -> InitialMapping:
    """Replace the answers of one step (`step_keys` are the keys of its questions). Raises AlreadySent.

    `by_mail`: whether the link came by mail; the first answers determine which links open them. Raises
    InitialMapping.DoesNotExist if the mapping was just started by the other kind of link. `question_set` is stored with
    the first answers; later the mapping's own copy is kept.
    """
    with transaction.atomic():
        mapping = _locked_by_id(mapping_id)
        if not may_open_answers(mapping, by_mail=by_mail):
            raise InitialMapping.DoesNotExist
        if not mapping.question_set:
            mapping.question_set = question_set.as_json()
        if mapping.started_at is None:
            record_beginning(mapping, by_mail=by_mail, now=now)
        kept = {key: value for key, value in mapping.answers.items() if key not in step_keys}
        mapping.answers = {**kept, **answers}
        mapping.save(update_fields=["question_set", "started_at", "begun_by_mail", "expires_at", "answers"])
    return mapping


def discard_mapping(*, mapping_id: int) -> None:
    """Remove a mapping that an answer has ended. Does nothing if it is removed already. Raises AlreadySent."""
    with transaction.atomic():
        lock_receiving()
        mapping = InitialMapping.objects.select_for_update().filter(pk=mapping_id).first()
        if mapping is not None:
            _require_unsent(mapping)
            remove_unsent(mapping)


def send_mapping(
    *,
    mapping_id: int,
    address_key: str,
    pause: PauseStatus,
    terms: ShownTerms | None = None,
    checked: str = "",
    now: datetime,
) -> Enquiry:
    """Send a mapping: create its enquiry, or add it to the existing one, and queue the mails. A repeat does nothing.

    `terms`: the retention times and the pause that the check page stated; the mapping is kept no longer than that. None
    if they are unknown. `checked`: the InitialMapping.checked_digest that the check page carried; "" if it carried
    none. Raises ChangedSinceChecked, Incomplete, TooManyPosts, and django.db.DatabaseError; then nothing is stored.
    """
    details, chosen = ContactDetails.load(), at_most(terms, chosen=IntakeSettings.load())
    shown = form_notices(details=details, pause=pause, chosen=chosen).as_shown(terms=terms)
    with transaction.atomic():
        lock_receiving()
        # The enquiry is locked before its mapping, in the same order as when an enquiry is removed.
        of_mapping = Q(mapping=mapping_id) | Q(other_mapping=mapping_id)
        list(Enquiry.objects.select_for_update(of=("self",)).filter(of_mapping))
        mapping = InitialMapping.objects.select_for_update().get(pk=mapping_id)
        if mapping.is_sent and mapping.enquiry:
            return mapping.enquiry
        if checked and checked != mapping.checked_digest:
            raise ChangedSinceChecked
        if not mapping.question_set or missing(mapping.questions, mapping.condition_facts, mapping.answers):
            raise Incomplete
        if mapping.parallel_to is not None:
            _make_primary(mapping, mapping.parallel_to)
        enquiry = mapping.enquiry
        mapping.shown_texts = asdict(shown)
        if enquiry is None:
            submission = _submission(mapping, address_key, now)
            enquiry = receive_enquiry(submission=submission, pause=pause, details=details, chosen=chosen, now=now)
            earlier = InitialMapping.objects.filter(enquiry=enquiry).first()
            if earlier:
                # The same answers were already sent from another mapping: point the links to that one.
                MappingLink.objects.filter(mapping=mapping).update(mapping=earlier)
                resume_mails(mapping.pk).delete()
                mapping.delete()
                return enquiry
        else:
            _reopen(enquiry, now)
            queue_mapping_notification(enquiry=enquiry, now=now)
        found = typed_facts(mapping.questions, mapping.condition_facts, mapping.answers)
        Enquiry.objects.filter(pk=enquiry.pk).update(
            **asdict(found),
            shown_retention_months=min(
                chosen.retention_months, enquiry.shown_retention_months or chosen.retention_months
            ),
            shown_spam_days=min(chosen.spam_days, enquiry.shown_spam_days or chosen.spam_days),
            version=F("version") + 1,
        )
        mapping.enquiry = enquiry
        mapping.answers = mapping.counted_answers
        mapping.sent_at = now
        # From now on the facts are stored in the enquiry only.
        mapping.facts = mapping.first_facts = {}
        resume_mails(mapping.pk).delete()
        mapping.save()
        # Afterwards the link of an empty parallel mapping shows that the mapping was received. A started one is kept.
        merge_empty_parallel(enquiry)
    return enquiry


def _make_primary(mapping: InitialMapping, enquiry: Enquiry) -> None:
    """Make a parallel mapping, which is about to be sent, the enquiry's own, and the other one parallel.

    If the other one was already sent, this one becomes an enquiry of its own, with the same contact facts: no answer is
    lost or shown to the wrong person.
    """
    first = InitialMapping.objects.select_for_update().filter(enquiry=enquiry).first()
    mapping.parallel_to = None
    if first is not None and first.is_sent:
        names = (field.name for field in fields(ContactFacts) if field.name != "message")
        mapping.facts = {name: getattr(enquiry, name) for name in names}
        mapping.save(update_fields=["parallel_to", "facts"])
        return
    mapping.save(update_fields=["parallel_to"])
    if first is not None:
        first.enquiry, first.parallel_to = None, enquiry
        first.save(update_fields=["enquiry", "parallel_to"])
    mapping.enquiry = enquiry
    mapping.save(update_fields=["enquiry"])


def _submission(mapping: InitialMapping, address_key: str, now: datetime) -> Submission:
    return Submission(
        kind=Kind.MAPPING,
        facts=mapping.contact_facts,
        other_text=mapping.free_text,
        repeat_text=json.dumps([mapping.questions.version, mapping.counted_answers], sort_keys=True),
        opening=FormOpening(submission_id=mapping.submission_id, opened_at=mapping.created_at),
        signs=mapping.signs_at(now),
        shown=ShownTexts(**mapping.shown_texts),
        address_key=address_key,
    )


def _reopen(enquiry: Enquiry, now: datetime) -> None:
    """Set a closed enquiry to new: its sender is still interested."""
    if not enquiry.is_closed:
        return
    set_status(enquiry, status=Status.NEW, now=now)
    save_change(enquiry, StepKind.STATUS, fields=STATUS_FIELDS, now=now)


def _add_link(mapping: InitialMapping, secret: str, now: datetime) -> None:
    MappingLink.objects.create(mapping=mapping, secret_digest=secret_digest(secret), created_at=now)


def _locked(*, secret: str) -> InitialMapping | None:
    link = MappingLink.objects.filter(secret_digest=secret_digest(secret)).first()
    return InitialMapping.objects.select_for_update().filter(pk=link.mapping_id).first() if link else None


def _locked_by_id(mapping_id: int) -> InitialMapping:
    mapping = InitialMapping.objects.select_for_update().get(pk=mapping_id)
    _require_unsent(mapping)
    return mapping


def _require_unsent(mapping: InitialMapping) -> None:
    if mapping.is_sent:
        raise AlreadySent


def repeated_facts(mapping: InitialMapping, facts: ContactFacts) -> dict[str, Any]:
    """Return the facts to store when the first step of an unsent mapping is sent again.

    A fact that the visitor has changed on the mapping's own page since is kept if the first step repeats its old value.
    """
    posted = _as_json(facts)
    stored = digests(mapping.facts, _FACTS)
    kept = changed_elsewhere(seen=mapping.first_facts, posted=digests(posted, _FACTS), stored=stored)
    return {name: mapping.facts[name] if name in kept else value for name, value in posted.items()}


def _as_json(facts: ContactFacts) -> dict[str, Any]:
    return {**asdict(facts), "delivery_modes": list(facts.delivery_modes)}


def save_preparation_notes(
    *, enquiry_id: int, version: int, notes: str, by: AbstractBaseUser | None, now: datetime
) -> Enquiry:
    """Replace the supervisor's notes for the first meeting. The history records the change, not the old text.

    Unchanged notes are ignored, whatever the `version`. Raises ChangedMeanwhile for an old `version`,
    InitialMapping.DoesNotExist if no mapping was sent.
    """
    with transaction.atomic():
        enquiry = lock_enquiry(enquiry_id)
        mapping = InitialMapping.objects.select_for_update().get(enquiry=enquiry, sent_at__isnull=False)
        words = clean_lines(notes)
        if words != mapping.preparation_notes:
            require_version(enquiry, version)
            mapping.preparation_notes = words
            mapping.save(update_fields=["preparation_notes"])
            step = StepKind.PREPARATION_SAVED if words else StepKind.PREPARATION_EMPTIED
            save_change(enquiry, step, by=by, now=now)
    return enquiry
