"""Private links to a mapping: which mapping a link opens, and how long."""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from home.compiled_rows import row_by
from intake.choices import Kind, MailPurpose
from intake.enquiry.mails import enquiry_of
from intake.enquiry.models import Enquiry
from intake.enquiry.rules import receipt_is_fresh
from intake.jobs.runner import Each, each_or_raise
from intake.jobs.schedule import in_batches
from intake.locks import lock_receiving
from intake.mail.models import OutgoingMail
from intake.mail.queue import MadeLink, derived_secret, new_secret, register_link, secret_digest
from intake.mailbox import mailbox_key, mailbox_of
from intake.mapping.mails import MAPPING_LINK, draft_of, resume_mails
from intake.mapping.models import InitialMapping, MappingLink, UnfinishedMapping, expiry

_WITH_LINK = ("mapping", "mapping__enquiry", "mapping__parallel_to")


def find_link(secret: str, *, now: datetime) -> MappingLink | None:
    """Return the link with the mapping that it opens; None if it does not exist or has expired."""
    link = row_by(MappingLink, "secret_digest", secret_digest(secret), related=_WITH_LINK)
    if link is None:
        return None
    enquiry = link.mapping.parallel_to
    if enquiry is not None and link.mapping.started_at is None and enquiry.address_confirmed_at is not None:
        # merge_empty_parallel() has kept this empty mapping, but its link opens the enquiry's own mapping.
        first = InitialMapping.objects.filter(enquiry=enquiry, expires_at__gt=now)
        link.mapping = first.select_related("enquiry", "parallel_to").first() or link.mapping
    return link if link.mapping.expires_at > now else None


def page_link_for_enquiry(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret of the private link on the thank-you page; it is the same each time.

    It is derived from the receipt in the URL of that page. Otherwise the link works like one in a mail (_link_for).
    """
    secret = derived_secret("intake.mapping-page-link", enquiry.receipt)
    _link_to_enquiry(enquiry, secret, by_mail=False, now=now)
    return secret


def _link_for(mail: OutgoingMail, now: datetime) -> MadeLink:
    """Make a new private link for a mail, to its enquiry's mapping, which is created if needed.

    The link opens existing answers only if they were begun by a mailed link too, or if the sender has confirmed the
    address. Otherwise it opens an empty mapping. Earlier links stay valid. A link to a mapping that was not started is
    valid for a whole lifetime from now (intake.mapping.models.expiry). The mail of an unfinished draft has a link to
    that draft. Raises Enquiry.DoesNotExist or InitialMapping.DoesNotExist if the enquiry or the draft was removed.
    """
    secret = new_secret()
    if mail.purpose != MailPurpose.MAPPING_RESUME:
        mapping = _link_to_enquiry(enquiry_of(mail), secret, by_mail=True, now=now)
        return MadeLink(secret=secret, last_day=mapping.last_day)
    draft = draft_of(mail)
    if draft is None:
        raise InitialMapping.DoesNotExist
    MappingLink.objects.create(
        mapping=draft,
        by_mail=True,
        mailbox_key=mailbox_key(mail.recipient),
        secret_digest=secret_digest(secret),
        created_at=now,
    )
    return MadeLink(secret=secret, last_day=draft.last_day)


register_link(MAPPING_LINK, _link_for)


def mapping_to_link(enquiry: Enquiry, *, by_mail: bool) -> InitialMapping | None:
    """Return the mapping of this enquiry that a link opens; None if an empty one has to be created."""
    return _to_link(enquiry, _mappings_of(enquiry), by_mail=by_mail)


def _mappings_of(enquiry: Enquiry) -> list[InitialMapping]:
    """Return the enquiry's own mapping and the parallel one, as far as there are any."""
    return list(InitialMapping.objects.filter(Q(enquiry=enquiry) | Q(parallel_to=enquiry)).order_by("pk"))


def may_open_answers(mapping: InitialMapping, *, by_mail: bool) -> bool:
    """Return whether a link of this kind may open the answers.

    The e-mail address may be mistyped. So answers that were begun by the other kind of link stay closed until the
    sender has confirmed the address.
    """
    return mapping.begun_by_mail in (None, by_mail) or _is_confirmed(mapping)


def may_show_letter(mapping: InitialMapping, *, by_mail: bool) -> bool:
    """Return whether a link of this kind may show the contact facts, and the message if the mapping began from one.

    A link in a mail may show them in two cases only: they were given on the mapping's own first step, which this link
    could open before the mapping was sent, or the sender has confirmed the address.
    """
    enquiry = mapping.source_enquiry
    are_own = enquiry is None or (enquiry.kind == Kind.MAPPING and mapping.begun_by_mail is None)
    return not by_mail or are_own or _is_confirmed(mapping)


def may_copy(mapping: InitialMapping, *, by_mail: bool, now: datetime) -> bool:
    """Return whether the sender can get a copy of the answers by a link of this kind now."""
    is_fresh = mapping.sent_at is not None and receipt_is_fresh(mapping.sent_at, now)
    return is_fresh and may_open_answers(mapping, by_mail=by_mail)


def _is_confirmed(mapping: InitialMapping) -> bool:
    enquiry = mapping.source_enquiry
    return enquiry is not None and enquiry.address_confirmed_at is not None


def _to_link(enquiry: Enquiry, mappings: list[InitialMapping], *, by_mail: bool) -> InitialMapping | None:
    first = next((mapping for mapping in mappings if mapping.enquiry_id == enquiry.pk), None)
    other = next((mapping for mapping in mappings if mapping.parallel_to_id == enquiry.pk), None)
    if other is not None and other.begun_by_mail == by_mail:
        return other
    if first is None or first.is_sent or may_open_answers(first, by_mail=by_mail):
        return first
    return other


def _link_to_enquiry(enquiry: Enquiry, secret: str, *, by_mail: bool, now: datetime) -> InitialMapping:
    with transaction.atomic():
        # Lock in the same order as send_mapping().
        lock_receiving()
        enquiry = Enquiry.with_proofs.select_for_update().get(pk=enquiry.pk)
        remove_expired(InitialMapping.objects.filter(Q(enquiry=enquiry) | Q(parallel_to=enquiry)), now)
        mappings = _mappings_of(enquiry)
        mapping = _to_link(enquiry, mappings, by_mail=by_mail)
        if mapping is None:
            has_first = any(one.enquiry_id == enquiry.pk for one in mappings)
            mapping = _make_empty(enquiry, is_parallel=has_first, expires_at=expiry(now), now=now)
        elif mapping.started_at is None:
            InitialMapping.objects.filter(pk=mapping.pk, started_at=None).update(expires_at=expiry(now))
            mapping.refresh_from_db(fields=["expires_at"])
        MappingLink.objects.update_or_create(
            secret_digest=secret_digest(secret),
            defaults={"mapping": mapping},
            create_defaults={"mapping": mapping, "by_mail": by_mail, "created_at": now},
        )
    return mapping


def _make_empty(enquiry: Enquiry, *, is_parallel: bool, expires_at: datetime, now: datetime) -> InitialMapping:
    return InitialMapping.objects.create(
        enquiry=None if is_parallel else enquiry,
        parallel_to=enquiry if is_parallel else None,
        submission_id=uuid.uuid4() if is_parallel else enquiry.submission_id,
        created_at=now,
        expires_at=expires_at,
    )


def record_beginning(mapping: InitialMapping, *, by_mail: bool, now: datetime) -> None:
    """Record how a mapping was started, and point the links of the other kind to an empty parallel one."""
    enquiry = mapping.source_enquiry
    if enquiry is not None:
        mapping.begun_by_mail = by_mail
        others = mapping.links.filter(by_mail=not by_mail)
        if mapping.enquiry and enquiry.address_confirmed_at is None and others.exists():
            # There is no parallel mapping yet: _link_to_enquiry() makes one only if the first one has begun.
            others.update(mapping=_make_empty(enquiry, is_parallel=True, expires_at=mapping.expires_at, now=now))
    mapping.started_at, mapping.expires_at = now, expiry(now)


def confirm_address(*, enquiry_id: int, now: datetime) -> None:
    """Record that the sender confirmed the e-mail address: links in mails open the same answers from now on.

    Two mappings that were already started stay apart.
    """
    with transaction.atomic():
        lock_receiving()
        enquiry = Enquiry.with_proofs.select_for_update().get(pk=enquiry_id)
        enquiry.address_confirmed_at = enquiry.address_confirmed_at or now
        enquiry.save(update_fields=["address_confirmed_at"])
        merge_empty_parallel(enquiry)


def merge_empty_parallel(enquiry: Enquiry) -> None:
    """Delete an empty parallel mapping and point its links to the enquiry's own.

    If the empty mapping expires later, it is kept until the enquiry's own is sent, because mails have named its last
    day. Its links open the enquiry's own mapping (find_link), and after the removal of that one the empty mapping.
    """
    first = InitialMapping.objects.select_for_update().filter(enquiry=enquiry).first()
    empty = InitialMapping.objects.select_for_update().filter(parallel_to=enquiry, started_at=None).first()
    if first and empty and (first.is_sent or empty.expires_at <= first.expires_at):
        MappingLink.objects.filter(mapping=empty).update(mapping=first)
        empty.delete()


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
        return remove_expired(mapping, now)


def remove_expired(mappings: QuerySet[InitialMapping], now: datetime) -> int:
    """Remove expired unsent mappings in the caller's transaction. Returns how many had been started."""
    expired = list(mappings.select_for_update().filter(sent_at=None, expires_at__lte=now))
    begun = sum(mapping.started_at is not None for mapping in expired)
    if begun:
        tally, _created = UnfinishedMapping.objects.get_or_create(removed_on=timezone.localdate(now))
        UnfinishedMapping.objects.filter(pk=tally.pk).update(count=F("count") + begun)
    for mapping in expired:
        remove_unsent(mapping)
    return begun


def unsent_of_mailbox(address: str) -> list[InitialMapping]:
    """Return the unsent mappings without an enquiry whose contact facts have this mailbox, also with another +tag."""
    mailbox = mailbox_of(address)
    unsent = InitialMapping.objects.filter(enquiry=None, parallel_to=None, sent_at=None)
    found = unsent.order_by("expires_at").only("facts", "expires_at", "enquiry")
    return [mapping for mapping in found.iterator() if mailbox_of(mapping.facts["email"]) == mailbox]


def remove_unsent_of_mailbox(address: str) -> int:
    """Remove the mappings of unsent_of_mailbox(), with their links and mails. Returns how many there were."""
    with transaction.atomic():
        # While this lock is held, no address is changed and no mapping is sent.
        lock_receiving()
        unsent = unsent_of_mailbox(address)
        list(InitialMapping.objects.select_for_update().filter(pk__in=[mapping.pk for mapping in unsent]))
        for mapping in unsent:
            remove_unsent(mapping)
    return len(unsent)


def remove_unsent(mapping: InitialMapping) -> None:
    """Remove a locked, unsent mapping with its links, and the mail with its link."""
    resume_mails(mapping.pk).delete()
    InitialMapping.objects.filter(pk=mapping.pk).delete()
    if mapping.enquiry_id is not None:
        # The parallel mapping becomes the enquiry's own.
        InitialMapping.objects.filter(parallel_to=mapping.enquiry_id).update(
            enquiry=mapping.enquiry_id, parallel_to=None
        )
