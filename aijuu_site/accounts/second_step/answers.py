"""The ways in which who is signed in shows once more that it is they: the password, or a second step of the account."""

from typing import Any, cast

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import begin_authentication
from django.http import HttpRequest

from aijuu_site.accounts.forms import ConfirmationForm
from aijuu_site.accounts.models import User
from aijuu_site.accounts.second_step.forms import AuthenticateForm
from aijuu_site.accounts.second_step.rules import passkeys_work

# Beside the fields of the form that waits for the answer.
_PREFIX = "confirm"
_PASSWORD, _CODE, _CREDENTIAL = "confirm_password", f"{_PREFIX}-code", f"{_PREFIX}-credential"
FIELDS = frozenset({_PASSWORD, _CODE, _CREDENTIAL})


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
