"""The pages that the request for a public page needs, and the view that answers it.

One query for each request reads what every page needs: the front page with its site, the pages of the menus and of the
contact details, the private pages, and the requested page. Other linked pages are read together by one more query.
"""

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from wagtail.models import Page, Site
from wagtail.url_routing import RouteResult
from wagtail.views import serve as wagtail_serve

from home.compiled_rows import row_by_pk

_request: ContextVar[HttpRequest | None] = ContextVar("public_request", default=None)


def current_request() -> HttpRequest | None:
    """Return the request for a public page; None outside of one, as in the admin, in the worker and in commands.

    For code that templates call without the request: filters, rich text.
    """
    return _request.get()


class CurrentRequestMiddleware:
    """Set current_request(), but not in the admin: there a request may change pages that it has already read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Reset afterwards, because a preview runs a request for a page inside a request of the admin.
        token = _request.set(None if request.path.startswith(settings.ADMIN_PATH) else request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)


_ON_REQUEST = "_site_pages"
_SITE = tuple(field.attname for field in Site._meta.concrete_fields)
_FOOTER = ("sort_order", "id")
_ALWAYS = (
    Q(live=True, show_in_menus=True)
    | Q(sites_rooted_here__isnull=False)
    | Q(view_restrictions__isnull=False)
    | Q(alias_of__isnull=False)
    | Q(footer_links__isnull=False)
    | Q(contact_page_of__isnull=False)
    | Q(privacy_page_of__isnull=False)
    | Q(accessibility_page_of__isnull=False)
)
# Placeholder for the requested slug in the compiled query.
_ANY_SLUG = "any-slug"


@dataclass(frozen=True, slots=True)
class SitePage:
    """The columns of a page that links, menus and routing need."""

    id: int
    title: str
    slug: str
    path: str
    depth: int
    url_path: str
    live: bool
    show_in_menus: bool
    content_type_id: int
    alias_of_id: int | None


# In the order of the model, as Page.from_db() takes them.
_PAGE = tuple(one.attname for one in Page._meta.concrete_fields if one.attname in SitePage.__dataclass_fields__)


class SitePages:
    """The pages that a request needs. `site` and `front_page` are None where there is no site."""

    def __init__(self, *, slug: str = "", request: HttpRequest | None = None) -> None:
        """Read what every page needs, and the pages with this slug."""
        self._slug, self._request = slug, request
        self._pages: dict[int, SitePage | None] = {}
        self._linked: Callable[[], Iterable[int | None]] | None = None
        restricted: set[int] = set()
        sites: dict[int, Site] = {}
        footer: dict[tuple[Any, ...], int] = {}
        for row in _rows(slug):
            columns = iter(row)
            page = SitePage(**{name: next(columns) for name in _PAGE})
            site, place = [next(columns) for _name in _SITE], tuple(next(columns) for _name in _FOOTER)
            self._pages[page.id] = page
            if site[0] is not None:
                sites[site[0]] = Site.from_db(connection.alias, _SITE, site)
            if place[1] is not None:
                footer[place] = page.id
            if next(columns) is not None:
                restricted.add(page.id)
        self._private = [page.path for page in self._pages.values() if page and self._source_id(page) in restricted]
        self.footer_ids = [footer[place] for place in sorted(footer)]
        self.site = self._find_site(list(sites.values()))
        self.front_page = self._pages.get(self.site.root_page_id) if self.site else None
        self._has_one_site = len(sites) == 1

    def _find_site(self, sites: list[Site]) -> Site | None:
        if len(sites) == 1 and sites[0].is_default_site:
            return sites[0]
        # Wagtail compares host and port.
        found: Site | None = Site.find_for_request(self._request)
        return found or next((site for site in sites if site.is_default_site), None)

    def _source_id(self, page: SitePage) -> int:
        """Return the id of the page whose restrictions apply to `page`. For an alias, Wagtail uses its source's."""
        found = page
        while found.alias_of_id is not None:
            source = self._pages.get(found.alias_of_id)
            if source is None:
                return found.alias_of_id
            found = source
        return found.id

    @property
    def any_is_private(self) -> bool:
        return bool(self._private)

    def is_visible(self, page: SitePage) -> bool:
        """Return whether `page` is published and not private."""
        return page.live and not any(page.path.startswith(path) for path in self._private)

    def menu_pages(self) -> list[SitePage]:
        """Return the visible pages of the main menu in the order of the tree."""
        pages = [page for page in self._pages.values() if page and page.show_in_menus and self._is_child(page)]
        return sorted((page for page in pages if self.is_visible(page)), key=lambda page: page.path)

    def _is_child(self, page: SitePage) -> bool:
        front = self.front_page
        return front is not None and page.depth == front.depth + 1 and page.path.startswith(front.path)

    def child(self, slug: str) -> SitePage | None:
        """Return the page with this slug right below the front page, published or not."""
        if slug != self._slug:
            self._slug = slug
            self._add(_page_columns(Q(slug=slug)))
        return next(
            (page for page in self._pages.values() if page and page.slug == slug and self._is_child(page)), None
        )

    def get(self, pk: int | None) -> SitePage | None:
        """Return the page, published or not; None where there is none."""
        return self.get_many([pk])[0]

    def way_to(self, path: str) -> list[SitePage]:
        """Return the page with this tree path and its ancestors, from the child of the front page downwards."""
        if self.front_page is None or not path.startswith(self.front_page.path):
            return []
        first = len(self.front_page.path) + Page.steplen
        wanted = [path[:end] for end in range(first, len(path) + 1, Page.steplen)]
        missing = set(wanted) - {page.path for page in self._pages.values() if page}
        if missing:
            self._add(_page_columns(Q(path__in=missing)))
        found = {page.path: page for page in self._pages.values() if page}
        return [found[one] for one in wanted if one in found]

    def get_many(self, pks: Sequence[int | None]) -> list[SitePage | None]:
        """Return the pages in this order. Those that are not known yet are read in one query."""
        missing = {pk for pk in pks if pk is not None} - self._pages.keys()
        if missing:
            if self._linked is not None:
                missing |= {pk for pk in self._linked() if pk is not None} - self._pages.keys()
                self._linked = None
            self._pages |= dict.fromkeys(missing)
            self._add(_page_columns(Q(pk__in=missing)))
        return [None if pk is None else self._pages[pk] for pk in pks]

    def objects(self, pks: Sequence[int | None]) -> list[Page | None]:
        """Return the pages as Page objects. Columns that are not in SitePage are deferred: they are read when used."""
        found = self.get_many(pks)
        return [
            page and Page.from_db(connection.alias, _PAGE, [getattr(page, name) for name in _PAGE]) for page in found
        ]

    def _add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._pages |= {page.id: page for page in (SitePage(**dict(zip(_PAGE, row, strict=True))) for row in rows)}

    def expect_links(self, linked: Callable[[], Iterable[int | None]]) -> None:
        """Let get_many() also read the pages of `linked` when it first has to query."""
        self._linked = linked

    def url(self, page: SitePage | None) -> str:
        """Return the URL of `page` for visitors; "" where it is None, unpublished, or outside every site."""
        if page is None or not page.live:
            return ""
        front = self.front_page
        if self._has_one_site and front is not None:
            inside = page.url_path.startswith(front.url_path)
            return f"/{page.url_path[len(front.url_path) :]}" if inside else ""
        return Page.objects.get(pk=page.id).get_url(self._request) or ""


def _page_columns(condition: Q) -> Iterable[tuple[Any, ...]]:
    return Page.objects.filter(condition).values_list(*_PAGE)


def _rows(slug: str) -> list[tuple[Any, ...]]:
    sql, parameters = _compiled(connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(sql, [slug if one == _ANY_SLUG else one for one in parameters])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


@cache
def _compiled(_vendor: str) -> tuple[str, tuple[Any, ...]]:
    """Return the query as SQL. Building it takes Django fifteen times as long as running it, so it is built once."""
    columns = [
        *_PAGE,
        *(f"sites_rooted_here__{name}" for name in _SITE),
        *(f"footer_links__{name}" for name in _FOOTER),
        "view_restrictions__id",
    ]
    pages = Page.objects.filter(_ALWAYS | Q(slug=_ANY_SLUG)).order_by().values_list(*columns)
    sql, parameters = pages.query.sql_with_params()
    return sql, tuple(parameters)


def site_pages(request: HttpRequest) -> SitePages:
    """Return the SitePages object of this request. The first call creates it, which reads the pages."""
    pages = getattr(request, _ON_REQUEST, None)
    if not isinstance(pages, SitePages):
        first, *_rest = request.path_info.strip("/").split("/")
        pages = SitePages(slug=first, request=request)
        setattr(request, _ON_REQUEST, pages)
    return pages


def visitor_urls(pks: Sequence[int | None]) -> list[str]:
    """Return the URLs of pages for visitors; "" for a page that is missing or unpublished. Every link uses this."""
    request = current_request()
    pages = SitePages() if request is None else site_pages(request)
    return [pages.url(page) for page in pages.get_many(pks)]


def visitor_url(page: Page | None) -> str:
    return visitor_urls([page.pk])[0] if page is not None else ""


def serve(request: HttpRequest, path: str) -> HttpResponse:
    """Return the page at `path`. Raises Http404."""
    pages = site_pages(request)
    # Wagtail caches the site and the route of a request in these attributes.
    request._wagtail_site = pages.site  # type: ignore[attr-defined]
    if not hasattr(request, "_wagtail_route_for_request") and pages.front_page is not None:
        front_class = _class_of(pages.front_page)
        # A front page whose class overrides route() must find its children itself.
        if front_class is not None and front_class.route is Page.route:
            request._wagtail_route_for_request = _route(request, path, pages)  # type: ignore[attr-defined]
    response: HttpResponse = wagtail_serve(request, path)
    return response


def _route(request: HttpRequest, path: str, pages: SitePages) -> RouteResult | None:
    """Return the result of the front page's Page.route(), without reading the front page for a page below it."""
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
