"""Taking an account's second step away, for somebody who has lost it."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils import timezone

from aijuu_site.accounts.changes import end_sessions, queue_account_changed
from aijuu_site.accounts.models import User


def reset_second_step(*, user: User, by: str) -> int:
    """Remove all second steps, recovery codes and logins of an account, and tell it by mail. Returns how many steps."""
    with transaction.atomic():
        removed, _models = Authenticator.objects.filter(user=user).delete()
        end_sessions(user.pk)
        UserSession.objects.filter(user=user).delete()
        queue_account_changed(email=user.email, changed=["second_step_reset"], by=by, now=timezone.now())
    return removed
