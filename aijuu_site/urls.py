"""The URLs: the admin, uploaded files, monitoring, files with well-known names, and then the pages."""

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path, re_path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls
from wagtail.utils.urlpatterns import decorate_urlpatterns

from aijuu_site import health, views
from aijuu_site.accounts import second_step_views
from aijuu_site.accounts.confirmation import requires_confirmation
from aijuu_site.accounts.views import LoginView, PasswordResetConfirmView, own_account
from aijuu_site.front_page_protection import protect_front_page
from aijuu_site.logs import ANY_PRIVATE_PATH
from aijuu_site.middleware import LIVE_PATH, METRICS_PATH, READY_PATH
from home.seo import PageSitemap
from home.site_pages import serve
from intake.mapping.private_pages import repair_link

# The first match wins: these views replace Wagtail's at the same paths, and Wagtail's URL names stay valid.
_admin = decorate_urlpatterns(
    decorate_urlpatterns(
        [
            path("login/", never_cache(LoginView.as_view()), name="account_login"),
            path("account/", own_account),
            *second_step_views.urlpatterns,
            path("uploads/<path:path>", views.uploaded_file, name="uploaded_file"),
            path("password_reset/confirm/<uidb64>/<token>/", never_cache(PasswordResetConfirmView.as_view())),
            *wagtailadmin_urls.urlpatterns,
        ],
        lambda view: protect_front_page(requires_confirmation(view)),
    ),
    csp_replace(settings.ADMIN_CONTENT_SECURITY_POLICY),
)

# Redirect Wagtail's login for private pages to that of the admin: one form takes passwords.
_second_login = path("_util/login/", RedirectView.as_view(pattern_name="wagtailadmin_login", query_string=True))

# Pages set no cookie, so they can't use Django's CSRF token: a page answers 405 to POST (home.pages.BasePage) unless it
# accepts one and checks its origin (intake.rate_limit).
*_wagtail_views, _ = wagtail_urls.urlpatterns
_pages = re_path(wagtail_urls.serve_pattern, csrf_exempt(serve), name="wagtail_serve")

urlpatterns = [
    path(settings.ADMIN_PATH.lstrip("/"), include(_admin)),
    re_path(r"^media/(?P<path>.+)$", views.media_file, name="media_file"),
    path("documents/", include(wagtaildocs_urls)),
    path(LIVE_PATH.lstrip("/"), health.live, name="live"),
    path(READY_PATH.lstrip("/"), health.ready, name="ready"),
    path(METRICS_PATH.lstrip("/"), health.metrics, name="metrics"),
    path("sitemap.xml", require_safe(sitemap), {"sitemaps": {"pages": PageSitemap}}, name="sitemap"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path(settings.PRIVATE_PATH.lstrip("/"), include("intake.urls")),
    re_path(rf"^{ANY_PRIVATE_PATH}(?P<damaged>[\s\S]*)$", repair_link, name="damaged_private_link"),
    path("", include([_second_login, *_wagtail_views, _pages])),
]

# These need neither database nor context processors.
handler400 = "aijuu_site.plain_pages.bad_request"
handler500 = "aijuu_site.plain_pages.server_error"

if settings.DEBUG:
    from debug_toolbar.toolbar import debug_toolbar_urls

    urlpatterns = [*debug_toolbar_urls(), *urlpatterns]
