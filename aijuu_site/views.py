"""Answers that belong to no page: uploaded files and health."""

import posixpath

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.static import serve

from aijuu_site.content_security import MEDIA_POLICY
from intake.jobs.health import read_health

# Where Wagtail puts what was uploaded.
_ORIGINALS = "original_images"
# Wagtail never changes a rendition in place: another crop is another name.
MEDIA_MAX_AGE = 60 * 60 * 24 * 30


@require_safe
def media_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve an uploaded image. 404 where there is none; folders are not listed.

    What was uploaded is for the admin alone: its address is easy to guess, and pages show files made of it.
    """
    is_original = posixpath.normpath(path).startswith(_ORIGINALS)
    if is_original and not request.user.has_perm("wagtailadmin.access_admin"):  # type: ignore[union-attr]
        raise Http404
    response = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    response["Content-Security-Policy"] = MEDIA_POLICY
    response["Cache-Control"] = "private, no-cache" if is_original else f"public, max-age={MEDIA_MAX_AGE}"
    return response


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 when all is well, else 503 with one word: what is not. For whoever watches over the site."""
    try:
        found = read_health(now=timezone.now())
    except DatabaseError:
        return _plain("database", status=503)
    if found.silent_since is not None:
        return _plain("worker", status=503)
    if found.mail_since is not None:
        return _plain("mail", status=503)
    return _plain("ok")


@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as this process answers at all: a worker that is silent is no reason to end it."""
    return _plain("ok")


def _plain(word: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{word}\n", status=status, content_type="text/plain; charset=utf-8")
