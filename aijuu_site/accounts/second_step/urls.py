"""Addresses of the second step, below the admin's. Allauth looks for these names; of its other pages there is none."""

from allauth.mfa.recovery_codes.views import download_recovery_codes, generate_recovery_codes
from allauth.mfa.totp.views import deactivate_totp
from allauth.mfa.webauthn.views import add_webauthn
from django.urls import path
from django.views.decorators.cache import never_cache
from wagtail.admin.auth import require_admin_access

from aijuu_site.accounts.second_step import views

_own = [
    path("", views.OwnStepsView.as_view(), name="mfa_index"),
    path("app/", views.ActivateAppView.as_view(), name="mfa_activate_totp"),
    path("app/remove/", deactivate_totp, name="mfa_deactivate_totp"),
    path("recovery-codes/", views.RecoveryCodesView.as_view(), name="mfa_view_recovery_codes"),
    path("recovery-codes/new/", generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("recovery-codes/download/", download_recovery_codes, name="mfa_download_recovery_codes"),
    path("passkeys/add/", views.if_passkeys_work(add_webauthn), name="mfa_add_webauthn"),
    path(
        "passkeys/<int:pk>/remove/",
        views.if_passkeys_work(views.RemovePasskeyView.as_view()),
        name="mfa_remove_webauthn",
    ),
    path("sessions/", views.SessionsView.as_view(), name="usersessions_list"),
]
urlpatterns = [
    path("login/second-step/", views.second_step, name="mfa_authenticate"),
    path("login/enrol/", views.enrol, name="second_step_enrol"),
    *(
        path(f"account/login/{pattern.pattern}", never_cache(require_admin_access(pattern.callback)), name=pattern.name)
        for pattern in _own
    ),
]
