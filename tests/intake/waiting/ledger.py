"""The events of a simulated story so far, and the invariants that must hold in every story."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Sum

from home.pause.rules import calendar_day
from intake.choices import MailPurpose, MailState, Outcome, PlanState, Status, Verdict
from intake.mailbox import mailbox_key
from intake.models import Enquiry, OutgoingMail, RemovedEnquiry, ReturnPlan, WaitingPlace
from intake.waiting.mails import LIST_PURPOSES
from intake.waiting.places import takes_new_clients
from tests.intake.waiting.post_office import PostOffice


def _mailable() -> list[WaitingPlace]:
    """Return everybody on the list who gets mail, without the code under test."""
    return [
        place
        for place in WaitingPlace.objects.select_related("enquiry")
        if place.enquiry.status == Status.WAITING_LIST
        and place.enquiry.verdict == Verdict.ACCEPTED
        and place.wants_mail
    ]


def _notices(plan: ReturnPlan, **states: object) -> set[str | None]:
    """The mailboxes with a notice of the plan."""
    notices = OutgoingMail.objects.filter(
        purpose=MailPurpose.RETURN_NOTICE, deduplication_key=f"plan-{plan.pk}", **states
    )
    return set(notices.values_list("enquiry__waiting__mailbox_key", flat=True))


def _needs_notice(place: WaitingPlace) -> bool:
    """Return whether no notice was sent to this place or is queued for it; a failed notice does not count."""
    if place.notified_at is None:
        return True
    assert place.plan is not None
    return place.mailbox_key in _notices(place.plan, state=MailState.FAILED)


def _is_leaving(place: WaitingPlace) -> bool:
    """Return whether the removal notice was sent or is being sent."""
    notices = OutgoingMail.objects.filter(
        purpose=MailPurpose.REMOVAL_NOTICE, enquiry__waiting__mailbox_key=place.mailbox_key
    )
    gone = notices.filter(state__in=(MailState.SENT, MailState.SENDING), created_at__gt=place.confirmed_at)
    return place.removal_notice_at is not None and gone.exists()


@dataclass(frozen=True)
class Before:
    """The state before a round of the worker."""

    statuses: dict[int, str]
    places: dict[int, WaitingPlace]
    mails: list[OutgoingMail]
    turns: list[str]
    running: int | None

    def mailbox_of(self, mail: OutgoingMail) -> str:
        return self.places[mail.enquiry_id].mailbox_key if mail.enquiry_id in self.places else ""


def _days_named(mails: list[OutgoingMail]) -> dict[str, timedelta]:
    """Return the days to answer that each of these mails states, by purpose."""
    found = {mail.purpose: re.search(r"(\d+)\s+päivän\s+kuluessa", mail.text) for mail in mails}
    return {purpose: timedelta(days=int(days[1])) for purpose, days in found.items() if days}


class Ledger:
    """Arrivals by (purpose, deduplication_key, mailbox), and what has happened so far."""

    def __init__(self, server: PostOffice) -> None:
        self.server = server
        self.seen = 0
        self.arrivals: dict[tuple[str, str, str], list[date]] = {}
        # The Message-IDs that arrived, and those of them whose delivery was not confirmed to the site.
        self.messages: dict[tuple[str, str, str], set[str]] = {}
        self.in_doubt: dict[tuple[str, str, str], set[str]] = {}
        # Counts of events, to show that the stories cover enough.
        self.happened: Counter[str] = Counter()
        self.days = 0

    def before(self) -> Before:
        return Before(
            statuses=dict(Enquiry.objects.values_list("pk", "status")),
            places={place.enquiry_id: place for place in WaitingPlace.objects.select_related("enquiry")},
            mails=list(OutgoingMail.objects.filter(purpose__in=LIST_PURPOSES)),
            turns=self._turns(),
            running=ReturnPlan.objects.filter(state=PlanState.RUNNING).values_list("pk", flat=True).first(),
        )

    def _turns(self) -> list[str]:
        """Return the mailboxes that the running plan must notify, in order."""
        plan = ReturnPlan.objects.filter(state=PlanState.RUNNING).first()
        if plan is None:
            return []
        notified = _notices(plan)
        waiting = [place for place in _mailable() if not _is_leaving(place) and _needs_notice(place)]
        first = [place for place in waiting if place.enquiry.supervision_form == plan.first_form]
        rest = [place for place in waiting if place not in first]
        turns: list[str] = []
        for places in (first, rest):
            for place in sorted(places, key=lambda place: place.rank):
                if place.mailbox_key not in notified and place.mailbox_key not in turns:
                    turns.append(place.mailbox_key)
        return turns

    def check_round(self, before: Before, now: datetime) -> None:
        """Assert that the worker's round did only what is allowed."""
        self._check_calls(before, now)
        rows = Enquiry.objects.values_list("pk", "status", "outcome")
        after = {pk: (status, outcome) for pk, status, outcome in rows}
        for pk, status in before.statuses.items():
            if pk not in after:
                self._check_removal(before, pk, now)
                self.happened["removed"] += 1
            elif status == Status.WAITING_LIST and after[pk][0] == Status.CLOSED:
                assert after[pk][1] == Outcome.NO_RESPONSE
                self._check_closing(before, before.places[pk], now)
                self.happened["closed"] += 1
            else:
                assert after[pk][0] == status
        if before.running and ReturnPlan.objects.get(pk=before.running).state == PlanState.FINISHED:
            self.happened["finished"] += 1
            notified = _notices(ReturnPlan.objects.get(pk=before.running))
            skipped = [
                place
                for place in _mailable()
                if not _is_leaving(place) and _needs_notice(place) and place.mailbox_key not in notified
            ]
            assert skipped == []

    def _check_calls(self, before: Before, now: datetime) -> None:
        if before.running is None:
            return
        notified = WaitingPlace.objects.filter(plan=before.running, notified_at=now)
        old = {place.pk for place in before.places.values() if place.notified_at == now}
        mails = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE, created_at=now).order_by("pk")
        keys = list(mails.values_list("enquiry__waiting__mailbox_key", flat=True))
        new = [key for key in keys if key in set(notified.exclude(pk__in=old).values_list("mailbox_key", flat=True))]
        assert new == before.turns[: len(new)], "not notified in order"
        if new:
            assert takes_new_clients(now)
            assert 9 <= now.hour < 20

    def _check_closing(self, before: Before, place: WaitingPlace, now: datetime) -> None:
        plan = place.plan
        assert plan is not None
        deduplication_key = f"plan-{plan.pk}"
        notices = self.arrivals.get((MailPurpose.RETURN_NOTICE, deduplication_key, place.mailbox_key), [])
        reminders = self.arrivals.get((MailPurpose.RETURN_REMINDER, deduplication_key, place.mailbox_key), [])
        assert notices, "closed without a notice"
        assert reminders, "closed without a reminder"
        own = [mail for mail in before.mails if mail.deduplication_key == deduplication_key]
        days = _days_named([mail for mail in own if before.mailbox_of(mail) == place.mailbox_key])
        # The last mails count: somebody who was put back on the list is notified again.
        assert reminders[-1] - notices[-1] >= days[MailPurpose.RETURN_NOTICE]
        assert calendar_day(now) - reminders[-1] >= days[MailPurpose.RETURN_REMINDER]

    def _check_removal(self, before: Before, pk: int, now: datetime) -> None:
        place = before.places[pk]
        assert before.statuses[pk] == Status.WAITING_LIST
        assert now - place.confirmed_at >= timedelta(days=360)
        if not place.wants_mail:
            return
        of_mailbox = {pk: other for pk, other in before.places.items() if other.mailbox_key == place.mailbox_key}
        # Joining again counts as a confirmation.
        confirmed_at = max(
            other.confirmed_at
            for other in of_mailbox.values()
            if other.wants_mail
            and other.enquiry.verdict == Verdict.ACCEPTED
            and other.enquiry.status == Status.WAITING_LIST
        )
        own_mails = [mail for mail in before.mails if mail.enquiry_id in of_mailbox]
        asked = Counter(
            mail.purpose for mail in own_mails if mail.state == MailState.SENT and mail.created_at > confirmed_at
        )
        if asked[MailPurpose.REMOVAL_NOTICE]:
            assert place.notified_at is None
            assert asked[MailPurpose.STILL_WAITING] == 2, "removed without being asked twice"
            return
        assert any(mail.state == MailState.FAILED for mail in own_mails), "removed without a removal notice"
        reached = max([confirmed_at, *(mail.sent_at for mail in own_mails if mail.sent_at)])
        assert now - reached >= timedelta(days=360), "removed though mail has reached them"
        self.happened["unreachable"] += 1

    def count_arrivals(self, now: datetime) -> None:
        """Record what the server received, and assert that no mail came twice with different Message-IDs.

        No mail about a return may arrive during a pause. A mail whose delivery was not confirmed may be withdrawn and
        replaced by another one.
        """
        for purpose, deduplication_key, recipient, message_id in self.server.taken[self.seen :]:
            key = (purpose, deduplication_key, mailbox_key(recipient))
            self.arrivals.setdefault(key, []).append(calendar_day(now))
            if not OutgoingMail.objects.filter(message_id=message_id, state=MailState.SENT).exists():
                self.in_doubt.setdefault(key, set()).add(message_id)
            if purpose != MailPurpose.PAUSE_REMINDER:
                messages = self.messages.setdefault(key, set())
                # A mail whose key was changed, because its place was put back on the list, no longer counts.
                known = OutgoingMail.objects.filter(message_id__in=messages)
                messages -= set(known.exclude(deduplication_key=deduplication_key).values_list("message_id", flat=True))
                messages.add(message_id)
                assert len(messages - self.in_doubt.get(key, set())) <= 1, f"two mails: {purpose}"
            if purpose in (MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER):
                assert takes_new_clients(now), "notified of the return during a pause, or while full"
        self.seen = len(self.server.taken)

    def forget_erased(self) -> None:
        """Forget the mailboxes without a place: one that joins again is new to the site."""
        known = set(WaitingPlace.objects.values_list("mailbox_key", flat=True))
        for key in [key for key in self.arrivals if key[2] not in known]:
            del self.arrivals[key]
            self.messages.pop(key, None)
            self.in_doubt.pop(key, None)

    def check_always(self) -> None:
        """Assert the invariants that hold at every moment."""
        removed = RemovedEnquiry.objects.aggregate(all=Sum("count"))["all"] or 0
        assert Enquiry.objects.count() + removed == self.happened["joined"], "somebody was lost"
        assert ReturnPlan.objects.filter(state=PlanState.RUNNING).count() <= 1
        per_day: Counter[tuple[str, date]] = Counter()
        with_notice = set()
        notices = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE)
        for deduplication_key, created_at, key in notices.values_list(
            "deduplication_key", "created_at", "enquiry__waiting__mailbox_key"
        ):
            per_day[deduplication_key, calendar_day(created_at)] += 1
            with_notice.add((deduplication_key, key))
        limits = {f"plan-{plan.pk}": plan.per_day for plan in ReturnPlan.objects.all()}
        assert all(count <= limits[deduplication_key] for (deduplication_key, _day), count in per_day.items()), (
            "too many a day"
        )
        for place in _mailable():
            if place.notified_at is not None:
                assert (f"plan-{place.plan_id}", place.mailbox_key) in with_notice, (
                    "counts as notified, without a notice"
                )
