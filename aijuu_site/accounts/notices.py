"""Mails to the owner of an account, or of an address of the practice, about changes, logins and guessed codes.

A change is reported to the address from before the change. A login is reported when the account was not used with that
browser before. Repeated wrong codes are reported because whoever enters them knows the password.
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
# The first match counts: a browser's user agent may also contain the names that come later in this list.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
             ("FxiOS", "Firefox"), ("Chrome/", "Chrome"), ("CriOS", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
            ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip

_KNOWN_FOR = timedelta(days=365)
_VALUE = re.compile(r"[\w-]{20,100}")
# Wrong codes after which the owner is notified: the limit for one network address, but counted over all addresses.
TOLD_AT = CODES.pair
_AT_MOST_EVERY = timedelta(hours=1)


def changes_addresses(request: HttpRequest) -> bool:
    """Return whether this POST would change the address that mail to the practice goes to.

    An invalid form changes nothing. Nor does a form whose address was left alone while another window stored a new one.
    """
    match = request.resolver_match
    if match is None or match.view_name != _EDITED_AT:
        return False
    for model, name in _ADDRESSES:
        if _is_of(model, match.kwargs.get("app_name"), match.kwargs.get("model_name")):
            if not request.user.has_perm(f"{model._meta.app_label}.change_{model._meta.model_name}"):
                # Wagtail's own view rejects this request.
                return False
            stored = model.load()
            before = getattr(stored, name)
            form_class = get_setting_edit_handler(model).get_form_class()
            form = form_class(data=request.POST, instance=stored, for_user=request.user)
            # The validation of a valid form has put the new values into `stored`.
            return form.is_valid() and bool(getattr(stored, name) != before)
    return False


def practice_addresses() -> dict[str, str]:
    """Return the address for notices of new enquiries, and the one that visitors are asked to write to."""
    details = ContactDetails.load()
    return {"notices": supervisor_address(details, IntakeSettings.load()), "answers": details.email}


def tell_old_addresses(*, before: dict[str, str], after: dict[str, str], by: str) -> None:
    """Queue a mail to each address that mail no longer goes to, in the caller's transaction."""
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
    """The values of an account whose changes are reported to its owner."""

    email: str
    password: str
    is_active: bool
    is_superuser: bool
    groups: frozenset[int]
    second_step: frozenset[int]


# A change of these ends the account's other sessions, so that no session revives when an account is activated again.
_KEYS = frozenset({"email", "password", "is_active"})
# After a change of these an invited person gets a new link: a new address invalidates the earlier link, and an account
# that is switched off gets none.
_LINK_NEEDS = frozenset({"email", "is_active"})


@contextmanager
def changes_told(request: HttpRequest, by: str | None = None) -> Iterator[None]:
    """Compare all accounts and the practice's addresses before and after, and queue mails about the changes.

    Everything happens in one transaction. `by` is the person who makes the changes, if nobody is signed in yet.
    """
    with transaction.atomic():
        before, addresses = _accounts(), practice_addresses()
        # Read now, because the change may be to the user's own address.
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
    """Queue the notice to the account, in the caller's transaction.

    templates/emails/account_change.txt has the words for each name in `changed`.
    """
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


# The notice goes to the address that the account had before the change.
register(MailPurpose.ACCOUNT_CHANGED, handling=Handling(addresses=lambda mail: Addresses(recipient=mail.recipient)))


def reset_second_step(*, user: User, by: str) -> int:
    """Remove an account's second steps, recovery codes and sessions, and notify it. Returns the number of steps."""
    with transaction.atomic():
        removed, _models = Authenticator.objects.filter(user=user).delete()
        end_sessions(user.pk)
        UserSession.objects.filter(user=user).delete()
        queue_account_changed(email=user.email, changed=["second_step_reset"], by=by, now=timezone.now())
    return removed


def device_words(user_agent: str) -> str:
    """Return the names of browser and system, such as "Firefox, Windows"; "" if neither is known."""
    names = [next((name for sign, name in signs if sign in user_agent), "") for signs in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in names if name)


def queue_login_notice(
    purpose: MailPurpose, subject: str, *, request: HttpRequest, user: User, now: datetime, **context: Any
) -> None:
    """Queue the mail of this purpose. `subject` contains %(site)s; `context` has further values for the template."""
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
    """Return whether no login of the account in the last year used this browser (its cookie)."""
    return device not in known


def remember_device(*, request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Notify the owner if the browser is new, and remember it. A known browser skips no step of a login."""
    now = timezone.now()
    sent = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    # One cookie value may be known to several accounts that use the same browser.
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
    """Count a wrong code. Notify the owner after TOLD_AT of them within the window, at most once an hour."""
    wrong = Limit(attempt_key("wrong code", str(user.pk)), TOLD_AT - 1, CODES.window)
    notified = Limit(attempt_key("wrong codes told", str(user.pk)), 1, _AT_MOST_EVERY)
    try:
        count_attempt(limits=[wrong], now=now)
        return
    except TooManyAttempts:
        pass
    try:
        with transaction.atomic():
            count_attempt(limits=[notified], now=now)
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
