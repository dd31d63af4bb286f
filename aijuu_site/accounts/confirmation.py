"""Ask for confirmation before accounts, rights or the practice's addresses are changed, or enquiries are exported.

This applies to every view that does so. The person confirms with the password or, if the account has one, with a
second step.

An open session must not be enough to take over the site or to export all enquiries. The confirmation page carries the
submitted form data along.
"""

import enum
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from wagtail.admin.views.mixins import SpreadsheetExportMixin

from aijuu_site.accounts.models import User
from aijuu_site.accounts.notices import changes_addresses, changes_told
from aijuu_site.accounts.second_step import FIELDS, Answers
from aijuu_site.middleware import PASSKEY_PERMISSIONS_POLICY
from intake.desk.list import EnquiryAdmin

View = Callable[..., HttpResponseBase]

# All of Wagtail's views for users and groups.
_GUARDED_NAMESPACES = frozenset({"wagtailusers_users", "wagtailusers_groups"})
_BULK_ACTION = "wagtail_bulk_action"

# A confirmation stays valid for this time, so that a form with validation errors can be sent again.
CONFIRMED_FOR = timedelta(minutes=10)
_READING = ("GET", "HEAD", "OPTIONS")
_SESSION_KEY = "password_confirmed_at"
# Marks a confirmation that replaced a page opened by GET. After the confirmation that page is opened.
_OPENS_PAGE = "confirm_opens_page"
_NOT_CARRIED = FIELDS | {"csrfmiddlewaretoken", _OPENS_PAGE}
_SECOND_STEP = frozenset(
    {
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_add_webauthn",
        "mfa_remove_webauthn",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_download_recovery_codes",
    }
)
_ENQUIRIES = f"{EnquiryAdmin.base_url_path}_modeladmin_index"


class Action(enum.Enum):
    """What needs a confirmation."""

    CHANGE_ACCOUNTS = "accounts"
    CHANGE_ADDRESSES = "addresses"
    CHANGE_SECOND_STEP = "second_step"
    EXPORT_ENQUIRIES = "export"


def requires_confirmation(view: View) -> View:
    """Wrap any view of the admin: require a confirmation for an Action, and report changes by mail."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        action = _action(request)
        if action is None:
            return view(request, *args, **kwargs)
        # Wagtail's own view rejects a person without access to the admin.
        if request.user.has_perm("wagtailadmin.access_admin") and not _is_confirmed(request):
            answers = Answers(request)
            if not answers.is_right():
                return _question(request, answers, action)
            confirm_session(request)
            if action is Action.EXPORT_ENQUIRIES:
                return _back_to_list(request)
            if _OPENS_PAGE in request.POST:
                return HttpResponseRedirect(request.get_full_path())
        if request.method in _READING:
            return view(request, *args, **kwargs)
        with changes_told(request):
            return view(request, *args, **kwargs)

    return sensitive_post_parameters()(wrapped)


def _action(request: HttpRequest) -> Action | None:
    if _exports_enquiries(request):
        return Action.EXPORT_ENQUIRIES
    if request.resolver_match and request.resolver_match.url_name in _SECOND_STEP:
        return Action.CHANGE_SECOND_STEP
    if request.method in _READING:
        return None
    if _changes_accounts(request):
        return Action.CHANGE_ACCOUNTS
    return Action.CHANGE_ADDRESSES if changes_addresses(request) else None


def _exports_enquiries(request: HttpRequest) -> bool:
    match = request.resolver_match
    return (
        match is not None
        and match.url_name == _ENQUIRIES
        and request.GET.get("export") in SpreadsheetExportMixin.FORMATS
        and request.user.has_perm("intake.export_enquiry")
    )


def _back_to_list(request: HttpRequest) -> HttpResponse:
    """Redirect to the list, where the person downloads the file.

    An immediate download would leave the confirmation page on the screen.
    """
    query = request.GET.copy()
    del query["export"]
    messages.success(request, _("Confirmed. You can download the file now."))
    return HttpResponseRedirect(f"{request.path}?{query.urlencode()}".rstrip("?"))


def _changes_accounts(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None:
        return False
    if _GUARDED_NAMESPACES.intersection(match.namespaces):
        return True
    model = User._meta
    named = (match.kwargs.get("app_label"), match.kwargs.get("model_name"))
    return match.url_name == _BULK_ACTION and named in ((model.app_label, model.model_name), ("auth", "group"))


def confirm_session(request: HttpRequest) -> None:
    """Record that the person who is signed in, or is just signing in, has confirmed their identity."""
    request.session[_SESSION_KEY] = timezone.now().isoformat()


def _is_confirmed(request: HttpRequest) -> bool:
    stored = request.session.get(_SESSION_KEY)
    if stored is None:
        return False
    return timedelta() <= timezone.now() - datetime.fromisoformat(stored) < CONFIRMED_FOR


def _question(request: HttpRequest, answers: Answers, action: Action) -> HttpResponse:
    carried = [(name, value) for name, values in request.POST.lists() if name not in _NOT_CARRIED for value in values]
    context = {
        "answers": answers,
        "js_data": answers.passkey_options(),
        "carried": carried,
        "action": request.get_full_path(),
        "about": action.value,
        "opens_page": _OPENS_PAGE if request.method == "GET" or _OPENS_PAGE in request.POST else "",
        "minutes": int(CONFIRMED_FOR.total_seconds() // 60),
    }
    response = TemplateResponse(request, "accounts/confirm.html", context, status=403)
    if answers.passkey:
        response["Permissions-Policy"] = PASSKEY_PERMISSIONS_POLICY
    add_never_cache_headers(response)
    return response
