"""Helper: every mail of the site in each of its variants, as it is queued."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from django.test import RequestFactory

from aijuu_site.accounts.notices import queue_account_changed, queue_login_notice, tell_old_addresses
from aijuu_site.accounts.password_reset import answer_reset_requests, queue_invitation, request_password_reset
from home.pause.rules import ReminderKind
from intake.choices import Kind, MailPurpose, Verdict
from intake.enquiry.mails import mail_to_sender, mail_to_supervisor
from intake.mail.queue import queue_mail
from intake.mapping.mails import MAPPING_LINK, queue_mapping_link, queue_mapping_notification
from intake.models import OutgoingMail, ReturnPlan
from intake.periodic_jobs import _queue_once
from intake.waiting.mails import (
    queue_removal_notice,
    queue_return_notice,
    queue_return_reminder,
    queue_still_waiting,
    queue_waiting_answer,
    queue_waiting_confirmation,
    queue_waiting_link,
)
from tests.accounts import make_user
from tests.intake.desk.mappings import begun_alone
from tests.intake.enquiries import received
from tests.intake.waiting.list_people import waiter

GREETING = 'Kevät tulee & "valo".\r\n\r\n\r\nNähdään pian.  \r\nKati'
_ADMIN = "yllapito@esimerkki.fi"


class EveryMail(dict[str, OutgoingMail]):
    """The mails by name, which is the purpose and the variant."""

    @contextmanager
    def form(self, words: str = "") -> Iterator[None]:
        """Add the mails that are queued in the block."""
        known = set(OutgoingMail.objects.values_list("pk", flat=True))
        yield
        queued = OutgoingMail.objects.exclude(pk__in=known)
        assert queued, f"no mail was queued: {words}"
        self.update({f"{mail.purpose} {words}".strip(): mail for mail in queued})


def every_mail(now: datetime) -> EveryMail:
    """Queue every mail in each of its variants, and return them."""
    mails = EveryMail()
    _queue_about_enquiries(mails, now)
    _queue_about_waiting_list(mails, now)
    for kind in ReminderKind:
        with mails.form(kind):
            _queue_once(kind, date(2027, 3, 5), f"every:{kind}", now)
    with mails.form("opened"):
        _queue_once("opened", date(2027, 3, 5), "every:opened", now)
    _queue_to_accounts(mails, now)
    return mails


def _queue_about_enquiries(mails: EveryMail, now: datetime) -> None:
    with mails.form():
        enquiry = received(now=now)
    with mails.form("of a mapping"):
        received(now=now, kind=Kind.MAPPING)
    other = received(now=now)
    other.mails.all().delete()
    other.verdict = Verdict.QUARANTINED
    with mails.form("suspicious"):
        subject = "Uusi yhteydenotto %(reference)s"
        queue_mail(mail_to_supervisor(other, MailPurpose.NOTIFICATION, subject=subject, context={}), now=now)
    with mails.form("in a pause"):
        context = {"is_paused": True, "mapping_url": MAPPING_LINK.url(), "last_day": MAPPING_LINK.last_day}
        subject = "Viestisi on perillä (viite %(reference)s)"
        queue_mail(mail_to_sender(other, MailPurpose.CONFIRMATION, subject=subject, context=context), now=now)
    with mails.form():
        queue_mapping_link(enquiry=enquiry, now=now)
    with mails.form():
        begun_alone(now=now)
    with mails.form():
        queue_mapping_notification(enquiry=enquiry, now=now)


def _queue_about_waiting_list(mails: EveryMail, now: datetime) -> None:
    with mails.form("without later mail"):
        queue_waiting_confirmation(place=waiter(now=now, wants_mail=False), now=now)
    place = waiter(now=now)
    with mails.form():
        queue_waiting_confirmation(place=place, now=now)
    with mails.form():
        queue_waiting_link(place=place, removed_on=date(2027, 1, 20), now=now)
    plan = ReturnPlan.objects.create(created_at=now, per_day=5, greeting=GREETING, answer_days=14)
    with mails.form():
        queue_return_notice(plan=plan, place=place, now=now)
        queue_return_reminder(plan=plan, place=place, now=now)
        queue_removal_notice(place=place, now=now)
    for is_last in (False, True):
        with mails.form("for the last time" if is_last else ""):
            queue_still_waiting(place=place, is_last=is_last, months=place.months, now=now + timedelta(days=is_last))
    for is_interested in (True, False):
        with mails.form("yes" if is_interested else "no"):
            queue_waiting_answer(
                enquiry=place.enquiry,
                is_interested=is_interested,
                deduplication_key=str(is_interested),
                goes_at=now,
                now=now,
            )


def _queue_to_accounts(mails: EveryMail, now: datetime) -> None:
    user = make_user("Kati Levola", email="every.mail@esimerkki.fi")
    changed = ["email", "password", "is_active", "is_superuser", "second_step", "second_step_reset", "removed"]
    with mails.form("by somebody"):
        queue_account_changed(email=user.email, changed=changed, by=_ADMIN, now=now)
    with mails.form("by a link"):
        queue_account_changed(email=user.email, changed=["password"], by="", now=now)
    with mails.form("of addresses"):
        before = {"notices": user.email, "contact": user.email}
        tell_old_addresses(before=before, after={"notices": "", "contact": ""}, by=_ADMIN)
    browsers = {"known browser": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0", "unknown browser": ""}
    for form, agent in browsers.items():
        request = RequestFactory().get("/", headers={"User-Agent": agent})
        with mails.form(form):
            queue_login_notice(MailPurpose.NEW_LOGIN, "Kirjautuminen", request=request, user=user, now=now)
            queue_login_notice(MailPurpose.WRONG_CODES, "Koodeja", request=request, user=user, now=now, count=5)
    with mails.form():
        request_password_reset(email=user.email, address_key="every mail", now=now)
        answer_reset_requests(now=now)
    for by in (_ADMIN, ""):
        with mails.form("by somebody" if by else "again"):
            queue_invitation(user, by=by, now=now)
