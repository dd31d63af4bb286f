"""Files that programs ask for by name: robots.txt, the icon, the web manifest and security.txt.

The list of pages is home.discovery.sitemap.
"""

from datetime import UTC, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from home.discovery.addresses import absolute
from home.models import ContactDetails

# RFC 9116, 2.5.5: recommended to be less than a year ahead.
SECURITY_TXT_HOLDS = timedelta(days=180)
_TEXT = "text/plain; charset=utf-8"
# The site's light scheme: paper (static/css/site.css). base.html names the dark one too, which a manifest can't.
_PAPER = "#fbf7f0"
_ICONS = (("icon-192.png", 192, "any"), ("icon-512.png", 512, "any"), ("icon-maskable-512.png", 512, "maskable"))


@require_safe
def robots(_request: HttpRequest) -> HttpResponse:
    """Everything may be read but the admin; the list of pages is named."""
    lines = ["User-agent: *", f"Disallow: {settings.ADMIN_PATH}", "", f"Sitemap: {absolute(reverse('sitemap'))}"]
    return HttpResponse("\n".join(lines) + "\n", content_type=_TEXT)


@require_safe
def favicon(_request: HttpRequest) -> HttpResponseRedirect:
    """Lead a browser that asks for the icon without being told to it. The target's name changes with its content."""
    return HttpResponseRedirect(static("img/icons/favicon.ico"))


@require_safe
def manifest(_request: HttpRequest) -> JsonResponse:
    """Name, colours and icons for who puts the site on a home screen. It opens in the browser: it is a site, no app."""
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
    """Where to tell of a hole (RFC 9116): the contact page, then the phone. 404 while neither is known.

    No e-mail address: this file is read by programs only.
    """
    details = ContactDetails.load(request)
    contacts = [absolute(details.contact_url) if details.contact_url else "", details.phone_uri]
    lines = [f"Contact: {contact}" for contact in contacts if contact]
    if not lines:
        raise Http404
    # The same for a whole day, so that the answer's ETag is, too.
    expires = (timezone.now() + SECURITY_TXT_HOLDS).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    lines += [
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: fi, en",
        f"Canonical: {absolute(reverse('security_txt'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type=_TEXT)
