"""The second step of a login: who must pass one and who has, its forms, and the adapters that allauth calls."""

import base64
import ipaddress
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms as allauth_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.totp.internal.auth import get_totp_secret
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import begin_authentication
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django import forms
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from aijuu_site.accounts.forms import ConfirmationForm
from aijuu_site.accounts.models import User
from aijuu_site.accounts.notices import count_wrong_code, remember_device
from aijuu_site.accounts.passwords import (
    CODES,
    Busy,
    Limit,
    TooManyAttempts,
    attempt_key,
    check_counted,
    code_refusal_words,
    count_attempt,
)
from intake.rate_limit import client_address

# A recovery code replaces one of these at a login, but is no second step by itself.
STEPS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_LONGEST_CODE = 40
# Longer than an app's code is valid.
_CODE_USED_FOR = timedelta(minutes=5)
# Distinguishes our fields from those of the form being confirmed, which are in the same POST.
_PREFIX = "confirm"
_PASSWORD, _CODE, _CREDENTIAL = "confirm_password", f"{_PREFIX}-code", f"{_PREFIX}-credential"
FIELDS = frozenset({_PASSWORD, _CODE, _CREDENTIAL})


def is_required() -> bool:
    """Return whether the admin requires a second step after the password: always where the site has HTTPS."""
    return bool(settings.SITE_URL.startswith("https://"))


def passkey_host() -> str:
    """Return the host name that passkeys are bound to (WebAuthn's RP ID). There are none if it is an IP address."""
    return urlsplit(settings.SITE_URL).hostname or ""


def passkeys_work() -> bool:
    return Authenticator.Type.WEBAUTHN in app_settings.SUPPORTED_TYPES


def has_step(user: User) -> bool:
    return Authenticator.objects.filter(user=user, type__in=STEPS).exists()


def has_passed(request: HttpRequest, user: User) -> bool:
    """Return whether this session passed a second step of this user."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, user))


def may_remove(authenticator: Authenticator) -> bool:
    """Return whether a second step may be removed. The last one may not where a second step is required."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=STEPS).exclude(pk=authenticator.pk)
    return not is_required() or others.exists()


class SecondStepMiddleware:
    """Treat a session without a second step as anonymous where a second step is required.

    A login creates no such session; they date from before SITE_URL became https. The check runs only in views that
    read request.user, so public pages do not pay for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_required():
            signed_in = request.user
            request.user = SimpleLazyObject(lambda: _with_second_step(request, signed_in))  # type: ignore[assignment]
        return self.get_response(request)


def _with_second_step(request: HttpRequest, user: User | AnonymousUser) -> User | AnonymousUser:
    if not user.is_authenticated or has_passed(request, user):
        return user
    return AnonymousUser()


class AccountAdapter(DefaultAccountAdapter):
    def get_login_stages(self) -> list[str]:
        return [
            "allauth.mfa.stages.AuthenticateStage",
            "aijuu_site.accounts.second_step_views.EnrolStage",
        ]

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address by the site's own rule; "::" if the connection has none."""
        try:
            return str(ipaddress.ip_address(client_address(request)))
        except ValueError:
            return "::"

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        return HttpResponseRedirect(reverse("wagtailadmin_login"))

    def add_message(self, *_args: Any, **_kwargs: Any) -> None:
        """Show no message: our pages show the present state, and every change is reported by mail."""

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_device(request=request, response=response, user=cast(User, user))
        return response


class MFAAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This was not right. Try again."),
        "cannot_delete_authenticator": _("This is your only second step, so it can't be removed."),
    }

    def get_totp_issuer(self) -> str:
        return settings.WAGTAIL_SITE_NAME

    def encrypt(self, text: str) -> str:
        return _locks().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the plain text; if another SECRET_KEY encrypted it, a random secret that no code fits."""
        try:
            return _locks().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return may_remove(authenticator)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        # Not called where passkeys are off.
        return {"id": passkey_host(), "name": settings.WAGTAIL_SITE_NAME}

    def is_mfa_enabled(self, user: AbstractBaseUser, types: Any = None) -> bool:
        """Without `types`, return whether there is a second step. Recovery codes alone are none."""
        return bool(super().is_mfa_enabled(user, types=types or STEPS))


def _locks() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (salted_hmac("accounts.second_step", "", secret=key, algorithm="sha256").digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def _code_field(label: Any) -> forms.CharField:
    attrs = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
    return forms.CharField(label=label, max_length=_LONGEST_CODE, widget=forms.TextInput(attrs=attrs))


class AuthenticateForm(allauth_forms.AuthenticateForm):
    code = _code_field(_("Code of six digits, or a recovery code"))
    refusal: TooManyAttempts | Busy | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["autofocus"] = True

    def clean_code(self) -> str:
        wrong: list[ValidationError] = []

        def check() -> str:
            try:
                code = cast(str, super(AuthenticateForm, self).clean_code())
            except ValidationError as error:
                wrong.append(error)
                return ""
            return code if self._is_first_use(code) else ""

        try:
            code = check_counted(request=context.request, account=self.user.email, check=check, guesses=CODES)
        except (TooManyAttempts, Busy) as refusal:
            self.refusal = refusal
            raise ValidationError(code_refusal_words(refusal), code="refused") from refusal
        if not code:
            count_wrong_code(request=context.request, user=self.user, now=timezone.now())
            raise wrong[0] if wrong else ValidationError(_("This code was used already. Wait for the next one."))
        return code

    def _is_first_use(self, code: str) -> bool:
        """Return whether an app's code is new. Allauth's record is in the cache, which each process has for itself."""
        if self.authenticator.type != Authenticator.Type.TOTP:
            return True
        key = attempt_key("used code", str(self.user.pk), normalize_user_code(code))
        try:
            count_attempt(limits=[Limit(key, 1, _CODE_USED_FOR)], now=timezone.now())
        except TooManyAttempts:
            return False
        return True


class ActivateTOTPForm(totp_forms.ActivateTOTPForm):
    code = _code_field(_("Code of six digits from the app"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        # Skips allauth's own __init__, which makes a new secret for each GET: the app would have the previous one.
        forms.Form.__init__(self, *args, **kwargs)
        # Not when the page is first shown: the field is below the QR code, which has to be scanned first.
        self.fields["code"].widget.attrs["autofocus"] = self.is_bound
        self.secret = get_totp_secret()


class Answers:
    """The forms for each way to confirm. The request contains the answer to at most one of them."""

    def __init__(self, request: HttpRequest) -> None:
        user, sent = cast(User, request.user), request.POST
        types = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        self.password = ConfirmationForm(sent if _PASSWORD in sent else None, request=request)
        self.code: AuthenticateForm | None = None
        self.passkey: AuthenticateWebAuthnForm | None = None
        if Authenticator.Type.TOTP in types:
            self.code = AuthenticateForm(sent if _CODE in sent else None, user=user, prefix=_PREFIX)
            # Only one field of a page has the focus.
            self.code.fields["code"].widget.attrs["autofocus"] = self.code.is_bound
        if Authenticator.Type.WEBAUTHN in types and passkeys_work():
            self.passkey = AuthenticateWebAuthnForm(sent if _CREDENTIAL in sent else None, user=user, prefix=_PREFIX)
        self.password.fields[_PASSWORD].widget.attrs["autofocus"] = not (self.code and self.code.is_bound)

    def is_right(self) -> bool:
        """Return whether one of the forms has a right answer. Wrong ones are counted."""
        if self.password.is_bound:
            return self.password.is_valid()
        if self.code and self.code.is_bound and self.code.is_valid():
            self.code.authenticator.record_usage()
            return True
        if self.passkey and self.passkey.is_bound and self.passkey.is_valid():
            self.passkey.cleaned_data["credential"].record_usage()
            return True
        return False

    def passkey_options(self) -> dict[str, Any] | None:
        """Return what the browser needs to ask for a passkey, with a new challenge each time."""
        return {"request_options": begin_authentication(self.passkey.user)} if self.passkey else None
