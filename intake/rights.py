"""Permissions for the admin views of this app, and their addresses."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse


def may_see(user: PermissionsMixin | AnonymousUser) -> bool:
    """Whether this user may read enquiries."""
    return user.has_perm("intake.view_enquiry")


def may_act(user: PermissionsMixin | AnonymousUser) -> bool:
    """Whether this user may change enquiries. Changing requires the right to read them."""
    return may_see(user) and user.has_perm("intake.change_enquiry")


def guarded(view: Callable[..., HttpResponseBase], allowed: Callable[..., bool]) -> Callable[..., HttpResponseBase]:
    """Respond with 403 to users without the right; Wagtail would redirect them to its front page instead."""

    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if allowed(request.user):
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                pass
        return TemplateResponse(request, "403.html", status=403)

    return guard


def enquiry_url(action: str, *args: object) -> str:
    """Return the address of a view of intake.desk.list. No other place knows how wagtail-modeladmin names them."""
    return reverse(f"yhteydenotot_modeladmin_{action}", args=args)
