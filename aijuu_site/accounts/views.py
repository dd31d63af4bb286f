"""Logins, accounts, and one's own account: Wagtail's views with our rules."""

from functools import partial
from http import HTTPStatus
from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django import forms
from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.admin import messages
from wagtail.admin.auth import require_admin_access
from wagtail.admin.views import account
from wagtail.admin.views.account import (
    AccountView,
    AvatarSettingsPanel,
    BaseSettingsPanel,
    ChangePasswordPanel,
    LocaleSettingsPanel,
    NameEmailSettingsPanel,
    ThemeSettingsPanel,
)
from wagtail.users.views.users import CreateView, IndexView
from wagtail.users.views.users import UserViewSet as WagtailUserViewSet

from aijuu_site.accounts.forms import (
    LoginForm,
    OwnLocaleForm,
    OwnNameEmailForm,
    OwnPasswordForm,
    OwnThemeForm,
    UserCreationForm,
    UserEditForm,
)
from aijuu_site.accounts.models import User
from aijuu_site.accounts.notices import changes_told
from aijuu_site.accounts.password_reset import queue_invitation, reset_tokens
from aijuu_site.accounts.passwords import trust_address
from home.images.upload import AvatarForm


class LoginView(account.LoginView):
    """The only form with which one signs in by password. Allauth's login stages decide what follows."""

    def form_valid(self, form: LoginForm) -> HttpResponse:
        user = form.get_user()
        # Otherwise Django would flush a session of another account at the end of the login, and the record that the
        # second step was passed would be lost with it.
        if SESSION_KEY in self.request.session:
            logout(self.request)
        self.request.session.set_expiry(settings.SESSION_COOKIE_AGE if form.cleaned_data.get("remember") else 0)
        login = Login(user=user, redirect_url=self.get_success_url(), state={"password": user.get_session_auth_hash()})
        response: HttpResponse = perform_login(self.request, login)
        return response

    def form_invalid(self, form: LoginForm) -> HttpResponse:
        """Answer with status 429 if the password was not checked."""
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
        # Somebody who forgot the password has probably tried wrong ones: they no longer count.
        trust_address(request=self.request, account=self.user.email)
        return response


class UserIndexView(IndexView):
    search_fields = ("name", "email")

    @cached_property
    def columns(self) -> list[Any]:
        """Return Wagtail's columns, changed to our single name field, and to the e-mail address as the user name."""
        columns: list[Any] = super().columns
        for column in columns:
            if column.name == "name":
                column.sort_key = "name"
            elif column.name == User.USERNAME_FIELD:
                column.label = _("E-mail address")
        return columns

    def order_queryset(self, queryset: QuerySet[User]) -> QuerySet[User]:
        # Skips Wagtail's own, which orders by first and last name.
        return super(IndexView, self).order_queryset(queryset)  # type: ignore[no-any-return]


class UserCreateView(CreateView):
    success_message = _("Account of '%(object)s' created. They get a link by mail to choose a password.")

    def save_instance(self) -> User:
        user: User = super().save_instance()
        queue_invitation(user, by=str(self.request.user), now=timezone.now())
        return user


class UserViewSet(WagtailUserViewSet):
    ordering = "name"
    index_view_class = UserIndexView
    add_view_class = UserCreateView

    def get_form_class(self, for_update: bool = False) -> type[forms.ModelForm]:
        return UserEditForm if for_update else UserCreationForm


# The panel for notices of moderation and comments, both of which are off (settings).
_UNUSED = frozenset({"notifications"})


class PicturePanel(AvatarSettingsPanel):
    """Replaces Wagtail's panel, which stores the file with its metadata and shows no errors."""

    form_class = AvatarForm
    template_name = "admin/own_picture.html"


class _SeenValuesPanel(BaseSettingsPanel):
    """A panel whose form is a SeenValues form."""

    # Wagtail's template shows a label for a hidden field too.
    template_name = "admin/own_settings.html"

    def get_context_data(self) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data()
        # Only validation puts the values stored meanwhile into a form that is shown again.
        context["form"].is_valid()
        return context


class OwnLocalePanel(_SeenValuesPanel, LocaleSettingsPanel):
    form_class = OwnLocaleForm


class OwnThemePanel(_SeenValuesPanel, ThemeSettingsPanel):
    form_class = OwnThemeForm


class OwnNameEmailPanel(_SeenValuesPanel, NameEmailSettingsPanel):
    def get_form(self) -> OwnNameEmailForm:
        self.form_class = partial(OwnNameEmailForm, request=self.request)
        return super().get_form()


class OwnPasswordPanel(ChangePasswordPanel):
    def get_form(self) -> OwnPasswordForm:
        self.form_class = partial(OwnPasswordForm, request=self.request)
        return super().get_form()


class SecondStepPanel(BaseSettingsPanel):
    """Links to the pages about one's own login."""

    name = "second_step"
    title = _("Second step of the login")
    order = 600
    template_name = "admin/second_step_panel.html"

    def get_form(self) -> forms.Form:
        """Return an empty form: this panel saves nothing."""
        return forms.Form()


# These replace Wagtail's own panels.
_OURS: dict[str, Any] = {
    panel.name: panel for panel in (PicturePanel, OwnLocalePanel, OwnThemePanel, OwnNameEmailPanel, OwnPasswordPanel)
}


class OwnAccountView(AccountView):
    def get_panels(self) -> list[Any]:
        panels = [panel for panel in super().get_panels() if panel.name not in _UNUSED]
        own = [
            _OURS[panel.name](panel.request, panel.user, panel.profile) if panel.name in _OURS else panel
            for panel in panels
        ]
        return [*own, SecondStepPanel(panels[0].request, panels[0].user, panels[0].profile)]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Also show at the top that nothing was saved. Wagtail shows it only at the field, far below."""
        with changes_told(request):
            response: HttpResponseBase = super().post(request)
        if response.status_code == HTTPStatus.OK:
            messages.error(request, _("Your account was not saved. Check the marked places."))
        return response


own_account = require_admin_access(OwnAccountView.as_view())


def signed_in(request: HttpRequest) -> JsonResponse:
    """Return a CSRF token for a form of the admin that is about to be submitted (static/js/signed-in.js).

    Without a session, Wagtail answers a script with 403.
    """
    response = JsonResponse({"token": get_token(request)})
    response["Cache-Control"] = "no-store, private"
    return response
