"""What the owner of an account, or of an address of the practice, is told by mail: changes, logins, guessed codes.

A change goes to the address that was there before. A login is told for a browser that the account was not used with
before, and while somebody guesses its codes: whoever does that has the password.
"""

import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from wagtail.contrib.settings.views import get_setting_edit_handler

from aijuu_site.accounts.models import AttemptTrace, User
from aijuu_site.accounts.password_reset import is_invited, queue_invitation
from aijuu_site.accounts.passwords import CODES, Limit, TooManyAttempts, attempt_key, count_attempt
from home.contact_details import ContactDetails
from intake.choices import MailPurpose
from intake.mail.queue import Addresses, Handling, NewMail, queue_mail, register, supervisor_address
from intake.settings import IntakeSettings

_EDITED_AT = "wagtailsettings:edit"
_ADDRESSES: tuple[tuple[type[IntakeSettings | ContactDetails], str], ...] = (
    (IntakeSettings, "notification_email"),
    (ContactDetails, "email"),
)
# The first that fits: others name themselves after these.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
             ("FxiOS", "Firefox"), ("Chrome/", "Chrome"), ("CriOS", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
            ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip

_KNOWN_FOR = timedelta(days=365)
_VALUE = re.compile(r"[\w-]{20,100}")
# As many as are refused when they come from one address, from wherever they come.
TOLD_AT = CODES.pair
_AT_MOST_EVERY = timedelta(hours=1)


def changes_addresses(request: HttpRequest) -> bool:
    """Whether this post is a form that would change where mail to the practice goes.

    A form that comes back changes nothing, nor does an address that was left alone while another window stored one.
    """
    match = request.resolver_match
    if match is None or match.view_name != _EDITED_AT:
        return False
    for model, name in _ADDRESSES:
        if _is_of(model, match.kwargs.get("app_name"), match.kwargs.get("model_name")):
            if not request.user.has_perm(f"{model._meta.app_label}.change_{model._meta.model_name}"):
                # Wagtail's own view turns them away.
                return False
            stored = model.load()
            before = getattr(stored, name)
            form_class = get_setting_edit_handler(model).get_form_class()
            form = form_class(data=request.POST, instance=stored, for_user=request.user)
            # A valid form has put into the object what it would store.
            return form.is_valid() and bool(getattr(stored, name) != before)
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
    subject = _("Mail of %(site)s goes to another address now") % {"site": settings.WAGTAIL_SITE_NAME}
    _queue_notice(address, subject, "address_changed", {"changed": changed, "by": by}, now)


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
# The link of an invitation that went to another address, or to an account that was off, works no more.
_LINK_NEEDS = frozenset({"email", "is_active"})


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
            if _LINK_NEEDS.intersection(changed):
                _invite_again(pk, by)


def _invite_again(user_pk: int, by: str) -> None:
    user = User.objects.filter(pk=user_pk, is_active=True).first()
    if user is not None and is_invited(user):
        queue_invitation(user, by=by, now=timezone.now())


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
    subject = _("Your account in the admin of %(site)s was changed") % {"site": settings.WAGTAIL_SITE_NAME}
    _queue_notice(email, subject, "account_changed", {"account": email, "changed": changed, "by": by}, now)


def _queue_notice(recipient: str, subject: str, template: str, context: dict[str, Any], now: datetime) -> None:
    more = {"changed_at": now, "reset_url": settings.SITE_URL + reverse("wagtailadmin_password_reset")}
    queue_mail(
        NewMail(
            purpose=MailPurpose.ACCOUNT_CHANGED,
            deduplication_key=get_random_string(40),
            recipient=recipient,
            subject=subject,
            context=context | more,
            template=template,
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


def device_words(user_agent: str) -> str:
    """Return browser and system as their makers call them, such as "Firefox, Windows"; "" where neither is known."""
    names = [next((name for sign, name in signs if sign in user_agent), "") for signs in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in names if name)


def queue_login_notice(
    purpose: MailPurpose, subject: str, *, request: HttpRequest, user: User, now: datetime, **context: Any
) -> None:
    """Queue the mail of this purpose. `subject` has a place for %(site)s; `context`: what its template needs too."""
    queue_mail(
        NewMail(
            purpose=purpose,
            deduplication_key=get_random_string(40),
            recipient=user.email,
            subject=subject % {"site": settings.WAGTAIL_SITE_NAME},
            context={
                "account": user.email,
                "device": device_words(request.headers.get("User-Agent", "")),
                "at": now,
                "reset_url": settings.SITE_URL + reverse("wagtailadmin_password_reset"),
                "sessions_url": settings.SITE_URL + reverse("usersessions_list"),
                **context,
            },
        ),
        now=now,
    )


def is_new_device(*, device: str, known: Collection[str]) -> bool:
    """A browser is new to an account unless its cookie is one that the account was signed in with in the last year."""
    return device not in known


def remember_device(*, request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Tell the owner if the browser is new, and know it from now on. It skips no step of a login."""
    now = timezone.now()
    sent = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    # One browser may be known to several accounts by the same value.
    value = sent if _VALUE.fullmatch(sent) else secrets.token_urlsafe(32)
    key = _key(user, value)
    with transaction.atomic():
        known = AttemptTrace.objects.filter(key=key, expires_at__gt=now).values_list("key", flat=True)
        if is_new_device(device=key, known=set(known)):
            queue_login_notice(
                MailPurpose.NEW_LOGIN, _("Login with a new browser: %(site)s"), request=request, user=user, now=now
            )
        AttemptTrace.objects.filter(key=key).delete()
        AttemptTrace.objects.create(key=key, attempted_at=now, expires_at=now + _KNOWN_FOR)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        value,
        max_age=_KNOWN_FOR,
        path=settings.ADMIN_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _key(user: User, value: str) -> str:
    return attempt_key("device", str(user.pk), value)


def count_wrong_code(*, request: HttpRequest, user: User, now: datetime) -> None:
    """Count a wrong code; tell the owner when there were so many within a while, at most once an hour."""
    wrong = Limit(attempt_key("wrong code", str(user.pk)), TOLD_AT - 1, CODES.window)
    told = Limit(attempt_key("wrong codes told", str(user.pk)), 1, _AT_MOST_EVERY)
    try:
        count_attempt(limits=[wrong], now=now)
        return
    except TooManyAttempts:
        pass
    try:
        with transaction.atomic():
            count_attempt(limits=[told], now=now)
            queue_login_notice(
                MailPurpose.WRONG_CODES,
                _("Wrong codes at the login: %(site)s"),
                request=request,
                user=user,
                now=now,
                count=TOLD_AT,
            )
    except TooManyAttempts:
        return


for _purpose in (MailPurpose.NEW_LOGIN, MailPurpose.WRONG_CODES):
    register(_purpose, handling=Handling(addresses=lambda mail: Addresses(recipient=mail.recipient)))
