"""Changes of accounts and of the practice's addresses, told to the address they had before."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from aijuu_site.accounts.models import User
from home.contact_details import ContactDetails
from intake.choices import MailPurpose
from intake.mail.queue import Addresses, Handling, NewMail, queue_mail, register, supervisor_address
from intake.settings import IntakeSettings

_EDITED_AT = "wagtailsettings:edit"
_ADDRESSES: tuple[tuple[type[IntakeSettings | ContactDetails], str], ...] = (
    (IntakeSettings, "notification_email"),
    (ContactDetails, "email"),
)


def changes_addresses(request: HttpRequest) -> bool:
    """Whether this post is a form that would change where mail to the practice goes. A mistyped one changes nothing."""
    match = request.resolver_match
    if match is None or match.view_name != _EDITED_AT:
        return False
    for model, name in _ADDRESSES:
        if _is_of(model, match.kwargs.get("app_name"), match.kwargs.get("model_name")):
            if not request.user.has_perm(f"{model._meta.app_label}.change_{model._meta.model_name}"):
                # Wagtail's own view turns them away.
                return False
            try:
                typed = model._meta.get_field(name).to_python(request.POST.get(name, "").strip())
            except ValidationError:
                return False
            return bool(typed != getattr(model.load(), name))
    return False


def practice_addresses() -> dict[str, str]:
    """Return where notices of new enquiries go, and where people are told to write."""
    details = ContactDetails.load()
    return {"notices": supervisor_address(details, IntakeSettings.load()), "answers": details.email}


def tell_old_addresses(*, before: dict[str, str], after: dict[str, str], by: str) -> None:
    """Queue a mail to each address that mail went to and goes to no more, in the caller's transaction."""
    changed = [name for name, address in before.items() if address != after[name]]
    for address in sorted({before[name] for name in changed if before[name]}):
        _queue_address_changed(address, [name for name in changed if before[name] == address], by, timezone.now())


def _is_of(model: type[Model], app_label: object, model_name: object) -> bool:
    return (model._meta.app_label, model._meta.model_name) == (app_label, model_name)


def _queue_address_changed(address: str, changed: list[str], by: str, now: datetime) -> None:
    context = {
        "changed": changed,
        "by": by,
        "changed_at": now,
        "reset_url": settings.SITE_URL + reverse("wagtailadmin_password_reset"),
    }
    queue_mail(
        NewMail(
            # Like any change of an account: it goes to the address of then, whatever has been set since.
            purpose=MailPurpose.ACCOUNT_CHANGED,
            deduplication_key=get_random_string(40),
            recipient=address,
            subject=_("Mail of %(site)s goes to another address now") % {"site": settings.WAGTAIL_SITE_NAME},
            context=context,
            template="address_changed",
        ),
        now=now,
    )


@dataclass(frozen=True)
class Account:
    """What matters of an account to whoever holds it."""

    email: str
    password: str
    is_active: bool
    is_superuser: bool
    groups: frozenset[int]
    second_step: frozenset[int]


# After a change of these, whoever was signed in before is signed out; a login that was switched off does not come back.
_KEYS = frozenset({"email", "password", "is_active"})


@contextmanager
def changes_told(request: HttpRequest, by: str | None = None) -> Iterator[None]:
    """Compare all accounts, and the practice's addresses, before and after, and tell of the changes by mail, in the
    transaction that makes them.

    `by` is who changes them where nobody is signed in yet.
    """
    with transaction.atomic():
        before, addresses = _accounts(), practice_addresses()
        # Afterwards it may be another one.
        by = request.user.get_username() if by is None else by
        yield
        after = _accounts()
        tell_old_addresses(before=addresses, after=practice_addresses(), by=by)
        for pk, account in before.items():
            changed = _changed(account, after.get(pk))
            if _KEYS.intersection(changed):
                end_other_sessions(pk, request)
            if changed and account.email:
                queue_account_changed(email=account.email, changed=changed, by=by, now=timezone.now())


def _accounts() -> dict[int, Account]:
    users = User.objects.prefetch_related("groups")
    steps: dict[int, set[int]] = {}
    for user_pk, pk in Authenticator.objects.values_list("user_id", "pk"):
        steps.setdefault(user_pk, set()).add(pk)
    return {
        user.pk: Account(
            email=user.email,
            password=user.password,
            is_active=user.is_active,
            is_superuser=user.is_superuser,
            groups=frozenset(group.pk for group in user.groups.all()),
            second_step=frozenset(steps.get(user.pk, ())),
        )
        for user in users
    }


def _changed(before: Account, after: Account | None) -> list[str]:
    if after is None:
        return ["removed"]
    return [name for name in before.__dataclass_fields__ if getattr(before, name) != getattr(after, name)]


def end_other_sessions(user_pk: int, request: HttpRequest) -> None:
    end_sessions(user_pk, but=request.session.session_key)


def end_sessions(user_pk: int, *, but: str | None = None) -> None:
    """Sign an account out, except in the session `but`."""
    for session in Session.objects.filter(expire_date__gt=timezone.now()):
        is_theirs = SessionStore().decode(session.session_data).get(SESSION_KEY) == str(user_pk)
        if is_theirs and session.session_key != but:
            session.delete()


def queue_account_changed(*, email: str, changed: list[str], by: str, now: datetime) -> None:
    """Queue the notice to the account, in the caller's transaction. What each name in `changed` means to a person:
    templates/emails/account_change.txt."""
    context = {
        "account": email,
        "changed": changed,
        "by": by,
        "changed_at": now,
        "reset_url": settings.SITE_URL + reverse("wagtailadmin_password_reset"),
    }
    queue_mail(
        NewMail(
            purpose=MailPurpose.ACCOUNT_CHANGED,
            deduplication_key=get_random_string(40),
            recipient=email,
            subject=_("Your account in the admin of %(site)s was changed") % {"site": settings.WAGTAIL_SITE_NAME},
            context=context,
            template="account_changed",
        ),
        now=now,
    )


# The address that the account had then, whatever it has now.
register(MailPurpose.ACCOUNT_CHANGED, handling=Handling(addresses=lambda mail: Addresses(recipient=mail.recipient)))


def reset_second_step(*, user: User, by: str) -> int:
    """Remove all second steps, recovery codes and logins of an account, and tell it by mail. Returns how many steps."""
    with transaction.atomic():
        removed, _models = Authenticator.objects.filter(user=user).delete()
        end_sessions(user.pk)
        UserSession.objects.filter(user=user).delete()
        queue_account_changed(email=user.email, changed=["second_step_reset"], by=by, now=timezone.now())
    return removed
