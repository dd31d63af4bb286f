"""How the four mails to the waiting list are handled: each is asked about the mailbox, right before every attempt."""

from datetime import datetime

from home.models import PauseNotice
from intake.choices import MailPurpose, PlanState
from intake.models.outgoing_mail import OutgoingMail
from intake.models.waiting import ReturnPlan, WaitingPlace
from intake.services.list_places import tellable_places
from intake.services.mail_purposes import Handling, register
from intake.services.queueing import to_sender
from intake.services.return_mails import plan_occasion
from intake.services.returning import list_is_told, take_back_question, withdraw_notice
from intake.waiting.rules import pause_came_since


def _mailbox_places(mail: OutgoingMail) -> list[WaitingPlace]:
    """Return the places of the mail's mailbox that are on the list and get mail."""
    own = WaitingPlace.objects.filter(enquiry=mail.enquiry_id)
    return list(tellable_places().filter(mailbox_key__in=own.values("mailbox_key")))


def _told_by(mail: OutgoingMail) -> ReturnPlan | None:
    """Return the plan that this mail is about, where it is the one that has told the mailbox."""
    for place in _mailbox_places(mail):
        if place.called_at is not None and place.plan is not None and mail.occasion == plan_occasion(place.plan.pk):
            return place.plan
    return None


def _notice_is_true(mail: OutgoingMail, now: datetime) -> bool:
    """A plan that was stopped tells nobody, and none goes on with its old words after a pause."""
    plan = _told_by(mail)
    if plan is None or plan.state == PlanState.STOPPED or plan.held_at is not None:
        return False
    return not pause_came_since(PauseNotice.load().settings, since=plan.confirmed_at, now=now)


def _reminder_is_true(mail: OutgoingMail, now: datetime) -> bool:
    """A stopped plan has asked as well. After a pause the days to answer begin again."""
    settings = PauseNotice.load().settings
    return _told_by(mail) is not None and not pause_came_since(settings, since=mail.created_at, now=now)


def _question_is_true(mail: OutgoingMail, now: datetime) -> bool:
    """Who has joined or answered since is not asked, and nobody while the list is being told."""
    places = _mailbox_places(mail)
    return (
        bool(places)
        and all(place.called_at is None and place.confirmed_at < mail.created_at for place in places)
        and not list_is_told(now)
    )


register(
    MailPurpose.RETURN_NOTICE,
    handling=Handling(addresses=to_sender, is_true=_notice_is_true, withdraw=withdraw_notice),
)
register(
    MailPurpose.RETURN_REMINDER,
    handling=Handling(addresses=to_sender, is_true=_reminder_is_true, withdraw=take_back_question),
)
register(
    MailPurpose.STILL_WAITING,
    MailPurpose.LAST_NOTE,
    handling=Handling(addresses=to_sender, is_true=_question_is_true, withdraw=take_back_question),
)
