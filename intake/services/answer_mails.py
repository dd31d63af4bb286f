"""Telling the supervisor what somebody has answered by the private link to the waiting list: at most a mail a day."""

from datetime import date, datetime, timedelta

from home.pause import CALENDAR, calendar_day
from intake.choices import MailPurpose, MailState
from intake.models.outgoing_mail import OutgoingMail
from intake.models.waiting import WaitingPlace
from intake.services.queueing import queue_waiting_answer
from intake.waiting.answers import Answer
from intake.waiting.rules import DAY_BEGINS


def tell_of_answer(*, place: WaitingPlace, answer: Answer, now: datetime) -> None:
    """Let the supervisor know the latest answer, YES or NO, if it is not what she knows; in the caller's transaction.

    She knows what the last mail that has gone out said; before the first one since this place was told of the return,
    that nobody has said yes. A mail that is still waiting gives way to the latest answer. One that has gone out today
    makes the next one wait until tomorrow, so that whoever has the link can't fill her mailbox.
    """
    mails = OutgoingMail.objects.filter(enquiry=place.enquiry_id, purpose=MailPurpose.WAITING_ANSWER)
    mails.filter(state__in=(MailState.QUEUED, MailState.FAILED)).delete()
    latest = mails.order_by("pk").last()
    told_on, told = _read_occasion(latest.occasion) if latest else (None, Answer.NO)
    if latest and place.called_at and latest.created_at < place.called_at:
        told = Answer.NO
    if answer == told:
        return
    goes_at = now
    if told_on is not None and told_on >= calendar_day(now):
        goes_at = datetime.combine(told_on + timedelta(days=1), DAY_BEGINS, CALENDAR)
    queue_waiting_answer(
        enquiry=place.enquiry,
        is_interested=answer is Answer.YES,
        occasion=_occasion(calendar_day(goes_at), answer),
        goes_at=goes_at,
        now=now,
    )


def _occasion(day: date, answer: Answer) -> str:
    return f"{day.isoformat()} {answer}"


def _read_occasion(occasion: str) -> tuple[date, Answer]:
    day, _space, answer = occasion.partition(" ")
    return date.fromisoformat(day), Answer(answer)
