"""The second step of a login: passing it, setting one up, and managing one's own; allauth's views with our rules.

The URL names are those that allauth resolves; their paths are below the admin's. Allauth's other pages are not served.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.stagekit import clear_login
from allauth.account.stages import LoginStage
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import views as base
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.recovery_codes.views import download_recovery_codes, generate_recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.totp.internal.auth import TOTP, clear_totp_secret
from allauth.mfa.totp.views import deactivate_totp
from allauth.mfa.webauthn import views as webauthn
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from allauth.mfa.webauthn.internal.auth import WebAuthn, begin_registration
from allauth.mfa.webauthn.views import add_webauthn
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import View
from wagtail.admin.auth import require_admin_access

from aijuu_site.accounts.confirmation import confirm_session
from aijuu_site.accounts.models import User
from aijuu_site.accounts.notices import changes_told, device_words, end_other_sessions
from aijuu_site.accounts.second_step import ActivateTOTPForm, has_step, is_required, may_remove, passkeys_work
from aijuu_site.middleware import PASSKEY_PERMISSIONS_POLICY


class EnrolStage(LoginStage):
    """The stage of a login in which a person without a second step sets one up."""

    key = "enrol"
    urlname = "second_step_enrol"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if is_required() and not has_step(self.login.user):
            return HttpResponseRedirect(reverse(self.urlname)), True
        return None, True


@dataclass(frozen=True)
class QrCode:
    """The QR code that an authenticator app scans, and the text to type where scanning is impossible."""

    svg: SafeString
    # In groups of four characters, as apps display and accept them.
    typed: str
    url: str


def qr_code(user: User, secret: str) -> QrCode:
    # Imported only here: it loads Pillow's fonts, which take 4 MiB and which nothing else needs.
    import qrcode
    from qrcode.image.svg import SvgPathImage

    url = get_adapter().build_totp_url(user, secret)
    picture: str = qrcode.make(url, image_factory=SvgPathImage, border=2).to_string(encoding="unicode")
    groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
    return QrCode(svg=mark_safe(picture), typed=" ".join(groups), url=url)  # noqa: S308 (made here, of squares)


def if_passkeys_work(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not passkeys_work():
            raise Http404
        return view(request, *args, **kwargs)

    return wrapped


class _SamePasswordMixin(View):
    """Ends a login that waits for its second step if the password has been changed meanwhile."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        login = _stage(request).login
        if login.user is None or login.state.get("password") != login.user.get_session_auth_hash():
            clear_login(request)
            return HttpResponseRedirect(reverse("wagtailadmin_login"))
        return super().dispatch(request, *args, **kwargs)


class SecondStepView(_SamePasswordMixin, base.AuthenticateView):
    """Asks for a code or a passkey, between the password and the admin."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        refusal = getattr(form, "refusal", None)
        if refusal:
            response.status_code = 429
            response["Retry-After"] = str(refusal.seconds)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ours: dict[str, Any] = super().get_context_data(**kwargs)
        user = self.stage.login.user
        types = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        ours["has_passkey"] = passkeys_work() and Authenticator.Type.WEBAUTHN in types
        return ours

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().render_to_response(context, **kwargs)
        response["Permissions-Policy"] = PASSKEY_PERMISSIONS_POLICY
        return response


def _stage(request: HttpRequest) -> LoginStage:
    return request._login_stage  # type: ignore[attr-defined,no-any-return]


# Allauth's decorator on the base class's dispatch() runs only after the mixin's, which already needs the login stage.
second_step = login_stage_required(stage="mfa_authenticate", redirect_urlname="account_login")(SecondStepView.as_view())


class EnrolView(_SamePasswordMixin):
    """Lets a person who needs a second step and has none set one up: an app's codes or a passkey."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if has_step(self.user):
            return self._too_late()
        return self._page(ActivateTOTPForm(user=self.user), AddWebAuthnForm(user=self.user))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        app_form = ActivateTOTPForm(request.POST if "code" in request.POST else None, user=self.user)
        passkey_form = AddWebAuthnForm(
            request.POST if passkeys_work() and "credential" in request.POST else None, user=self.user
        )
        with changes_told(request, by=self.user.email):
            # Another login of the same account may be setting one up at the same time.
            user = User.objects.select_for_update().get(pk=self.user.pk)
            if has_step(user):
                return self._too_late()
            if app_form.is_valid():
                authenticator = TOTP.activate(user, app_form.secret).instance
            elif passkey_form.is_valid():
                values = passkey_form.cleaned_data
                authenticator = WebAuthn.add(user, values["name"], values["credential"]).instance
            else:
                return self._page(app_form, passkey_form)
            RecoveryCodes.activate(user)
        clear_totp_secret(request)
        post_authentication(request, authenticator)
        # The password was entered just now, and the next page shows the recovery codes, which requires a confirmation.
        confirm_session(request)
        stage = _stage(request)
        after = stage.login.redirect_url or reverse("wagtailadmin_home")
        stage.login.redirect_url = f"{reverse('mfa_view_recovery_codes')}?{urlencode({'next': after})}"
        return stage.exit()  # type: ignore[no-any-return]

    @property
    def user(self) -> User:
        return cast(User, _stage(self.request).login.user)

    def _too_late(self) -> HttpResponse:
        clear_login(self.request)
        return HttpResponseRedirect(reverse("wagtailadmin_login"))

    def _page(self, app_form: ActivateTOTPForm, passkey_form: AddWebAuthnForm) -> HttpResponse:
        values: dict[str, Any] = {
            "form": app_form,
            "qr_code": qr_code(self.user, app_form.secret),
            "passkeys_work": passkeys_work(),
        }
        if passkeys_work():
            values |= {
                "passkey_form": passkey_form,
                "js_data": {"creation_options": begin_registration(self.user, False)},
            }
        return TemplateResponse(self.request, "mfa/enrol.html", values)


enrol = login_stage_required(stage=EnrolStage.key, redirect_urlname="account_login")(EnrolView.as_view())


class OwnStepsView(base.IndexView):
    """The second steps that protect one's own login."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ours: dict[str, Any] = super().get_context_data(**kwargs)
        mine = list(Authenticator.objects.filter(user=self.request.user).order_by("created_at"))
        passkeys = [one for one in mine if one.type == Authenticator.Type.WEBAUTHN]
        app = next((one for one in mine if one.type == Authenticator.Type.TOTP), None)
        codes = next((one for one in mine if one.type == Authenticator.Type.RECOVERY_CODES), None)
        ours |= {
            "app": app,
            "app_may_go": app is not None and may_remove(app),
            "passkeys": passkeys,
            "passkey_may_go": bool(passkeys) and may_remove(passkeys[0]),
            "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
            "passkeys_work": passkeys_work(),
            "is_required": is_required(),
        }
        return ours


class ActivateAppView(totp.ActivateTOTPView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ours: dict[str, Any] = super().get_context_data(**kwargs)
        ours["qr_code"] = qr_code(cast(User, self.request.user), ours["form"].secret)
        return ours


class RemovePasskeyView(webauthn.RemoveWebAuthnView):
    success_url = reverse_lazy("mfa_index")

    def get_object(self, queryset: Any = None) -> Authenticator:
        authenticator: Authenticator = super().get_object(queryset)
        if not may_remove(authenticator):
            raise Http404
        return authenticator


class RecoveryCodesView(recovery_codes.ViewRecoveryCodesView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ours: dict[str, Any] = super().get_context_data(**kwargs)
        after = self.request.GET.get("next", "")
        hosts = {self.request.get_host()}
        ours["next"] = after if url_has_allowed_host_and_scheme(after, hosts, self.request.is_secure()) else ""
        return ours


class SessionsView(ListUserSessionsView):
    """One's own open logins, and one button that ends all of them."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ours: dict[str, Any] = super().get_context_data(**kwargs)
        ours["logins"] = [
            {"device": device_words(one.user_agent), "began": one.created_at, "is_this": one.is_current()}
            for one in ours["sessions"]
        ]
        return ours

    def form_valid(self, form: Any) -> HttpResponse:
        user = cast(User, self.request.user)
        end_other_sessions(user.pk, self.request)
        UserSession.objects.filter(user=user).delete()
        logout(self.request)
        messages.success(self.request, _("You are signed out everywhere."))
        return HttpResponseRedirect(reverse("wagtailadmin_login"))


_own = [
    path("", OwnStepsView.as_view(), name="mfa_index"),
    path("app/", ActivateAppView.as_view(), name="mfa_activate_totp"),
    path("app/remove/", deactivate_totp, name="mfa_deactivate_totp"),
    path("recovery-codes/", RecoveryCodesView.as_view(), name="mfa_view_recovery_codes"),
    path("recovery-codes/new/", generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("recovery-codes/download/", download_recovery_codes, name="mfa_download_recovery_codes"),
    path("passkeys/add/", if_passkeys_work(add_webauthn), name="mfa_add_webauthn"),
    path(
        "passkeys/<int:pk>/remove/",
        if_passkeys_work(RemovePasskeyView.as_view()),
        name="mfa_remove_webauthn",
    ),
    path("sessions/", SessionsView.as_view(), name="usersessions_list"),
]
urlpatterns = [
    path("login/second-step/", second_step, name="mfa_authenticate"),
    path("login/enrol/", enrol, name="second_step_enrol"),
    *(
        path(f"account/login/{pattern.pattern}", never_cache(require_admin_access(pattern.callback)), name=pattern.name)
        for pattern in _own
    ),
]
