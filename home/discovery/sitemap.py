"""The list of pages for search engines."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet
from wagtail.models import Page, Site

from home.discovery.addresses import page_address


class PageSitemap(Sitemap[Page]):
    """Every published page that anybody may read, under the address of SITE_URL."""

    def items(self) -> QuerySet[Page]:
        site = Site.objects.filter(is_default_site=True).select_related("root_page").first()
        if site is None:
            return Page.objects.none()
        pages: QuerySet[Page] = site.root_page.get_descendants(inclusive=True).live().public().order_by("path")
        return pages

    def location(self, item: Page) -> str:
        return urlsplit(page_address(item)).path

    def lastmod(self, item: Page) -> datetime | None:
        published: datetime | None = item.last_published_at
        return published

    def get_protocol(self, protocol: str | None = None) -> str:
        return urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site: object = None) -> str:
        return urlsplit(settings.SITE_URL).netloc
