"""The view of all pages: Wagtail's, with the page found by one query of home.site_pages and one of its own."""

from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, HttpResponse
from wagtail.models import Page
from wagtail.url_routing import RouteResult
from wagtail.views import serve as wagtail_serve

from home.compiled_rows import row_by_pk
from home.site_pages import SitePage, SitePages, site_pages


def serve(request: HttpRequest, path: str) -> HttpResponse:
    """Return the page at `path`. Raises Http404."""
    pages = site_pages(request)
    # Where Wagtail keeps what it has found for a request.
    request._wagtail_site = pages.site  # type: ignore[attr-defined]
    if not hasattr(request, "_wagtail_route_for_request") and pages.front_page is not None:
        front_class = _class_of(pages.front_page)
        # Other front pages may find the pages below them in their own way.
        if front_class is not None and front_class.route is Page.route:
            request._wagtail_route_for_request = _route(request, path, pages)  # type: ignore[attr-defined]
    response: HttpResponse = wagtail_serve(request, path)
    return response


def _route(request: HttpRequest, path: str, pages: SitePages) -> RouteResult | None:
    """Return what Page.route() of the front page does, without reading the front page for a page below it."""
    first, *rest = [part for part in path.split("/") if part] or [""]
    found = pages.child(first) if first else pages.front_page
    page = _load(found) if found else None
    try:
        return page.route(request, rest) if page else None
    except Http404:
        return None


def _class_of(page: SitePage) -> type[Page] | None:
    model: type[Page] | None = ContentType.objects.get_for_id(page.content_type_id).model_class()
    return model


def _load(found: SitePage) -> Page | None:
    """Return the page as an object of its own class."""
    page: Page | None = row_by_pk(_class_of(found) or Page, found.id)
    return page
