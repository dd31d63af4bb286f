"""Addresses: the admin, uploaded files, health, and then the pages."""

from csp.decorators import csp_replace
from django.conf import settings
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls
from wagtail.utils.urlpatterns import decorate_urlpatterns
from wagtail.views import serve

from aijuu_site import views

_admin = decorate_urlpatterns(wagtailadmin_urls.urlpatterns, csp_replace(settings.ADMIN_CONTENT_SECURITY_POLICY))

# Pages set no cookie, so Django's token can't guard a form on them: a page answers 405 to POST (home.models.BasePage)
# unless it takes one and checks where it came from (intake.spam.source).
*_wagtail_views, _ = wagtail_urls.urlpatterns
_pages = re_path(wagtail_urls.serve_pattern, csrf_exempt(serve), name="wagtail_serve")

urlpatterns = [
    path(settings.ADMIN_PATH.lstrip("/"), include(_admin)),
    re_path(r"^media/(?P<path>.+)$", views.media_file, name="media_file"),
    path("documents/", include(wagtaildocs_urls)),
    path("healthz/", views.health, name="health"),
    path("", include([*_wagtail_views, _pages])),
]

if settings.DEBUG:
    from debug_toolbar.toolbar import debug_toolbar_urls

    urlpatterns = [*debug_toolbar_urls(), *urlpatterns]
