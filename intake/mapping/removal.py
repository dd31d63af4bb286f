"""Removing mappings that were not sent in time."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from intake.jobs.runner import Each, each_or_raise
from intake.jobs.schedule import in_batches
from intake.locks import lock_receiving
from intake.mapping.models import InitialMapping, MappingLink, UnfinishedMapping

LIFETIME = timedelta(days=30)


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
    InitialMapping.objects.filter(pk__in=[mapping.pk for mapping in expired]).delete()
    for mapping in expired:
        if mapping.enquiry_id is not None:
            # The parallel mapping becomes the enquiry's own.
            InitialMapping.objects.filter(parallel_to=mapping.enquiry_id).update(
                enquiry=mapping.enquiry_id, parallel_to=None
            )
    return begun
