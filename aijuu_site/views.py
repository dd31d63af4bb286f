"""Answers that belong to no page: uploaded files and health."""

from django.core.files.storage import default_storage, storages
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.static import serve

from aijuu_site.content_security import MEDIA_POLICY
from aijuu_site.storages import is_stored_name
from intake.jobs.health import read_health

# No name is used twice, so what an address shows never changes.
MEDIA_MAX_AGE = 60 * 60 * 24 * 30
# Documents have a view of their own, which asks whether their collection is private.
_SHOWN_IN_ADMIN = ("original_images/", "avatar_images/")


@require_safe
def media_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve a file that was made for a page. 404 for anything else: no other name can be one, however it is spelt."""
    return _stored_file(request, path, storages["pictures"].path(""), f"public, max-age={MEDIA_MAX_AGE}")


@require_safe
def uploaded_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve an uploaded picture as it was stored, to people of the admin alone. To others it is not there."""
    may_see = request.user.has_perm("wagtailadmin.access_admin")  # type: ignore[union-attr]
    if not may_see or not path.startswith(_SHOWN_IN_ADMIN):
        raise Http404
    return _stored_file(request, path, default_storage.path(""), "private, no-cache")


def _stored_file(request: HttpRequest, path: str, folder: str, cache_control: str) -> HttpResponseBase:
    if not is_stored_name(path):
        raise Http404
    response = serve(request, path, document_root=folder)
    response["Content-Security-Policy"] = MEDIA_POLICY
    response["Cache-Control"] = cache_control
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
