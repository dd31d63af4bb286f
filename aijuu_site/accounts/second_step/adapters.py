"""What of django-allauth is ours: its login has two stages and no messages, its secrets are locked in the database."""

import base64
import ipaddress
import secrets
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aijuu_site.accounts.login_notices import remember_device
from aijuu_site.accounts.models import User
from aijuu_site.accounts.second_step.rules import STEPS, may_remove, passkey_host
from intake.rate_limit import client_address


class AccountAdapter(DefaultAccountAdapter):
    def get_login_stages(self) -> list[str]:
        return [
            "allauth.mfa.stages.AuthenticateStage",
            "aijuu_site.accounts.second_step.views.EnrolStage",
        ]

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address by the site's own rule; "::" of a connection without one."""
        try:
            return str(ipaddress.ip_address(client_address(request)))
        except ValueError:
            return "::"

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        return HttpResponseRedirect(reverse("wagtailadmin_login"))

    def add_message(self, *_args: Any, **_kwargs: Any) -> None:
        """Our pages show what is true now, and a mail tells of every change."""

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_device(request=request, response=response, user=cast(User, user))
        return response


class MFAAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This was not right. Try again."),
        "cannot_delete_authenticator": gettext_lazy("This is your only second step, so it can't be removed."),
    }

    def get_totp_issuer(self) -> str:
        return settings.WAGTAIL_SITE_NAME

    def encrypt(self, text: str) -> str:
        return _locks().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Of a row that was locked with another SECRET_KEY: a secret that nobody has, so that no code fits."""
        try:
            return _locks().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return may_remove(authenticator)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return _("Passkey %(number)d") % {"number": number}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        # Where passkeys are off, nobody asks.
        return {"id": passkey_host(), "name": settings.WAGTAIL_SITE_NAME}

    def is_mfa_enabled(self, user: AbstractBaseUser, types: Any = None) -> bool:
        """A second step, if nothing else is asked for: recovery codes alone are none."""
        return bool(super().is_mfa_enabled(user, types=types or STEPS))


def _locks() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (salted_hmac("accounts.second_step", "", secret=key, algorithm="sha256").digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
