"""The waiting list in the admin, and the mails with a private link, which name the day of removal."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db.models import F, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from home.dates import finnish_day
from intake.choices import DeliveryMode, MailPurpose, MailState, PlanState, Status, StepKind, SupervisionForm
from intake.enquiry.mails import enquiry_of, to_sender
from intake.enquiry.models import Enquiry, EnquiryStep, may_act
from intake.mail.models import OutgoingMail
from intake.mail.queue import Handling, register
from intake.mailbox import is_same_address, same_address
from intake.waiting.mails import LIST_PURPOSES, link_mail
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.places import LINK_PURPOSES, is_mailable, record_steps, takes_new_clients
from intake.waiting.return_plan import list_is_being_notified, next_mailboxes
from intake.waiting.rules import by_mailbox, last_day_unreached, last_day_without_mail, removal_day


@dataclass(frozen=True, kw_only=True)
class Event:
    """A mail or an answer of a place, in words. `is_wrong`: the mail was not sent."""

    words: str
    is_wrong: bool = False


@dataclass(frozen=True, kw_only=True)
class Waiter:
    """One enquiry on the list. `number`: its position, starting at 1.

    `same_mailbox`: the references of other enquiries on the list from the same mailbox. `removed_on`: when it is
    removed automatically if no answer comes; None if it is not removed.
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
        """Whether the site notifies this one of the return; the supervisor contacts the others."""
        return is_mailable(self.place)

    @property
    def is_being_reached(self) -> bool:
        """Whether the first mail with the link is still being sent; after that the site will notify them."""
        return self.place.wants_mail and self.place.reached_at is None and self.link_mail_is_due

    @property
    def is_contacted_by_hand(self) -> bool:
        """Whether the supervisor contacts this one, because the site sends them no mail and is not about to."""
        return not self.gets_mail and not self.is_being_reached


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many on the list wish for one form of supervision or place to meet."""

    value: str
    label: str
    count: int


def places_on_the_list() -> QuerySet[WaitingPlace]:
    """Return the places on the list in order, with their enquiries."""
    # `closed_at=None` makes the database use the index of open enquiries (enquiry_open).
    waiting = WaitingPlace.objects.filter(enquiry__status=Status.WAITING_LIST, enquiry__closed_at=None)
    return waiting.select_related("enquiry").order_by("rank")


def read_list() -> list[Waiter]:
    """Return everybody on the list in order."""
    return _waiters(places_on_the_list())


def _waiters(rows: QuerySet[WaitingPlace]) -> list[Waiter]:
    """Return the waiters of `rows`, numbered in this order. `rows` must have all places on the list of each mailbox."""
    stays = EnquiryStep.objects.filter(kind=StepKind.ANSWERED_STAY)
    places = list(rows.prefetch_related(Prefetch("enquiry__steps", stays, to_attr="stays")))
    mailboxes = by_mailbox(places)
    mails = _mails(set(mailboxes))
    return [
        Waiter(
            number=number,
            place=place,
            same_mailbox=tuple(
                other.enquiry.reference for other in mailboxes[place.mailbox_key] if other.pk != place.pk
            ),
            removed_on=_removed_on(place, mailboxes[place.mailbox_key], mails[place.mailbox_key]),
            events=_events(place, mails[place.mailbox_key]),
            link_mail_is_due=any(
                mail.state in (MailState.QUEUED, MailState.SENDING)
                for mail in _link_mails(place, mails[place.mailbox_key])
            ),
        )
        for number, place in enumerate(places, start=1)
    ]


def _mails(mailboxes: set[str]) -> dict[str, list[OutgoingMail]]:
    """Return the mails of the list to each of these mailboxes, also those about enquiries that have left the list."""
    mails = OutgoingMail.objects.filter(
        purpose__in=(*LIST_PURPOSES, *LINK_PURPOSES), enquiry__waiting__mailbox_key__in=mailboxes
    )
    found: dict[str, list[OutgoingMail]] = {key: [] for key in mailboxes}
    for mail in mails.annotate(mailbox_key=F("enquiry__waiting__mailbox_key")).defer("subject", "text", "html"):
        found[mail.mailbox_key].append(mail)
    return found


def _link_mails(place: WaitingPlace, mails: list[OutgoingMail]) -> list[OutgoingMail]:
    """Return the mails with a private link to the address of this place, among those to its mailbox.

    Once one of them is sent, the address counts as reached, whichever of its places the link is for (_mark_reached).
    """
    of_address = [mail for mail in mails if is_same_address(mail.recipient, place.enquiry.email)]
    return [mail for mail in of_address if mail.purpose in LINK_PURPOSES]


def read_place(enquiry: Enquiry) -> Waiter | None:
    """Return the place of one enquiry; None if it is not on the list."""
    if enquiry.status != Status.WAITING_LIST:
        return None
    own = WaitingPlace.objects.filter(enquiry=enquiry).first()
    if own is None:
        return None
    on_the_list = places_on_the_list()
    of_mailbox = _waiters(on_the_list.filter(mailbox_key=own.mailbox_key))
    number = on_the_list.filter(rank__lte=own.rank).count()
    return next((replace(waiter, number=number) for waiter in of_mailbox if waiter.place.pk == own.pk), None)


def shares_by_form(waiters: Iterable[Waiter]) -> list[Share]:
    """Return how many wish for each form of supervision, without those that nobody wishes for."""
    counts = Counter(waiter.enquiry.supervision_form for waiter in waiters)
    return [Share(value=form, label=str(form.label), count=counts[form]) for form in SupervisionForm if counts[form]]


def shares_by_place(waiters: Iterable[Waiter]) -> list[Share]:
    """Return how many could meet in each place. A person who chose several places is counted in each."""
    counts = Counter(mode for waiter in waiters for mode in set(waiter.enquiry.delivery_modes))
    return [Share(value=mode, label=str(mode.label), count=counts[mode]) for mode in DeliveryMode if counts[mode]]


def removed_on(place: WaitingPlace, mailbox: list[WaitingPlace]) -> date | None:
    """Return Waiter.removed_on of a place. `mailbox`: the places of its mailbox on the list, with their enquiries."""
    return _removed_on(place, mailbox, _mails({place.mailbox_key})[place.mailbox_key])


def _removed_on(place: WaitingPlace, mailbox: list[WaitingPlace], mails: list[OutgoingMail]) -> date | None:
    """Return when the place is removed automatically (intake.waiting.upkeep); None if it is not.

    `mailbox`: the places of its mailbox on the list; `mails`: the mails to it. A suspicious place is not removed. A
    place that was notified of the return is removed only if a mail failed. An overdue place is removed today, but
    while a plan is notifying the list it is not removed.
    """
    day = _day_of_removal(place, mailbox, mails)
    today = timezone.localdate()
    if day is None or day >= today:
        return day
    return None if list_is_being_notified(timezone.now()) else today


def _day_of_removal(place: WaitingPlace, mailbox: list[WaitingPlace], mails: list[OutgoingMail]) -> date | None:
    if place.enquiry.is_quarantined:
        return None
    if not is_mailable(place):
        return last_day_without_mail(confirmed_at=place.confirmed_at, months=place.months)
    latest = _latest(mailbox)
    of_list = [mail for mail in mails if mail.purpose in LIST_PURPOSES]
    if any(mail.state == MailState.FAILED for mail in of_list):
        sent_at = [mail.sent_at for mail in of_list if mail.state == MailState.SENT and mail.sent_at]
        return last_day_unreached(confirmed_at=latest.confirmed_at, sent_at=sent_at, months=latest.months)
    if any(other.notified_at for other in mailbox if is_mailable(other)):
        return None
    asked = [mail.sent_at or mail.created_at for mail in of_list if mail.purpose == MailPurpose.STILL_WAITING]
    today = timezone.localdate()
    return removal_day(confirmed_at=latest.confirmed_at, asked_at=asked, months=latest.months, today=today)


def _latest(mailbox: list[WaitingPlace]) -> WaitingPlace:
    """Return the place that gets mail and was confirmed last. Its months apply to the mailbox, as in upkeep."""
    return max(filter(is_mailable, mailbox), key=lambda other: other.confirmed_at)


def _mark_reached(mail: OutgoingMail, now: datetime) -> None:
    """Record, for each place with this address, that a mail with the link to leave the list was sent to it."""
    if enquiry_of(mail).is_proof:
        return
    places = WaitingPlace.objects.filter(same_address("enquiry__email", mail.recipient), reached_at=None)
    places.update(reached_at=now)


def _link_mail_texts(mail: OutgoingMail, now: datetime) -> tuple[str, str]:
    """Return the texts with the day of removal as it is now: the mail may go out weeks after the person joined."""
    enquiry = enquiry_of(mail)
    if enquiry.is_proof:
        return mail.text, mail.html
    place = WaitingPlace.objects.select_related("enquiry").get(enquiry=enquiry)
    mailbox = list(places_on_the_list().filter(mailbox_key=place.mailbox_key))
    # The text must be true once the mail has arrived. Then the places of this address get mail (_mark_reached).
    for other in (place, *mailbox):
        if is_same_address(other.enquiry.email, enquiry.email):
            other.reached_at = other.reached_at or now
    day = removed_on(place, mailbox)
    # A mailbox that gets mail is asked once for all its places, at the interval of the place confirmed last.
    place.months = _latest(mailbox).months if is_mailable(place) else place.months
    texts = link_mail(place=place, purpose=MailPurpose(mail.purpose), removed_on=day)
    return texts.text, texts.html


def _is_on_list(mail: OutgoingMail, _now: datetime) -> bool:
    return enquiry_of(mail).status == Status.WAITING_LIST


def _withdraw_link_mail(mail: OutgoingMail, now: datetime) -> None:
    record_steps([enquiry_of(mail).pk], StepKind.MAIL_WITHDRAWN, now=now)
    mail.delete()


register(
    *LINK_PURPOSES,
    handling=Handling(
        addresses=to_sender,
        texts=_link_mail_texts,
        is_still_valid=_is_on_list,
        withdraw=_withdraw_link_mail,
        delivered=_mark_reached,
    ),
)


def _events(place: WaitingPlace, mails: list[OutgoingMail]) -> tuple[Event, ...]:
    """Return the events of a place in order. The mail may be about another place of the mailbox."""
    events = []
    if place.wants_mail and place.reached_at is None and not place.enquiry.is_quarantined:
        events.append(_not_reached(_link_mails(place, mails)))
    stays = place.enquiry.stays  # type: ignore[attr-defined]
    if stays:
        events.append(Event(words=_("Answered %(day)s: still waiting") % {"day": finnish_day(stays[-1].changed_at)}))
    if place.asked_at and place.asked_times:
        asked = _("Asked %(day)s whether still waiting") if place.asked_times == 1 else _("Asked again %(day)s")
        events.append(_mailed(mails, MailPurpose.STILL_WAITING, place.asked_at, asked))
    if place.removal_notice_at:
        events.append(_mailed(mails, MailPurpose.REMOVAL_NOTICE, place.removal_notice_at, _("Last note sent %(day)s")))
    if place.notified_at:
        events.append(_mailed(mails, MailPurpose.RETURN_NOTICE, place.notified_at, _("Told of the return %(day)s")))
    if place.reminded_at:
        events.append(_mailed(mails, MailPurpose.RETURN_REMINDER, place.reminded_at, _("Reminded %(day)s")))
    return tuple(events)


def _not_reached(mails: list[OutgoingMail]) -> Event:
    """Return the state of the mail with the link; no other mail is sent before it."""
    if not mails:
        return Event(words=_("No confirmation was sent: send the link, or contact them yourself"), is_wrong=True)
    mail = mails[-1]
    state = MailState.FAILED if mail.is_late else MailState(mail.state)
    values = {"mail": mail.get_purpose_display(), "state": str(state.label).lower()}
    return Event(words=_("%(mail)s: %(state)s") % values, is_wrong=mail.is_late)


def _mailed(mails: list[OutgoingMail], purpose: MailPurpose, queued_at: datetime, words: str) -> Event:
    """Return the state of the mailbox's latest mail of this purpose."""
    mail = max((mail for mail in mails if mail.purpose == purpose), key=lambda mail: mail.pk, default=None)
    if mail is None or mail.state == MailState.SENT:
        return Event(words=words % {"day": finnish_day((mail and mail.sent_at) or queued_at)})
    state = MailState.FAILED if mail.is_late else MailState(mail.state)
    values = {"mail": mail.get_purpose_display(), "state": str(state.label).lower()}
    return Event(words=_("%(mail)s: %(state)s") % values, is_wrong=mail.is_late)


@dataclass(frozen=True, kw_only=True)
class WaitingSummary:
    """Counts of the list.

    `running`: the running plan. `to_notify`: how many mailboxes this plan still has to notify. Without a running plan,
    how many a plan that is started now would notify; 0 while no new supervision is started.
    """

    total: int
    running: ReturnPlan | None
    to_notify: int
    takes_new_clients: bool

    @property
    def notified_in_the_end(self) -> int:
        """How many the running plan will have notified in total."""
        return self.to_notify + (self.running.notified if self.running else 0)


def waiting_summary(*, now: datetime) -> WaitingSummary:
    """Return the summary of the list for the dashboard."""
    running = ReturnPlan.objects.filter(state=PlanState.RUNNING).first()
    is_open = takes_new_clients(now)
    may_notify = running is not None or is_open
    return WaitingSummary(
        total=places_on_the_list().count(),
        running=running,
        takes_new_clients=is_open,
        to_notify=len(next_mailboxes(running or ReturnPlan())) if may_notify else 0,
    )


def show(request: HttpRequest) -> HttpResponse:
    """Show the list, filtered by `?form=group`. Unknown values are ignored."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    waiters = read_list()
    chosen = request.GET.get("form", "")
    if chosen not in SupervisionForm.values:
        chosen = ""
    context = {
        "waiters": [waiter for waiter in waiters if not chosen or waiter.enquiry.supervision_form == chosen],
        "total": len(waiters),
        "by_hand": sum(waiter.is_contacted_by_hand for waiter in waiters),
        "forms": shares_by_form(waiters),
        "places": shares_by_place(waiters),
        "chosen": chosen,
        "user_can_act": may_act(request.user),
    }
    return TemplateResponse(request, "intake/waiting/admin/list.html", context)
