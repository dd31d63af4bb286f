"""The writers of mappings: begun, answered step by step, sent once, removed when unfinished for too long."""

import json
import uuid
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
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
from intake.mapping.answers import answer_words, missing, typed_facts
from intake.mapping.mails import MAPPING_LINK, queue_mapping_notification
from intake.mapping.models import InitialMapping, MappingLink, UnfinishedMapping
from intake.mapping.questions import QuestionSet
from intake.spam.limit import enforce_rate_limit
from intake.submission import ContactFacts, FormOpening, ShownTexts, SpamSigns, Submission
from intake.typed_text import clean_lines

LIFETIME = timedelta(days=30)


class AlreadySent(Exception):
    """The mapping has been sent: nothing more can be added to it."""


class Incomplete(Exception):
    """Something that must be answered is not: see intake.mapping.answers.missing."""


def find_link(secret: str, *, now: datetime) -> MappingLink | None:
    """Return the private link with its mapping; None where there is none or its time is over."""
    links = MappingLink.objects.select_related("mapping__enquiry", "mapping__beside")
    return links.filter(secret_digest=secret_digest(secret), mapping__expires_at__gt=now).first()


def find_mapping(secret: str, *, now: datetime) -> InitialMapping | None:
    """Return the mapping that a private link leads to; None where there is none or its time is over."""
    link = find_link(secret, now=now)
    return link.mapping if link else None


@dataclass(frozen=True, kw_only=True)
class MappingStart:
    """The first step as it was sent. The last two are for the spam rules, when the mapping is sent."""

    facts: ContactFacts
    question_set: QuestionSet
    shown: ShownTexts
    hidden_field: bool
    source_known: bool


def begin_mapping(*, secret: str, start: MappingStart, address_key: str, now: datetime) -> InitialMapping:
    """Store the first step of a mapping that begins by itself; the same form sent again changes its facts only.

    Raises AlreadySent, intake.spam.limit.TooManyPosts, and django.db.DatabaseError.
    """
    with transaction.atomic():
        lock_receiving()
        _remove_over(InitialMapping.objects.filter(links__secret_digest=secret_digest(secret)), now)
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
            _refuse_sent(mapping)
            mapping.facts = _as_json(start.facts)
            mapping.save(update_fields=["facts"])
    return mapping


def page_link_for_enquiry(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret of the thank-you page's private link: the same one each time.

    It is computed from the receipt, whose owner gets it, so that it is kept nowhere. Otherwise as
    mail_link_for_enquiry.
    """
    digest = salted_hmac("intake.mapping-page-link", enquiry.receipt.hex, algorithm="sha256").digest()
    secret = urlsafe_b64encode(digest).rstrip(b"=").decode()
    _link_to_enquiry(enquiry, secret, by_mail=False, now=now)
    return secret


def mail_link_for_enquiry(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret of a new private link for a mail, to a mapping of an enquiry; it is made where there is none.

    It leads to answers only where they were begun by mail as well, or the sender has confirmed the address; else to an
    empty mapping. Each call makes another link; the earlier ones go on working. One to a mapping that has not been
    begun works for LIFETIME, whenever the first was made. Raises Enquiry.DoesNotExist where it was removed meanwhile.
    """
    secret = new_secret()
    _link_to_enquiry(enquiry, secret, by_mail=True, now=now)
    return secret


def mapping_to_link(enquiry: Enquiry, *, by_mail: bool) -> InitialMapping | None:
    """Return the mapping of this enquiry that a link opens; None where an empty one is to be made for it."""
    first = InitialMapping.objects.filter(enquiry=enquiry).first()
    other = InitialMapping.objects.filter(beside=enquiry).first()
    if other is not None and other.begun_by_mail == by_mail:
        return other
    if first is None or first.begun_by_mail in (None, by_mail) or first.is_sent or enquiry.address_confirmed_at:
        return first
    return other


def confirm_address(*, enquiry_id: int, now: datetime) -> None:
    """Remember that the sender has typed the address right twice: links in mails lead to the same answers from now on.

    What has been begun by each of the two ways stays apart.
    """
    with transaction.atomic():
        lock_receiving()
        enquiry = Enquiry.objects.select_for_update().get(pk=enquiry_id)
        enquiry.address_confirmed_at = enquiry.address_confirmed_at or now
        enquiry.save(update_fields=["address_confirmed_at"])
        _drop_empty_one(enquiry)


def _link_to_enquiry(enquiry: Enquiry, secret: str, *, by_mail: bool, now: datetime) -> None:
    with transaction.atomic():
        # As sending does.
        lock_receiving()
        enquiry = Enquiry.objects.select_for_update().get(pk=enquiry.pk)
        _remove_over(InitialMapping.objects.filter(Q(enquiry=enquiry) | Q(beside=enquiry)), now)
        mapping = mapping_to_link(enquiry, by_mail=by_mail)
        if mapping is None:
            has_first = InitialMapping.objects.filter(enquiry=enquiry).exists()
            mapping = _make_empty(enquiry, is_beside=has_first, expires_at=now + LIFETIME, now=now)
        InitialMapping.objects.filter(pk=mapping.pk, started_at=None).update(expires_at=now + LIFETIME)
        MappingLink.objects.update_or_create(
            secret_digest=secret_digest(secret),
            defaults={"mapping": mapping},
            create_defaults={"mapping": mapping, "by_mail": by_mail, "created_at": now},
        )


def _make_empty(enquiry: Enquiry, *, is_beside: bool, expires_at: datetime, now: datetime) -> InitialMapping:
    return InitialMapping.objects.create(
        enquiry=None if is_beside else enquiry,
        beside=enquiry if is_beside else None,
        submission_id=uuid.uuid4() if is_beside else enquiry.submission_id,
        created_at=now,
        expires_at=expires_at,
    )


def _begin(mapping: InitialMapping, *, by_mail: bool, now: datetime) -> None:
    """Note how a mapping was begun, and let the links of the other way lead to an empty one beside it."""
    enquiry = mapping.message
    if enquiry is not None:
        mapping.begun_by_mail = by_mail
        others = mapping.links.filter(by_mail=not by_mail)
        if mapping.enquiry and enquiry.address_confirmed_at is None and others.exists():
            empty = InitialMapping.objects.filter(beside=enquiry).first()
            empty = empty or _make_empty(enquiry, is_beside=True, expires_at=mapping.expires_at, now=now)
            others.update(mapping=empty)
    mapping.started_at, mapping.expires_at = now, now + LIFETIME


def _secret_for(mail: OutgoingMail, now: datetime) -> str:
    return mail_link_for_enquiry(enquiry=enquiry_of(mail), now=now)


register_link(MAPPING_LINK, _secret_for)


def store_facts(*, mapping_id: int, facts: ContactFacts) -> None:
    """Replace the contact facts of a mapping that began by itself. Raises AlreadySent."""
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

    `by_mail` says by which link: the first answers decide which links open them. Raises InitialMapping.DoesNotExist
    where it was begun by the other one just now. `question_set` is kept when these are the first answers;
    after that the mapping has its own.
    """
    with transaction.atomic():
        mapping = _locked_by_id(mapping_id)
        enquiry = mapping.message
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
    """Send a mapping: make its enquiry, or add it to the one it hangs from, with the mails. Once: a repeat is a no-op.

    Raises Incomplete, TooManyPosts, and django.db.DatabaseError; nothing is stored then.
    """
    with transaction.atomic():
        lock_receiving()
        # The enquiry is locked before what hangs from it, as its removal does.
        of_mapping = Q(mapping=mapping_id) | Q(other_mapping=mapping_id)
        list(Enquiry.objects.select_for_update(of=("self",)).filter(of_mapping))
        mapping = InitialMapping.objects.select_for_update().get(pk=mapping_id)
        if mapping.is_sent and mapping.enquiry:
            return mapping.enquiry
        if not mapping.question_set or missing(mapping.questions, mapping.condition_facts, mapping.answers):
            raise Incomplete
        if mapping.beside is not None:
            _take_place(mapping, mapping.beside)
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
        # Who comes by the other link is told that it has arrived; of what was begun there nothing is lost.
        _drop_empty_one(enquiry)
    return enquiry


def _drop_empty_one(enquiry: Enquiry) -> None:
    """Let the links to an empty mapping beside the enquiry's own lead to that one."""
    first = InitialMapping.objects.select_for_update().filter(enquiry=enquiry).first()
    empty = InitialMapping.objects.select_for_update().filter(beside=enquiry, started_at=None).first()
    if first and empty:
        MappingLink.objects.filter(mapping=empty).update(mapping=first)
        empty.delete()


def _take_place(mapping: InitialMapping, enquiry: Enquiry) -> None:
    """Make a mapping beside an enquiry the enquiry's own, and the other way round; it is about to be sent.

    Where the enquiry has one that was sent, this one becomes an enquiry by itself, with the same contact facts: no
    answer is lost, and none is shown to whom it does not belong.
    """
    first = InitialMapping.objects.select_for_update().filter(enquiry=enquiry).first()
    mapping.beside = None
    if first is not None and first.is_sent:
        names = (field.name for field in fields(ContactFacts) if field.name != "message")
        mapping.facts = {name: getattr(enquiry, name) for name in names}
        mapping.save(update_fields=["beside", "facts"])
        return
    mapping.save(update_fields=["beside"])
    if first is not None:
        first.enquiry, first.beside = None, enquiry
        first.save(update_fields=["enquiry", "beside"])
    mapping.enquiry = enquiry
    mapping.save(update_fields=["enquiry"])


def remove_unfinished(*, now: datetime, each: Each = each_or_raise) -> int:
    """Remove the mappings that were never sent in their time, and count those that had been begun.

    Links of those that were sent go as well. Returns how many begun ones went.
    """
    has_link = Exists(MappingLink.objects.filter(mapping=OuterRef("pk")))
    over = InitialMapping.objects.filter(Q(sent_at=None) | has_link, expires_at__lte=now)
    return each(in_batches(over), lambda pk: _remove_one_over(pk, now))


def _remove_one_over(pk: int, now: datetime) -> int:
    """Look again under lock: one that got a new link or was sent since it was listed stays."""
    with transaction.atomic():
        lock_receiving()
        mapping = InitialMapping.objects.filter(pk=pk)
        over = mapping.select_for_update().filter(expires_at__lte=now)
        MappingLink.objects.filter(mapping__in=[one.pk for one in over]).delete()
        return _remove_over(mapping, now)


def _remove_over(mappings: QuerySet[InitialMapping], now: datetime) -> int:
    """Remove those whose time is over, in the caller's transaction. What is being sent just now is waited for."""
    over = list(mappings.select_for_update().filter(sent_at=None, expires_at__lte=now))
    begun = sum(mapping.started_at is not None for mapping in over)
    if begun:
        tally, _created = UnfinishedMapping.objects.get_or_create(removed_on=timezone.localdate(now))
        UnfinishedMapping.objects.filter(pk=tally.pk).update(count=F("count") + begun)
    InitialMapping.objects.filter(pk__in=[mapping.pk for mapping in over]).delete()
    for mapping in over:
        if mapping.enquiry_id is not None:
            # What was beside it is the enquiry's only one now.
            InitialMapping.objects.filter(beside=mapping.enquiry_id).update(enquiry=mapping.enquiry_id, beside=None)
    return begun


def _receive(mapping: InitialMapping, address_key: str, pause: PauseStatus, now: datetime) -> Enquiry:
    facts = ContactFacts(**{**mapping.facts, "delivery_modes": tuple(mapping.facts["delivery_modes"])})
    return receive_enquiry(
        submission=Submission(
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
        ),
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
    MappingLink.objects.create(mapping=mapping, secret_digest=secret_digest(secret), created_at=now)


def _locked(*, secret: str) -> InitialMapping | None:
    link = MappingLink.objects.filter(secret_digest=secret_digest(secret)).first()
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


def write_preparation_notes(*, enquiry_id: int, version: int, notes: str, by: User | None, now: datetime) -> Enquiry:
    """Replace the supervisor's notes for the first meeting; that it was done is kept, what stood there before is not.

    The same notes again change nothing, whatever the `version`. Raises ChangedMeanwhile for an old one,
    InitialMapping.DoesNotExist where no mapping has been sent.
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
