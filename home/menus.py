"""The main menu, the footer menu and the breadcrumbs, and the context that the base template needs."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.http import HttpRequest, QueryDict
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import InlinePanel, PageChooserPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting
from wagtail.models import Orderable, Page

from home.contact_details import ContactDetails, cache_contact
from home.editors_text import editors_text, valid_id
from home.pause.models import current_pause
from home.pause.wording import next_step
from home.shown_values import SEEN, SeenValues, digest, digests_text, read_digests
from home.site_pages import SitePage, site_pages

_LINKS = "links"
_ROW = re.compile(rf"{_LINKS}-(\d{{1,9}})-page", re.ASCII)


class _FooterMenuForm(SeenValues, WagtailAdminModelForm):  # type: ignore[misc]
    """The form of the footer's links. The list of their pages is handled like one field of SeenValues.

    The rows of Wagtail's form refer to stored links. If another window had removed one, the form could never be saved.
    So all posted rows are saved as new links in the posted order, and replace the stored links.
    """

    instance: "FooterMenu"

    def __init__(self, data: QueryDict | None = None, *args: Any, **kwargs: Any) -> None:
        menu = kwargs["instance"]
        links = FooterLink.objects.filter(menu=menu.pk).select_related("page").order_by("sort_order")
        self._stored_pages = [link.page for link in links]
        self._changed_elsewhere = False
        if data is not None:
            data = self._merged(data)
        super().__init__(data, *args, **kwargs)
        self.initial[SEEN] = self._digests()

    def _merged(self, data: QueryDict) -> QueryDict:
        """Return the posted data. Links that were not changed on the form are replaced by those stored now."""
        merged = data.copy()
        for name in data:
            if name.startswith(f"{_LINKS}-"):
                del merged[name]
        if not _has_all_rows(data):
            # This form did not send the post. Django refuses it, because the fields of the links are missing.
            return merged
        rows = _posted_rows(data)
        stored = [str(page.pk) for page in self._stored_pages]
        seen = read_digests(data.get(SEEN, "")).get(_LINKS, _digest(stored))
        if seen != _digest(stored) and rows != stored:
            self._changed_elsewhere = _digest(rows) != seen
            rows = _without_deleted_pages(rows) if self._changed_elsewhere else stored
        merged[f"{_LINKS}-TOTAL_FORMS"], merged[f"{_LINKS}-INITIAL_FORMS"] = str(len(rows)), "0"
        for number, page in enumerate(rows):
            merged[f"{_LINKS}-{number}-page"] = page
            merged[f"{_LINKS}-{number}-ORDER"] = str(number + 1)
        # If the form is shown again, its error has named the links that are stored now.
        merged[SEEN] = self._digests()
        return merged

    def _digests(self) -> str:
        return digests_text({_LINKS: _digest([str(page.pk) for page in self._stored_pages])})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self._changed_elsewhere:
            self.formsets[_LINKS].non_form_errors().append(self._refusal_of_links())
        return cleaned

    def _refusal_of_links(self) -> str:
        if not self._stored_pages:
            return _(
                "The links were changed in another window. Now there are none. Save again if you want yours in their "
                "place."
            )
        return _(
            "The links were changed in another window. Now they are: %(links)s. Save again to replace them by yours."
        ) % {"links": ", ".join(page.title for page in self._stored_pages)}

    def save(self, commit: bool = True) -> "FooterMenu":
        with transaction.atomic():
            # The lock lets one save run at a time: two at once could store the same link.
            FooterMenu.objects.select_for_update().get(pk=self.instance.pk)
            self.instance.links.clear()
            saved: FooterMenu = super().save(commit=commit)
        return saved


def _digest(rows: list[str]) -> str:
    return digest(" ".join(rows))


def _has_all_rows(data: QueryDict) -> bool:
    return str(sum(_ROW.fullmatch(name) is not None for name in data)) == data.get(f"{_LINKS}-TOTAL_FORMS")


def _posted_rows(data: QueryDict) -> list[str]:
    """Return the page id of each row that was not deleted, in the order of the rows; "" for a row without a page."""
    rows = []
    for name, page in data.items():
        if (match := _ROW.fullmatch(name)) and not data.get(f"{_LINKS}-{match[1]}-DELETE"):
            order = valid_id(data.get(f"{_LINKS}-{match[1]}-ORDER"))
            rows.append((order is None, order or 0, int(match[1]), str(valid_id(page) or "")))
    return [page for *_place, page in sorted(rows)]


def _without_deleted_pages(rows: list[str]) -> list[str]:
    known = {str(pk) for pk in Page.objects.filter(pk__in=filter(None, rows)).values_list("pk", flat=True)}
    return [row for row in rows if not row or row in known]


@register_setting(icon="link", order=200)
class FooterMenu(ClusterableModel, BaseGenericSetting):  # type: ignore[misc]
    """The links of the footer, in the order that the supervisor has chosen."""

    panels: ClassVar[list[Any]] = [
        InlinePanel(
            _LINKS,
            heading=gettext_lazy("Links"),
            label=gettext_lazy("Link"),
            help_text=gettext_lazy(
                "Stand at the foot of every page in this order, under the names of their pages. A page that visitors "
                "can't read is left out until they can. If you leave out the privacy page or the accessibility page, "
                "it stands last, since people have a right to find it."
            ),
        )
    ]

    base_form_class = _FooterMenuForm

    class Meta:
        verbose_name = gettext_lazy("links of the footer")
        verbose_name_plural = gettext_lazy("links of the footer")


class FooterLink(Orderable):  # type: ignore[misc]
    menu = ParentalKey(FooterMenu, on_delete=models.CASCADE, related_name="links")
    page = models.ForeignKey(
        Page, verbose_name=gettext_lazy("page"), on_delete=models.CASCADE, related_name="footer_links"
    )

    panels: ClassVar[list[Any]] = [PageChooserPanel("page")]

    class Meta:
        ordering: ClassVar[list[str]] = ["sort_order"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["menu", "page"],
                name="footer_link_once",
                violation_error_message=gettext_lazy("This page is already in the footer."),
            )
        ]


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A link of a menu. `is_current` is true on the page that it leads to."""

    title: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Menus:
    main: list[MenuItem]
    footer: list[MenuItem]


def build_menus(request: HttpRequest) -> Menus:
    """Return both menus. Unpublished and private pages, and those outside the request's site, are left out.

    The main menu is in the order of the page tree, the footer in that of `FooterMenu`.
    """
    pages = site_pages(request)

    def item(page: SitePage) -> MenuItem:
        url = pages.url(page)
        return MenuItem(editors_text(page.title), url, is_current=url == request.path)

    footer = pages.get_many(_footer_page_ids(request))
    return Menus(
        main=[item(page) for page in pages.menu_pages()],
        footer=[item(page) for page in footer if page and pages.is_visible(page) and pages.url(page)],
    )


def _footer_page_ids(request: HttpRequest) -> list[int]:
    """Return the ids of the chosen pages, then of the privacy and accessibility pages unless they are among these."""
    details = ContactDetails.load(request)
    always = (details.privacy_page_id, details.accessibility_page_id)
    return list(dict.fromkeys([*site_pages(request).footer_ids, *(pk for pk in always if pk is not None)]))


def build_breadcrumbs(request: HttpRequest, page: Page, here: str = "") -> list[MenuItem]:
    """Return the breadcrumbs from the front page to `page`, or to the view titled `here` below it.

    Empty on the front page and its children, which the main menu covers. Unpublished ancestors are left out.
    """
    pages = site_pages(request)
    if pages.front_page is None or page.depth - pages.front_page.depth + bool(here) < 2:
        return []
    above = [one for one in pages.way_to(page.path) if one.id != page.pk or here]
    items = [MenuItem(_("Front page"), front, is_current=False)] if (front := pages.url(pages.front_page)) else []
    items += [
        MenuItem(editors_text(one.title), pages.url(one), is_current=False) for one in above if pages.is_visible(one)
    ]
    return [*items, MenuItem(here or editors_text(page.title), request.path, is_current=True)]


def site_context(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the base template. Each value is read at most once per request, when it is first used."""

    def front_url() -> str:
        pages = site_pages(request)
        return pages.url(pages.front_page)

    def details() -> ContactDetails:
        loaded = ContactDetails.load(request)
        cache_contact(loaded)
        return loaded

    def step() -> str:
        url = details().contact_url
        # No link to the contact page on the contact page itself and below it.
        return next_step(current_pause(request), "" if url and request.path.startswith(url) else url)

    menus: Menus = SimpleLazyObject(lambda: build_menus(request))  # type: ignore[assignment]
    return {
        "front_url": SimpleLazyObject(front_url),
        "contact_details": SimpleLazyObject(details),
        "contact_url": SimpleLazyObject(lambda: details().contact_url),
        "pause": SimpleLazyObject(lambda: current_pause(request)),
        "pause_next_step": SimpleLazyObject(step),
        "main_menu": SimpleLazyObject(lambda: menus.main),
        "footer_menu": SimpleLazyObject(lambda: menus.footer),
        # In bytes: Django refuses a longer POST before a view sees it.
        "largest_post": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    }
