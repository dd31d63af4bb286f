"""Explain why the front page can't be deleted, moved or unpublished. Wagtail only says "no permission"."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from wagtail.admin import messages
from wagtail.models import Page, Site

from home.editors_text import valid_id
from home.important_pages import DEFAULT_SITE_PROTECTED, FRONT_PAGE_PROTECTED, contains_front_page

View = Callable[..., HttpResponseBase]

# The name of the view, and its argument with the id of the page.
_PAGE_VIEWS = {
    "wagtailadmin_pages:delete": "page_id",
    "wagtailadmin_pages:unpublish": "page_id",
    "wagtailadmin_pages:move": "page_to_move_id",
    "wagtailadmin_pages:move_confirm": "page_to_move_id",
}
_BULK_ACTIONS = frozenset({"delete", "move", "unpublish"})


def protect_front_page(view: View) -> View:
    """Decorate an admin view: redirect with an error message if the request would remove the front page."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refused = _refused(request) if request.user.has_perm("wagtailadmin.access_admin") else None
        if refused is None:
            return view(request, *args, **kwargs)
        words, back_to = refused
        messages.error(request, words)
        return redirect(*back_to)

    return wrapped


def _refused(request: HttpRequest) -> tuple[Promise, tuple[Any, ...]] | None:
    """Return the message and the arguments of redirect(); None if the request is allowed."""
    match = request.resolver_match
    if match is None:
        return None
    if match.view_name in _PAGE_VIEWS:
        return _refused_page([match.kwargs[_PAGE_VIEWS[match.view_name]]])
    if match.url_name == "wagtail_bulk_action" and match.kwargs.get("action") in _BULK_ACTIONS:
        is_of_pages = (match.kwargs["app_label"], match.kwargs["model_name"]) == ("wagtailcore", "page")
        return _refused_page(request.GET.getlist("id")) if is_of_pages else None
    if match.view_name in ("wagtailsites:delete", "wagtailsites:edit"):
        return _refused_site(request, str(match.kwargs["pk"]), deletes=match.view_name == "wagtailsites:delete")
    return None


def _refused_page(pks: list[Any]) -> tuple[Promise, tuple[Any, ...]] | None:
    # The database can't compare with a number that is no primary key.
    for page in Page.objects.filter(pk__in=[pk for pk in map(valid_id, pks) if pk]):
        if page.depth > 1 and contains_front_page(page):
            return FRONT_PAGE_PROTECTED, ("wagtailadmin_pages:edit", page.pk)
    return None


def _refused_site(request: HttpRequest, pk: str, *, deletes: bool) -> tuple[Promise, tuple[Any, ...]] | None:
    """Refuse to delete the default site, to make it non-default, or to change its root page."""
    site = Site.objects.filter(pk=valid_id(pk), is_default_site=True).first()
    if site is None or not (deletes or request.method == "POST"):
        return None
    is_unchanged = "is_default_site" in request.POST and request.POST.get("root_page") == str(site.root_page_id)
    return (DEFAULT_SITE_PROTECTED, ("wagtailsites:edit", site.pk)) if deletes or not is_unchanged else None
