"""The forms that take a code: counted like passwords, over all processes and machines, and each code works once.

And the ways in which who is signed in shows once more that it is they: the password, or a second step of the account.
"""

from datetime import timedelta
from typing import Any, cast

from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.base import forms as allauth_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.totp.internal.auth import get_totp_secret
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import begin_authentication
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from aijuu_site.accounts.forms import ConfirmationForm
from aijuu_site.accounts.login_notices import count_wrong_code
from aijuu_site.accounts.models import User
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
from aijuu_site.accounts.second_step.rules import passkeys_work

_LONGEST_CODE = 40
# Longer than any code of an app is accepted.
_CODE_USED_FOR = timedelta(minutes=5)
# Beside the fields of the form that waits for the answer.
_PREFIX = "confirm"
_PASSWORD, _CODE, _CREDENTIAL = "confirm_password", f"{_PREFIX}-code", f"{_PREFIX}-credential"
FIELDS = frozenset({_PASSWORD, _CODE, _CREDENTIAL})


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
        """Allauth remembers used codes of an app in the cache, which each process has for itself."""
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
        # Past allauth's own, which makes a new secret for each look at the page: the app would have the one before.
        forms.Form.__init__(self, *args, **kwargs)
        # Not at first: it is below the picture that is to be read.
        self.fields["code"].widget.attrs["autofocus"] = self.is_bound
        self.secret = get_totp_secret()


class Answers:
    """A form for each way. At most one of them has been sent, in `request`."""

    def __init__(self, request: HttpRequest) -> None:
        user, sent = cast(User, request.user), request.POST
        types = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        self.password = ConfirmationForm(sent if _PASSWORD in sent else None, request=request)
        self.code: AuthenticateForm | None = None
        self.passkey: AuthenticateWebAuthnForm | None = None
        if Authenticator.Type.TOTP in types:
            self.code = AuthenticateForm(sent if _CODE in sent else None, user=user, prefix=_PREFIX)
            # One field of a page has the focus.
            self.code.fields["code"].widget.attrs["autofocus"] = self.code.is_bound
        if Authenticator.Type.WEBAUTHN in types and passkeys_work():
            self.passkey = AuthenticateWebAuthnForm(sent if _CREDENTIAL in sent else None, user=user, prefix=_PREFIX)
        self.password.fields[_PASSWORD].widget.attrs["autofocus"] = not (self.code and self.code.is_bound)

    def is_right(self) -> bool:
        """Return whether one was given that is right. Wrong ones are counted."""
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
        """What the browser needs to ask for a passkey: a new riddle for each question."""
        return {"request_options": begin_authentication(self.passkey.user)} if self.passkey else None
