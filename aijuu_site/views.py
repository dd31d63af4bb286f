"""Views outside the page tree: files, robots.txt, favicon, manifest, security.txt."""

import mimetypes
from datetime import UTC, timedelta

from django.conf import settings
from django.core.files.storage import Storage, default_storage, storages
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    HttpResponseRedirect,
    JsonResponse,
)
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.http import require_safe
from django.views.static import was_modified_since

from aijuu_site.storages import is_stored_name
from home.contact_details import ContactDetails
from home.seo import absolute

# Names are never reused (aijuu_site.storages), so the content of a URL never changes.
MEDIA_MAX_AGE = 60 * 60 * 24 * 30
# Not documents: their own view checks whether the collection is private.
_SHOWN_IN_ADMIN = ("original_images/", "avatar_images/")
# RFC 9116, 2.5.5: recommended to be less than a year ahead.
SECURITY_TXT_HOLDS = timedelta(days=180)
# An uploaded SVG may contain a script: opened on its own, it must run and load nothing.
MEDIA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_TEXT = "text/plain; charset=utf-8"
# The background of the light scheme (static/css/site.css). A manifest can't hold the dark one.
_PAPER = "#fbf7f0"
_ICONS = (("icon-192.png", 192, "any"), ("icon-512.png", 512, "any"), ("icon-maskable-512.png", 512, "maskable"))


@require_safe
def media_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve a public rendition. 404 for any other name."""
    return _stored_file(request, path, storages["pictures"], f"public, max-age={MEDIA_MAX_AGE}")


@require_safe
def uploaded_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve an uploaded original to users with access to the admin. 404 for others."""
    may_see = request.user.has_perm("wagtailadmin.access_admin")  # type: ignore[union-attr]
    if not may_see or not path.startswith(_SHOWN_IN_ADMIN):
        raise Http404
    return _stored_file(request, path, default_storage, "private, no-cache")


def _stored_file(request: HttpRequest, path: str, storage: Storage, cache_control: str) -> HttpResponseBase:
    if not is_stored_name(path):
        raise Http404
    try:
        response = _file_response(request, path, storage)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise Http404 from error
    response["Content-Security-Policy"] = MEDIA_POLICY
    response["Cache-Control"] = cache_control
    return response


def _file_response(request: HttpRequest, name: str, storage: Storage) -> HttpResponseBase:
    """Return the stored file, or 304, as django.views.static.serve() does for a folder."""
    modified = storage.get_modified_time(name).timestamp()
    if not was_modified_since(request.META.get("HTTP_IF_MODIFIED_SINCE"), modified):
        return HttpResponseNotModified()
    content_type, encoding = mimetypes.guess_type(name)
    headers = {"Last-Modified": http_date(modified)} | ({"Content-Encoding": encoding} if encoding else {})
    return FileResponse(storage.open(name), content_type=content_type or "application/octet-stream", headers=headers)


@require_safe
def robots(_request: HttpRequest) -> HttpResponse:
    """Disallow the admin and name the sitemap."""
    lines = ["User-agent: *", f"Disallow: {settings.ADMIN_PATH}", "", f"Sitemap: {absolute(reverse('sitemap'))}"]
    return HttpResponse("\n".join(lines) + "\n", content_type=_TEXT)


@require_safe
def favicon(_request: HttpRequest) -> HttpResponseRedirect:
    """Redirect to the icon, whose file name changes with its content."""
    return HttpResponseRedirect(static("img/icons/favicon.ico"))


@require_safe
def manifest(_request: HttpRequest) -> JsonResponse:
    """Return name, colours and icons for a home screen. `display` is "browser": it is a website, not an app."""
    return JsonResponse(
        {
            "name": settings.WAGTAIL_SITE_NAME,
            "short_name": settings.WAGTAIL_SITE_NAME.split()[0],
            "lang": settings.LANGUAGE_CODE,
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "display": "browser",
            "background_color": _PAPER,
            "theme_color": _PAPER,
            "icons": [
                {
                    "src": static(f"img/icons/{name}"),
                    "sizes": f"{size}x{size}",
                    "type": "image/png",
                    "purpose": purpose,
                }
                for name, size, purpose in _ICONS
            ],
        },
        content_type="application/manifest+json",
    )


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """RFC 9116: contact page, then phone; 404 if neither is known. No e-mail address, because programs harvest it."""
    details = ContactDetails.load(request)
    contacts = [absolute(details.contact_url) if details.contact_url else "", details.phone_uri]
    lines = [f"Contact: {contact}" for contact in contacts if contact]
    if not lines:
        raise Http404
    # Constant throughout a day, so that the ETag is constant, too.
    expires = (timezone.now() + SECURITY_TXT_HOLDS).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    lines += [
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: fi, en",
        f"Canonical: {absolute(reverse('security_txt'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type=_TEXT)
