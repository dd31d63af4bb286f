"""The waiting list as the supervisor reads it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from home.dates import finnish_day
from home.pause.models import PauseNotice
from intake.choices import DeliveryMode, MailPurpose, MailState, PlanState, Status, StepKind, SupervisionForm
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.mail.models import OutgoingMail
from intake.rights import may_act
from intake.waiting.mails import LIST_PURPOSES
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.places import LINK_PURPOSES, is_tellable
from intake.waiting.return_plan import next_mailboxes
from intake.waiting.rules import last_day, leaves_on


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that the list, or its sender, has told or answered. `is_wrong`: a mail that has not gone out."""

    words: str
    is_wrong: bool = False


@dataclass(frozen=True, kw_only=True)
class Waiter:
    """One enquiry on the list. `number` is its place among all of them, 1 the first.

    `same_mailbox` has the references of the others on the list that were sent from the same mailbox. `removed_on` is
    the day on which the clock removes it if nothing is heard, None where the clock does not.
    """

    number: int
    place: WaitingPlace
    same_mailbox: tuple[str, ...]
    removed_on: date | None
    events: tuple[Event, ...]
    link_mail_is_due: bool

    @property
    def enquiry(self) -> Enquiry:
        return self.place.enquiry

    @property
    def gets_mail(self) -> bool:
        """Whether the site tells this one of the return; the others are the supervisor's to contact."""
        return is_tellable(self.place)

    @property
    def is_being_reached(self) -> bool:
        """Whether the mail that is to reach them first is still on its way; then the site will tell them."""
        return self.place.wants_mail and self.place.reached_at is None and self.link_mail_is_due


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many on the list wish for a form or a place to meet."""

    value: str
    label: str
    count: int


def places_on_the_list() -> QuerySet[WaitingPlace]:
    """Return the places of those who are on the list now, in its order, each with its enquiry."""
    return WaitingPlace.objects.filter(enquiry__status=Status.WAITING_LIST).select_related("enquiry").order_by("rank")


def read_list() -> list[Waiter]:
    """Return everybody on the list, in its order."""
    mails = OutgoingMail.objects.filter(purpose__in=(*LIST_PURPOSES, *LINK_PURPOSES))
    stays = EnquiryStep.objects.filter(kind=StepKind.ANSWERED_STAY)
    places = places_on_the_list().prefetch_related(
        Prefetch("enquiry__mails", mails, to_attr="list_mails"), Prefetch("enquiry__steps", stays, to_attr="stays")
    )
    mailboxes: dict[str, _Mailbox] = {}
    for place in places:
        mailboxes.setdefault(place.mailbox_key, _Mailbox()).add(place)
    return [
        Waiter(
            number=number,
            place=place,
            same_mailbox=mailboxes[place.mailbox_key].references_beside(place),
            removed_on=_removed_on(place, mailboxes[place.mailbox_key]),
            events=_events(place, mailboxes[place.mailbox_key].mails),
            link_mail_is_due=any(
                mail.purpose in LINK_PURPOSES and mail.state in (MailState.QUEUED, MailState.SENDING)
                for mail in place.enquiry.list_mails  # type: ignore[attr-defined]
            ),
        )
        for number, place in enumerate(places, start=1)
    ]


def read_place(enquiry: Enquiry) -> Waiter | None:
    """Return the place of one enquiry; None where it is not on the list."""
    if enquiry.status != Status.WAITING_LIST:
        return None
    return next((waiter for waiter in read_list() if waiter.enquiry.pk == enquiry.pk), None)


def shares_by_form(waiters: Iterable[Waiter]) -> list[Share]:
    """Return how many wish for each form; forms that nobody wishes for are left out."""
    counts = Counter(waiter.enquiry.supervision_form for waiter in waiters)
    return [Share(value=form, label=str(form.label), count=counts[form]) for form in SupervisionForm if counts[form]]


def shares_by_place(waiters: Iterable[Waiter]) -> list[Share]:
    """Return how many could meet in each place. Who named several is counted in each."""
    counts = Counter(mode for waiter in waiters for mode in set(waiter.enquiry.delivery_modes))
    return [Share(value=mode, label=str(mode.label), count=counts[mode]) for mode in DeliveryMode if counts[mode]]


class _Mailbox:
    """The places on the list that were asked for from one mailbox, and what has been written to it."""

    def __init__(self) -> None:
        self.places: list[WaitingPlace] = []
        self.mails: list[OutgoingMail] = []

    def add(self, place: WaitingPlace) -> None:
        """Add a place that read_list() has fetched."""
        self.places.append(place)
        self.mails += place.enquiry.list_mails  # type: ignore[attr-defined]

    def references_beside(self, place: WaitingPlace) -> tuple[str, ...]:
        return tuple(other.enquiry.reference for other in self.places if other.pk != place.pk)


def _removed_on(place: WaitingPlace, mailbox: _Mailbox) -> date | None:
    """Return when the clock removes the place; never one that is held suspicious or has been told of the return."""
    if place.enquiry.is_quarantined or any(other.called_at for other in mailbox.places):
        return None
    if not is_tellable(place):
        return last_day(confirmed_at=place.confirmed_at, months=place.months)
    asked = [mail.sent_at or mail.created_at for mail in mailbox.mails if mail.purpose == MailPurpose.STILL_WAITING]
    latest = max((other for other in mailbox.places if is_tellable(other)), key=lambda other: other.confirmed_at)
    return leaves_on(confirmed_at=latest.confirmed_at, asked_at=asked, months=latest.months)


def _events(place: WaitingPlace, mails: list[OutgoingMail]) -> tuple[Event, ...]:
    """Say what was asked, answered and told, the latest last. The mail may be about another place of the mailbox."""
    events = []
    if place.wants_mail and place.reached_at is None and not place.enquiry.is_quarantined:
        events.append(_not_reached(place))
    stays = place.enquiry.stays  # type: ignore[attr-defined]
    if stays:
        events.append(Event(words=_("Answered %(day)s: still waiting") % {"day": finnish_day(stays[-1].changed_at)}))
    if place.asked_at and place.asked_times:
        asked = _("Asked %(day)s whether still waiting") if place.asked_times == 1 else _("Asked again %(day)s")
        events.append(_mailed(mails, MailPurpose.STILL_WAITING, place.asked_at, asked))
    if place.parting_at:
        events.append(_mailed(mails, MailPurpose.LAST_NOTE, place.parting_at, _("Last note sent %(day)s")))
    if place.called_at:
        events.append(_mailed(mails, MailPurpose.RETURN_NOTICE, place.called_at, _("Told of the return %(day)s")))
    if place.reminded_at:
        events.append(_mailed(mails, MailPurpose.RETURN_REMINDER, place.reminded_at, _("Reminded %(day)s")))
    return tuple(events)


def _not_reached(place: WaitingPlace) -> Event:
    """Say what has become of the mail with the link, before which the site writes nothing else."""
    mails = [mail for mail in place.enquiry.list_mails if mail.purpose in LINK_PURPOSES]  # type: ignore[attr-defined]
    if not mails:
        return Event(words=_("No confirmation was sent: send the link, or contact them yourself"), is_wrong=True)
    mail = mails[-1]
    state = MailState.FAILED if mail.is_late else MailState(mail.state)
    said = {"mail": mail.get_purpose_display(), "state": str(state.label).lower()}
    return Event(words=_("%(mail)s: %(state)s") % said, is_wrong=mail.is_late)


def _mailed(mails: list[OutgoingMail], purpose: MailPurpose, queued_at: datetime, words: str) -> Event:
    """Say how the mailbox's latest mail of this purpose fared."""
    mail = max((mail for mail in mails if mail.purpose == purpose), key=lambda mail: mail.pk, default=None)
    if mail is None or mail.state == MailState.SENT:
        return Event(words=words % {"day": finnish_day((mail and mail.sent_at) or queued_at)})
    state = MailState.FAILED if mail.is_late else MailState(mail.state)
    said = {"mail": mail.get_purpose_display(), "state": str(state.label).lower()}
    return Event(words=_("%(mail)s: %(state)s") % said, is_wrong=mail.is_late)


@dataclass(frozen=True, kw_only=True)
class WaitingSummary:
    """`total` are on the list. `running` is the plan that tells the return, `to_tell` how many it, or a plan that
    could be made now, has still to tell: 0 during a pause, when none can."""

    total: int
    running: ReturnPlan | None
    to_tell: int
    is_paused: bool

    @property
    def all_told(self) -> int:
        """How many the running plan will have told in the end."""
        return self.to_tell + (self.running.told if self.running else 0)


def waiting_summary(*, now: datetime) -> WaitingSummary:
    """Return what the first page says of the list."""
    running = ReturnPlan.objects.filter(state=PlanState.RUNNING).first()
    is_paused = PauseNotice.load().status(now=now).is_paused
    can_tell = running is not None or not is_paused
    return WaitingSummary(
        total=places_on_the_list().count(),
        running=running,
        is_paused=is_paused,
        to_tell=len(next_mailboxes(running or ReturnPlan())) if can_tell else 0,
    )


def show(request: HttpRequest) -> HttpResponse:
    """Show the list, or those of it who wish for one form: `?form=group`. Another word there filters nothing."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    waiters = read_list()
    chosen = request.GET.get("form", "")
    if chosen not in SupervisionForm.values:
        chosen = ""
    context = {
        "waiters": [waiter for waiter in waiters if not chosen or waiter.enquiry.supervision_form == chosen],
        "total": len(waiters),
        "by_hand": sum(1 for waiter in waiters if not waiter.gets_mail and not waiter.is_being_reached),
        "forms": shares_by_form(waiters),
        "places": shares_by_place(waiters),
        "chosen": chosen,
        "user_can_act": may_act(request.user),
    }
    return TemplateResponse(request, "intake/waiting/admin/list.html", context)
