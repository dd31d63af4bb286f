"""Services that write mappings: starting, storing answers, sending, removing unfinished ones."""

import json
import uuid
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from home.pause.wording import PauseStatus
from intake.choices import Kind, Status, StepKind
from intake.enquiry.mails import enquiry_of
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.services import (
    STATUS_FIELDS,
    add_step,
    lock_enquiry,
    receive_enquiry,
    require_version,
    save_new_version,
    set_status,
)
from intake.jobs.runner import Each, each_or_raise
from intake.jobs.schedule import in_batches
from intake.locks import lock_receiving
from intake.mail.links import new_secret, register_link, secret_digest
from intake.mail.models import OutgoingMail
from intake.mapping.answers import answer_text, missing, typed_facts
from intake.mapping.mails import MAPPING_LINK, queue_mapping_notification
from intake.mapping.models import InitialMapping, MappingLink, UnfinishedMapping
from intake.mapping.questions import QuestionSet
from intake.spam.limit import enforce_rate_limit
from intake.submission import ContactFacts, FormOpening, ShownTexts, SpamSigns, Submission
from intake.typed_text import clean_lines

LIFETIME = timedelta(days=30)


class AlreadySent(Exception):
    """The mapping was already sent and can't be changed."""


class Incomplete(Exception):
    """A required answer is missing (intake.mapping.answers.missing)."""


def find_link(secret: str, *, now: datetime) -> MappingLink | None:
    """Return the link with its mapping; None if it does not exist or has expired."""
    links = MappingLink.objects.select_related("mapping__enquiry", "mapping__parallel_to")
    return links.filter(secret_digest=secret_digest(secret), mapping__expires_at__gt=now).first()


def find_mapping(secret: str, *, now: datetime) -> InitialMapping | None:
    """Return the mapping of a link; None if it does not exist or has expired."""
    link = find_link(secret, now=now)
    return link.mapping if link else None


@dataclass(frozen=True, kw_only=True)
class MappingStart:
    """The first step of a mapping. `hidden_field` and `source_known` are for the spam rules on sending."""

    facts: ContactFacts
    question_set: QuestionSet
    shown: ShownTexts
    hidden_field: bool
    source_known: bool


def begin_mapping(*, secret: str, start: MappingStart, address_key: str, now: datetime) -> InitialMapping:
    """Store the first step of a mapping without an enquiry; the same form sent again only changes its facts.

    Raises AlreadySent, intake.spam.limit.TooManyPosts, and django.db.DatabaseError.
    """
    with transaction.atomic():
        lock_receiving()
        _remove_expired(InitialMapping.objects.filter(links__secret_digest=secret_digest(secret)), now)
        mapping = _locked(secret=secret)
        if mapping is None:
            enforce_rate_limit(f"{address_key[:58]}:begin", now)
            mapping = InitialMapping.objects.create(
                submission_id=uuid.uuid4(),
                created_at=now,
                started_at=now,
                expires_at=now + LIFETIME,
                facts=_as_json(start.facts),
                question_set=start.question_set.as_json(),
                shown_texts=start.shown.as_dict(),
                signs={"hidden_field": start.hidden_field, "source_known": start.source_known},
            )
            _add_link(mapping, secret, now)
        else:
            _require_unsent(mapping)
            mapping.facts = _as_json(start.facts)
            mapping.save(update_fields=["facts"])
    return mapping


def page_link_for_enquiry(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret of the private link on the thank-you page; it is the same each time.

    It is derived from the receipt in the URL of that page, so it need not be stored. Otherwise like
    mail_link_for_enquiry().
    """
    digest = salted_hmac("intake.mapping-page-link", enquiry.receipt.hex, algorithm="sha256").digest()
    secret = urlsafe_b64encode(digest).rstrip(b"=").decode()
    _link_to_enquiry(enquiry, secret, by_mail=False, now=now)
    return secret


def mail_link_for_enquiry(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret of a new private link for a mail, to the enquiry's mapping, which is created if needed.

    The link opens existing answers only if they were started by mail too, or if the sender has confirmed the e-mail
    address; otherwise an empty mapping. Earlier links stay valid. A link to a mapping that was not started is valid for
    LIFETIME from now. Raises Enquiry.DoesNotExist if the enquiry was removed.
    """
    secret = new_secret()
    _link_to_enquiry(enquiry, secret, by_mail=True, now=now)
    return secret


def mapping_to_link(enquiry: Enquiry, *, by_mail: bool) -> InitialMapping | None:
    """Return the mapping of this enquiry that a link opens; None if an empty one has to be created."""
    first = InitialMapping.objects.filter(enquiry=enquiry).first()
    other = InitialMapping.objects.filter(parallel_to=enquiry).first()
    if other is not None and other.begun_by_mail == by_mail:
        return other
    if first is None or first.begun_by_mail in (None, by_mail) or first.is_sent or enquiry.address_confirmed_at:
        return first
    return other


def confirm_address(*, enquiry_id: int, now: datetime) -> None:
    """Record that the sender confirmed the e-mail address: links in mails open the same answers from now on.

    Two mappings that were already started stay apart.
    """
    with transaction.atomic():
        lock_receiving()
        enquiry = Enquiry.objects.select_for_update().get(pk=enquiry_id)
        enquiry.address_confirmed_at = enquiry.address_confirmed_at or now
        enquiry.save(update_fields=["address_confirmed_at"])
        _merge_empty_parallel(enquiry)


def _link_to_enquiry(enquiry: Enquiry, secret: str, *, by_mail: bool, now: datetime) -> None:
    with transaction.atomic():
        # In the same order as on sending.
        lock_receiving()
        enquiry = Enquiry.objects.select_for_update().get(pk=enquiry.pk)
        _remove_expired(InitialMapping.objects.filter(Q(enquiry=enquiry) | Q(parallel_to=enquiry)), now)
        mapping = mapping_to_link(enquiry, by_mail=by_mail)
        if mapping is None:
            has_first = InitialMapping.objects.filter(enquiry=enquiry).exists()
            mapping = _make_empty(enquiry, is_parallel=has_first, expires_at=now + LIFETIME, now=now)
        InitialMapping.objects.filter(pk=mapping.pk, started_at=None).update(expires_at=now + LIFETIME)
        MappingLink.objects.update_or_create(
            secret_digest=secret_digest(secret),
            defaults={"mapping": mapping},
            create_defaults={"mapping": mapping, "by_mail": by_mail, "created_at": now},
        )


def _make_empty(enquiry: Enquiry, *, is_parallel: bool, expires_at: datetime, now: datetime) -> InitialMapping:
    return InitialMapping.objects.create(
        enquiry=None if is_parallel else enquiry,
        parallel_to=enquiry if is_parallel else None,
        submission_id=uuid.uuid4() if is_parallel else enquiry.submission_id,
        created_at=now,
        expires_at=expires_at,
    )


def _begin(mapping: InitialMapping, *, by_mail: bool, now: datetime) -> None:
    """Record how a mapping was started, and point the links of the other kind to an empty parallel one."""
    enquiry = mapping.source_enquiry
    if enquiry is not None:
        mapping.begun_by_mail = by_mail
        others = mapping.links.filter(by_mail=not by_mail)
        if mapping.enquiry and enquiry.address_confirmed_at is None and others.exists():
            empty = InitialMapping.objects.filter(parallel_to=enquiry).first()
            empty = empty or _make_empty(enquiry, is_parallel=True, expires_at=mapping.expires_at, now=now)
            others.update(mapping=empty)
    mapping.started_at, mapping.expires_at = now, now + LIFETIME


def _secret_for(mail: OutgoingMail, now: datetime) -> str:
    return mail_link_for_enquiry(enquiry=enquiry_of(mail), now=now)


register_link(MAPPING_LINK, _secret_for)


def store_facts(*, mapping_id: int, facts: ContactFacts) -> None:
    """Replace the contact facts of a mapping without an enquiry. Raises AlreadySent."""
    with transaction.atomic():
        mapping = _locked_by_id(mapping_id)
        mapping.facts = _as_json(facts)
        mapping.save(update_fields=["facts"])


def store_answers(
    *,
    mapping_id: int,
    by_mail: bool = False,
    question_set: QuestionSet,
    step_keys: list[str],
    answers: dict[str, Any],
    shown: ShownTexts,
    now: datetime,
) -> InitialMapping:
    """Replace the answers of one step (`step_keys` are the keys of its questions). Raises AlreadySent.

    `by_mail`: whether the link came by mail; the first answers determine which links open them. Raises
    InitialMapping.DoesNotExist if the mapping was just started by the other kind of link. `question_set` is stored with
    the first answers; later the mapping's own copy is kept.
    """
    with transaction.atomic():
        mapping = _locked_by_id(mapping_id)
        enquiry = mapping.source_enquiry
        if enquiry and not enquiry.address_confirmed_at and mapping.begun_by_mail not in (None, by_mail):
            raise InitialMapping.DoesNotExist
        if not mapping.question_set:
            mapping.question_set = question_set.as_json()
            mapping.shown_texts = shown.as_dict()
        if mapping.started_at is None:
            _begin(mapping, by_mail=by_mail, now=now)
        kept = {key: value for key, value in mapping.answers.items() if key not in step_keys}
        mapping.answers = {**kept, **answers}
        mapping.save(
            update_fields=["question_set", "shown_texts", "started_at", "begun_by_mail", "expires_at", "answers"]
        )
    return mapping


def send_mapping(*, mapping_id: int, address_key: str, pause: PauseStatus, now: datetime) -> Enquiry:
    """Send a mapping: create its enquiry, or add it to the existing one, and queue the mails. A repeat does nothing.

    Raises Incomplete, TooManyPosts, and django.db.DatabaseError; then nothing is stored.
    """
    with transaction.atomic():
        lock_receiving()
        # The enquiry is locked before its mapping, as in its removal.
        of_mapping = Q(mapping=mapping_id) | Q(other_mapping=mapping_id)
        list(Enquiry.objects.select_for_update(of=("self",)).filter(of_mapping))
        mapping = InitialMapping.objects.select_for_update().get(pk=mapping_id)
        if mapping.is_sent and mapping.enquiry:
            return mapping.enquiry
        if not mapping.question_set or missing(mapping.questions, mapping.condition_facts, mapping.answers):
            raise Incomplete
        if mapping.parallel_to is not None:
            _make_primary(mapping, mapping.parallel_to)
        enquiry = mapping.enquiry
        if enquiry is None:
            enquiry = _receive(mapping, address_key, pause, now)
            earlier = InitialMapping.objects.filter(enquiry=enquiry).first()
            if earlier:
                # The same answers were already sent from another mapping: point the links to that one.
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
        # From now on they are stored in the enquiry only.
        mapping.facts = {}
        mapping.save()
        # The other link then shows that the mapping was received. A started parallel mapping is kept.
        _merge_empty_parallel(enquiry)
    return enquiry


def _merge_empty_parallel(enquiry: Enquiry) -> None:
    """Delete an empty parallel mapping and point its links to the enquiry's own."""
    first = InitialMapping.objects.select_for_update().filter(enquiry=enquiry).first()
    empty = InitialMapping.objects.select_for_update().filter(parallel_to=enquiry, started_at=None).first()
    if first and empty:
        MappingLink.objects.filter(mapping=empty).update(mapping=first)
        empty.delete()


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


def remove_unfinished(*, now: datetime, each: Each = each_or_raise) -> int:
    """Remove expired unsent mappings, and the links of expired sent ones.

    Returns how many of the removed mappings had been started; these are also counted in UnfinishedMapping.
    """
    has_link = Exists(MappingLink.objects.filter(mapping=OuterRef("pk")))
    expired = InitialMapping.objects.filter(Q(sent_at=None) | has_link, expires_at__lte=now)
    return each(in_batches(expired), lambda pk: _remove_if_expired(pk, now))


def _remove_if_expired(pk: int, now: datetime) -> int:
    """Remove the mapping if it is still expired once locked; it may have got a new link or been sent."""
    with transaction.atomic():
        lock_receiving()
        mapping = InitialMapping.objects.filter(pk=pk)
        expired = mapping.select_for_update().filter(expires_at__lte=now)
        MappingLink.objects.filter(mapping__in=[one.pk for one in expired]).delete()
        return _remove_expired(mapping, now)


def _remove_expired(mappings: QuerySet[InitialMapping], now: datetime) -> int:
    """Remove expired unsent mappings in the caller's transaction. Returns how many had been started."""
    expired = list(mappings.select_for_update().filter(sent_at=None, expires_at__lte=now))
    begun = sum(mapping.started_at is not None for mapping in expired)
    if begun:
        tally, _created = UnfinishedMapping.objects.get_or_create(removed_on=timezone.localdate(now))
        UnfinishedMapping.objects.filter(pk=tally.pk).update(count=F("count") + begun)
    InitialMapping.objects.filter(pk__in=[mapping.pk for mapping in expired]).delete()
    for mapping in expired:
        if mapping.enquiry_id is not None:
            # The parallel mapping becomes the enquiry's own.
            InitialMapping.objects.filter(parallel_to=mapping.enquiry_id).update(
                enquiry=mapping.enquiry_id, parallel_to=None
            )
    return begun


def _receive(mapping: InitialMapping, address_key: str, pause: PauseStatus, now: datetime) -> Enquiry:
    facts = ContactFacts(**{**mapping.facts, "delivery_modes": tuple(mapping.facts["delivery_modes"])})
    return receive_enquiry(
        submission=Submission(
            kind=Kind.MAPPING,
            facts=facts,
            other_text=free_text(mapping),
            repeat_text=json.dumps([mapping.questions.version, mapping.counted_answers], sort_keys=True),
            opening=FormOpening(submission_id=mapping.submission_id, opened_at=mapping.created_at),
            signs=SpamSigns(
                hidden_field="x" if mapping.signs.get("hidden_field") else "",
                seconds_open=(now - mapping.created_at).total_seconds(),
                source_known=bool(mapping.signs.get("source_known", True)),
            ),
            shown=ShownTexts(**mapping.shown_texts),
            address_key=address_key,
        ),
        pause=pause,
        now=now,
    )


def free_text(mapping: InitialMapping) -> str:
    """Return all answers as text, one for each line, for the spam rules."""
    counted = mapping.counted_answers
    return "\n".join(
        answer_text(question, counted[question.key])
        for question in mapping.questions.questions()
        if question.key in counted
    )


def _reopen(enquiry: Enquiry, now: datetime) -> None:
    """Set a closed enquiry to new: its sender is still interested."""
    if not enquiry.is_closed:
        return
    set_status(enquiry, status=Status.NEW, now=now)
    enquiry.save(update_fields=list(STATUS_FIELDS))
    EnquiryStep.objects.create(enquiry=enquiry, kind=StepKind.STATUS, changed_at=now, status=Status.NEW)


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
            save_new_version(enquiry)
            kind = StepKind.PREPARATION_SAVED if words else StepKind.PREPARATION_EMPTIED
            add_step(enquiry, kind, by=by, now=now)
    return enquiry
