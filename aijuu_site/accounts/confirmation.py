"""Asking for the password again before accounts, rights, or the practice's addresses are changed, whichever of
Wagtail's pages does it.

An open session must not be enough to take the site over. What was typed is carried through the question.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters

from aijuu_site.accounts.changes import changes_addresses, changes_told
from aijuu_site.accounts.forms import ConfirmationForm
from aijuu_site.accounts.models import User

View = Callable[..., HttpResponseBase]

# All that Wagtail has for users and groups.
_GUARDED_NAMESPACES = frozenset({"wagtailusers_users", "wagtailusers_groups"})
_BULK_ACTION = "wagtail_bulk_action"

# So long nothing more is asked for: a form that comes back with a mistake can be sent again.
CONFIRMED_FOR = timedelta(minutes=10)
_SESSION_KEY = "password_confirmed_at"
_NOT_CARRIED = frozenset({"csrfmiddlewaretoken", "confirm_password"})


def confirmed_by_password(view: View) -> View:
    """Wrap any view of the admin; what changes accounts or addresses waits for the password, and is told by mail."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in ("GET", "HEAD", "OPTIONS") or not (
            _changes_accounts(request) or changes_addresses(request)
        ):
            return view(request, *args, **kwargs)
        # Wagtail's own view turns away whoever has no business here.
        if request.user.has_perm("wagtailadmin.access_admin") and not _is_confirmed(request):
            form = ConfirmationForm(request.POST if "confirm_password" in request.POST else None, request=request)
            if not form.is_valid():
                return _question(request, form)
            request.session[_SESSION_KEY] = timezone.now().isoformat()
        with changes_told(request):
            return view(request, *args, **kwargs)

    return sensitive_post_parameters()(wrapped)


def _changes_accounts(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None:
        return False
    if _GUARDED_NAMESPACES.intersection(match.namespaces):
        return True
    model = User._meta
    named = (match.kwargs.get("app_label"), match.kwargs.get("model_name"))
    return match.url_name == _BULK_ACTION and named in ((model.app_label, model.model_name), ("auth", "group"))


def _is_confirmed(request: HttpRequest) -> bool:
    stored = request.session.get(_SESSION_KEY)
    if stored is None:
        return False
    return timedelta() <= timezone.now() - datetime.fromisoformat(stored) < CONFIRMED_FOR


def _question(request: HttpRequest, form: ConfirmationForm) -> HttpResponse:
    carried = [(name, value) for name, values in request.POST.lists() if name not in _NOT_CARRIED for value in values]
    context = {
        "form": form,
        "carried": carried,
        "action": request.get_full_path(),
        "is_about_addresses": not _changes_accounts(request),
        "minutes": int(CONFIRMED_FOR.total_seconds() // 60),
    }
    response = TemplateResponse(request, "accounts/confirm_password.html", context, status=403)
    add_never_cache_headers(response)
    return response
