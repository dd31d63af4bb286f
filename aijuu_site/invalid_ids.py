"""Return 404 when an admin URL contains an invalid primary key. Wagtail's views raise instead, which gave a 500.

Its bulk actions, choosers, listings and filters use ids from the URL without validation. An error becomes a 404 only if
it is about a value in the URL; every other error remains a 500 and is reported.

A POST that no page of the admin sends gets a 400 in the same way: one without a field that Wagtail reads, or with an
invalid id. If our own code reads the posted value, the error remains a 500, because it is a bug of our validation.
"""

import re
from collections.abc import Callable, Iterator
from itertools import takewhile
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, IntegrityError
from django.db.models import query
from django.forms import ModelMultipleChoiceField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.urls import NoReverseMatch
from django.utils.datastructures import MultiValueDict, MultiValueDictKeyError
from django.views.defaults import page_not_found

from aijuu_site.plain_pages import bad_request
from home.editors_text import valid_id

# The error messages of Django and Python for text that should be a number.
_NO_NUMBER = re.compile(
    r"Field '\w+' expected a number but got (.+)\.|invalid literal for int\(\) with base 10: (.+)", re.DOTALL
)
_DIGITS = re.compile(r"\s*[-+]?(\d+)\s*")
_LARGEST = 2**63 - 1
# SQLite's error message for an OFFSET that it can't hold.
_SQLITE_OFFSET = "datatype mismatch"
_OURS = frozenset(("aijuu_site", "home", "intake"))
# The code that looks up rows by id: QuerySet.get(), and the form field for several ids.
_GET, _CHECK_VALUES = query.QuerySet.get.__code__, ModelMultipleChoiceField._check_values.__code__  # type: ignore[attr-defined]


class InvalidIdMiddleware:
    """Applies to the admin only, and to users who may use it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, kwargs: dict[str, Any]) -> HttpResponse | None:
        """Return 404 for 0 and for numbers that the database can't hold: all numbers in the admin's paths are ids."""
        numbers = [value for value in kwargs.values() if isinstance(value, int)]
        # The user's permissions are looked up only if the numbers are invalid.
        return _not_found(request) if not all(map(valid_id, numbers)) and _is_in_admin(request) else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not _is_in_admin(request):
            return None
        if _is_about_address(exception, request):
            return _not_found(request)
        return bad_request(request, exception) if _is_about_post(exception, request) else None


def _is_in_admin(request: HttpRequest) -> bool:
    return request.path.startswith(settings.ADMIN_PATH) and request.user.has_perm("wagtailadmin.access_admin")


def _not_found(request: HttpRequest) -> HttpResponse:
    return page_not_found(request, Http404(), template_name="wagtailadmin/404.html")


def _is_about_address(error: Exception, request: HttpRequest) -> bool:
    """Return whether `error` was raised because a value in the URL is not an id, or because no row has it."""
    values = set(_values(request))
    if isinstance(error, ObjectDoesNotExist):
        return not values.isdisjoint(_looked_up(error))
    if isinstance(error, OverflowError | DataError) or (
        isinstance(error, IntegrityError) and str(error) == _SQLITE_OFFSET
    ):
        return any(map(_is_too_large, values))
    no_ids = {repr(value) for value in values if valid_id(value) is None}
    if isinstance(error, NoReverseMatch):
        return " arguments " in str(error) and any(one in str(error) for one in no_ids - {repr("")})
    return isinstance(error, ValueError) and _is_no_number(error, values)


def _is_about_post(error: Exception, request: HttpRequest) -> bool:
    """Return whether Wagtail or Django received a form without a field that it reads, or with an id of no row."""
    if _is_read_by_us(error):
        return False
    if isinstance(error, MultiValueDictKeyError):
        # Only lookups in the request's QueryDict count, not those in any other dictionary.
        *_others, frame = _frames(error)
        is_reading = frame.f_code is MultiValueDict.__getitem__.__code__
        return is_reading and isinstance(frame.f_locals["self"], QueryDict)
    values = {value for _name, values in request.POST.lists() for value in values}
    if isinstance(error, ObjectDoesNotExist | OverflowError | DataError):
        return not values.isdisjoint(_looked_up(error))
    return isinstance(error, ValueError) and _is_no_number(error, values)


def _is_read_by_us(error: Exception) -> bool:
    """Return whether our own code, and not Wagtail's, called the Django code that raised the error (or neither did)."""
    # Frames inside a lookup are left out: only the caller of the lookup matters.
    asking = takewhile(lambda frame: frame.f_code not in (_GET, _CHECK_VALUES), _frames(error))
    packages = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame in asking]
    return next((name in _OURS for name in reversed(packages) if name != "django"), True)


def _frames(error: Exception) -> Iterator[FrameType]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _values(request: HttpRequest) -> Iterator[str]:
    """Yield the values in the URL that may be ids: the named parts of its path, and the values of its query."""
    if request.resolver_match:
        yield from map(str, request.resolver_match.kwargs.values())
    for _name, values in request.GET.lists():
        yield from values


def _looked_up(error: Exception) -> Iterator[str]:
    """Yield the values by which the frames of the traceback looked up rows."""
    for frame in _frames(error):
        if frame.f_code is _GET:
            yield from map(str, frame.f_locals["kwargs"].values())
        elif frame.f_code is _CHECK_VALUES:
            yield from map(str, frame.f_locals["value"])


def _is_no_number(error: ValueError, values: set[str]) -> bool:
    """Return whether `error` was raised because one of the values is not a number."""
    match = _NO_NUMBER.fullmatch(str(error))
    if match is None:
        return str(error).startswith("Exceeds the limit") and any(map(_is_too_large, values))
    return (match[1] or match[2]) in {repr(value) for value in values if valid_id(value) is None}


def _is_too_large(value: str) -> bool:
    match = _DIGITS.fullmatch(value)
    # int() refuses numbers with thousands of digits.
    return match is not None and (len(match[1]) > len(str(_LARGEST)) or int(match[1]) > _LARGEST)
