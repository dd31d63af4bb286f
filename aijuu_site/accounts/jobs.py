"""What the worker does for accounts."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from aijuu_site.accounts.resetting import answer_reset_requests
from intake.choices import MailPurpose
from intake.jobs.context import JobContext
from intake.jobs.running import Job
from intake.models.outgoing_mail import OutgoingMail

# They hang from no enquiry with which they would go.
_MAILS_KEPT = timedelta(days=30)


def _remove_old_mails(context: JobContext) -> None:
    purposes = [MailPurpose.PASSWORD_RESET, MailPurpose.ACCOUNT_CHANGED]
    OutgoingMail.objects.filter(purpose__in=purposes, created_at__lt=context.now - _MAILS_KEPT).delete()


ACCOUNT_JOBS = (
    Job(
        name="password_resets",
        title=_("Sending links for a new password"),
        every=timedelta(seconds=2),
        run=lambda context: answer_reset_requests(now=context.now, each=context.each),
    ),
    Job(
        name="account_mails",
        title=_("Removing old mails about accounts"),
        every=timedelta(days=1),
        run=_remove_old_mails,
    ),
)
