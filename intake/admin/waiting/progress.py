"""How a plan of the return has fared: who has been told, what they answered, and whose mail has not gone out."""

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from django.db.models import Prefetch

from intake.choices import MailPurpose, MailState, Outcome, Status, StepKind
from intake.models.enquiry import Enquiry, EnquiryStep
from intake.models.outgoing_mail import OutgoingMail
from intake.models.waiting import ReturnPlan, WaitingPlace
from intake.services.return_mails import plan_occasion


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Counts of mailboxes that the plan has told; `told` is all of them.

    `yes` and `no` answered, `silent` were closed without an answer, `unanswered` may still answer, `handled` the
    supervisor has taken on herself, `removed` are not there any more. `unsent` are enquiries whose notice the mail
    server has not taken, `on_the_way` how many notices it is being given.
    """

    plan: ReturnPlan
    yes: int
    no: int
    silent: int
    unanswered: int
    handled: int
    removed: int
    on_the_way: int
    unsent: tuple[Enquiry, ...]

    @property
    def told(self) -> int:
        return self.plan.told


def progress(plan: ReturnPlan) -> Progress:
    """Return how the plan has fared so far."""
    answers = EnquiryStep.objects.filter(
        kind__in=(StepKind.ANSWERED_YES, StepKind.ANSWERED_NO), changed_at__gte=plan.created_at
    )
    places = (
        WaitingPlace.objects.filter(plan=plan)
        .select_related("enquiry")
        .prefetch_related(Prefetch("enquiry__steps", answers, to_attr="answers"))
        .order_by("mailbox_key", "rank")
    )
    fates = [_fate(list(of_mailbox)) for _key, of_mailbox in groupby(places, key=attrgetter("mailbox_key"))]
    notices = OutgoingMail.objects.filter(
        purpose=MailPurpose.RETURN_NOTICE, occasion=plan_occasion(plan.pk)
    ).select_related("enquiry")
    unsent = [mail for mail in notices if mail.is_late]
    under_way = [mail for mail in notices if mail.state in (MailState.QUEUED, MailState.SENDING)]
    return Progress(
        plan=plan,
        yes=fates.count("yes"),
        no=fates.count("no"),
        silent=fates.count("silent"),
        unanswered=fates.count("unanswered"),
        handled=fates.count("handled"),
        removed=max(0, plan.told - len(fates)),
        on_the_way=len([mail for mail in under_way if not mail.is_late]),
        unsent=tuple(mail.enquiry for mail in unsent if mail.enquiry),
    )


def _fate(places: list[WaitingPlace]) -> str:
    """Return what became of one mailbox: its latest answer, else where its enquiries stand."""
    answers = [step for place in places for step in place.enquiry.answers]  # type: ignore[attr-defined]
    if answers:
        latest = max(answers, key=attrgetter("changed_at", "pk"))
        return "yes" if latest.kind == StepKind.ANSWERED_YES else "no"
    if any(place.enquiry.status == Status.WAITING_LIST for place in places):
        return "unanswered"
    if all(place.enquiry.outcome == Outcome.NO_RESPONSE for place in places):
        return "silent"
    return "handled"
