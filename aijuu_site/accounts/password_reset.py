"""Links by mail to choose a password: after it was forgotten, or for an account that somebody was invited to.

Anybody can request a link for a forgotten password. The worker answers the request through the mail queue.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.encoding import force_bytes
from django.utils.http import base36_to_int, urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aijuu_site.accounts.models import PasswordResetRequest, User
from aijuu_site.accounts.passwords import Limit, TooManyAttempts, attempt_key, count_attempt, normalised
from intake.choices import MailPurpose
from intake.jobs.runner import Each, Job, JobContext, each_or_raise
from intake.jobs.schedule import CLOCK_TOLERANCE
from intake.mail.models import OutgoingMail
from intake.mail.queue import Addresses, Handling, MadeLink, NewMail, PrivateLink, queue_mail, register, register_link

RESET_LINK = PrivateLink(
    name="password_reset",
    placeholder="uuden-salasanan-salainen-osoite",
    view_name="wagtailadmin_password_reset_confirm",
)
_MOST = 3
_WINDOW = timedelta(hours=1)
# An older request is not answered: the person has requested again by then.
_ANSWERED_FOR = timedelta(days=1)
# How long a link is valid; it works once. PASSWORD_RESET_TIMEOUT is the longer of the two: Django refuses older links.
RESET_VALID_FOR = timedelta(days=1)
INVITATION_VALID_FOR = timedelta(days=7)


def is_invited(user: User) -> bool:
    """Return whether the account was created by an invitation and has no password yet."""
    return not user.has_usable_password()


class ResetTokens(PasswordResetTokenGenerator):
    """Django's tokens with our periods of validity.

    A token made while the clock was ahead is refused: it would be valid for years.
    """

    def _now(self) -> datetime:
        # Not local time: it repeats an hour when summer time ends, so that a later moment can have an earlier time.
        return datetime.now(UTC).replace(tzinfo=None)

    def check_token(self, user: User | None, token: str | None) -> bool:
        if user is None or not token or not super().check_token(user, token):
            return False
        seconds = self._num_seconds(self._now()) - base36_to_int(token.partition("-")[0])  # type: ignore[attr-defined]
        valid_for = INVITATION_VALID_FOR if is_invited(user) else RESET_VALID_FOR
        return -CLOCK_TOLERANCE <= timedelta(seconds=seconds) <= valid_for


reset_tokens = ResetTokens()


def request_password_reset(*, email: str, address_key: str, now: datetime) -> None:
    """Store a request for the worker, at most three an hour for one e-mail address and from one network address.

    What is done, and how long that takes, does not depend on whether the address has an account.
    """
    limits = [
        Limit(attempt_key("reset", normalised(email)), _MOST, _WINDOW),
        Limit(attempt_key("reset from", address_key), _MOST, _WINDOW),
    ]
    try:
        with transaction.atomic():
            count_attempt(limits=limits, now=now)
            PasswordResetRequest.objects.create(email=email, requested_at=now)
    except TooManyAttempts:
        # The visitor gets the same page as always. It reveals nothing about accounts, and the allowed mails are queued.
        return


def answer_reset_requests(*, now: datetime, each: Each = each_or_raise) -> int:
    """Queue a mail to each account with a requested address, and remove the requests. Returns the number of mails."""
    pks = list(PasswordResetRequest.objects.values_list("pk", flat=True))
    return each(pks, lambda pk: _answer(pk, now))


def _answer(pk: int, now: datetime) -> int:
    with transaction.atomic():
        request = PasswordResetRequest.objects.select_for_update().filter(pk=pk).first()
        if request is None:
            return 0
        is_fresh = abs(now - request.requested_at) < _ANSWERED_FOR
        users = User.objects.of_address(request.email) if is_fresh else User.objects.none()
        accounts = [user for user in users if user.is_active]
        for user in accounts:
            if is_invited(user):
                # The invited person has lost the first link.
                queue_invitation(user, by="", now=now)
            else:
                _queue(user, request, now)
        request.delete()
    return len(accounts)


def _account_of(mail: OutgoingMail) -> User | None:
    """Return the account that a mail is for; None if the account has changed since the mail was queued."""
    user = User.objects.filter(
        pk=mail.deduplication_key.partition(":")[0], email=mail.recipient, is_active=True
    ).first()
    is_for_invited = mail.purpose == MailPurpose.INVITATION
    return user if user is not None and is_invited(user) == is_for_invited else None


def _is_still_valid(mail: OutgoingMail, _now: datetime) -> bool:
    return _account_of(mail) is not None


def _link_for(mail: OutgoingMail, _now: datetime) -> MadeLink:
    user = _account_of(mail)
    if user is None:
        raise ValueError(f"mail {mail.pk} is for no account")
    return MadeLink(secret=reset_tokens.make_token(user))


register(
    MailPurpose.PASSWORD_RESET,
    MailPurpose.INVITATION,
    handling=Handling(addresses=lambda mail: Addresses(recipient=mail.recipient), is_still_valid=_is_still_valid),
)
register_link(RESET_LINK, _link_for)


def _link_of(user: User) -> str:
    return RESET_LINK.url(urlsafe_base64_encode(force_bytes(user.pk)))


def queue_invitation(user: User, *, by: str, now: datetime) -> None:
    """Queue the mail with which a new account chooses its password, in the caller's transaction.

    `by` is the person who invites; "" if the invited person requested the link again.
    """
    context = {
        "account": user.email,
        "by": by,
        "invitation_url": _link_of(user),
        "days": INVITATION_VALID_FOR.days,
        "reset_url": settings.SITE_URL + reverse("wagtailadmin_password_reset"),
    }
    queue_mail(
        NewMail(
            purpose=MailPurpose.INVITATION,
            deduplication_key=f"{user.pk}:{get_random_string(30)}",
            recipient=user.email,
            subject=_("Invitation to the admin of %(site)s") % {"site": settings.WAGTAIL_SITE_NAME},
            context=context,
        ),
        now=now,
    )


def _queue(user: User, request: PasswordResetRequest, now: datetime) -> None:
    context = {
        "account": user.email,
        "reset_url": _link_of(user),
        "hours": int(RESET_VALID_FOR.total_seconds() // 3600),
    }
    queue_mail(
        NewMail(
            purpose=MailPurpose.PASSWORD_RESET,
            deduplication_key=f"{user.pk}:{request.pk}",
            # The address of the account, never the one that was typed.
            recipient=user.email,
            subject=_("A new password for the admin of %(site)s") % {"site": settings.WAGTAIL_SITE_NAME},
            context=context,
            template="password_reset",
        ),
        now=now,
    )


# These mails belong to no enquiry, so the removal of an enquiry does not remove them.
_MAILS_KEPT = timedelta(days=30)


def _remove_old_mails(context: JobContext) -> None:
    purposes = [
        MailPurpose.PASSWORD_RESET,
        MailPurpose.ACCOUNT_CHANGED,
        MailPurpose.INVITATION,
        MailPurpose.NEW_LOGIN,
        MailPurpose.WRONG_CODES,
    ]
    OutgoingMail.objects.filter(purpose__in=purposes, created_at__lt=context.now - _MAILS_KEPT).delete()


ACCOUNT_JOBS = (
    Job(
        name="password_resets",
        title=gettext_lazy("Sending links for a new password"),
        every=timedelta(seconds=2),
        run=lambda context: answer_reset_requests(now=context.now, each=context.each),
    ),
    Job(
        name="account_mails",
        title=gettext_lazy("Removing old mails about accounts"),
        every=timedelta(days=1),
        run=_remove_old_mails,
    ),
)
