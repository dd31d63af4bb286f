"""Signing in with a password, whichever form asks for it."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from aijuu_site.accounts.names import account_named
from aijuu_site.accounts.passwords import Busy, TooManyAttempts, check_counted


class CountingBackend(ModelBackend):
    """Django's own, behind the limits. What was refused stands on the request as `refused_sign_in`."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        name = kwargs.get(get_user_model().USERNAME_FIELD) if username is None else username
        # Without a request it is a program of ours that asks.
        if request is None or name is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        # However the account is called, it is counted as one.
        meant = account_named(name)
        account = name if meant is None else meant.get_username()
        check = super().authenticate
        try:
            return check_counted(request=request, account=account, check=lambda: check(request, account, password))
        except (TooManyAttempts, Busy) as refusal:
            request.refused_sign_in = refusal  # type: ignore[attr-defined]
            raise PermissionDenied from refusal
