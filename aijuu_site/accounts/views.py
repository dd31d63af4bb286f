"""Signing in, a new password by mail, and one's own account: Wagtail's pages with our rules."""

from typing import Any

from django.http import HttpResponse
from wagtail.admin.views import account

from aijuu_site.accounts.changes import changes_told
from aijuu_site.accounts.forms import LoginForm
from aijuu_site.accounts.passwords import trust_address
from aijuu_site.accounts.resetting import reset_tokens


class LoginView(account.LoginView):
    def form_invalid(self, form: LoginForm) -> HttpResponse:
        """Say in the status, too, that the password was not looked at."""
        response: HttpResponse = super().form_invalid(form)
        if form.refusal:
            response.status_code = 429
            response["Retry-After"] = str(form.refusal.seconds)
        return response


class PasswordResetConfirmView(account.PasswordResetConfirmView):
    token_generator = reset_tokens

    def form_valid(self, form: Any) -> HttpResponse:
        with changes_told(self.request):
            response: HttpResponse = super().form_valid(form)
        # Who had forgotten the password has tried a few.
        trust_address(request=self.request, account=self.user.get_username())
        return response
