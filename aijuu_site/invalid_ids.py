"""Answers 404 where an address of the admin names a row by something that is no id. Wagtail's views answered 500.

Its bulk actions, choosers, listings and filters take ids from the address as they stand. What they raise is turned into
404 only where it is about a value of the address itself; every other error stays a 500, and is told.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, IntegrityError
from django.db.models import query
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import NoReverseMatch
from django.views.defaults import page_not_found

from home.editors_text import valid_id

# What Django and Python say of text that is to be a number.
_NO_NUMBER = re.compile(
    r"Field '\w+' expected a number but got (.+)\.|invalid literal for int\(\) with base 10: (.+)", re.DOTALL
)
_DIGITS = re.compile(r"\s*[-+]?(\d+)\s*")
_LARGEST = 2**63 - 1
# SQLite says so of an OFFSET that it can't hold.
_SQLITE_OFFSET = "datatype mismatch"


class InvalidIdMiddleware:
    """For the admin, and there for who may use it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, kwargs: dict[str, Any]) -> HttpResponse | None:
        """Refuse 0 and numbers that the database can't hold: the numbers in the admin's paths are all primary keys."""
        numbers = [value for value in kwargs.values() if isinstance(value, int)]
        return _not_found(request) if _is_in_admin(request) and not all(map(valid_id, numbers)) else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return _not_found(request) if _is_in_admin(request) and _is_about_address(exception, request) else None


def _is_in_admin(request: HttpRequest) -> bool:
    return request.path.startswith(settings.ADMIN_PATH) and request.user.has_perm("wagtailadmin.access_admin")


def _not_found(request: HttpRequest) -> HttpResponse:
    return page_not_found(request, Http404(), template_name="wagtailadmin/404.html")


def _is_about_address(error: Exception, request: HttpRequest) -> bool:
    """Return whether `error` says that a value of the address is no id, or that there is no row with it."""
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
    if isinstance(error, ValueError):
        match = _NO_NUMBER.fullmatch(str(error))
        return (match[1] or match[2]) in no_ids if match else _has_too_many_digits(error, values)
    return False


def _values(request: HttpRequest) -> Iterator[str]:
    """Yield what the address may have as ids: the parts of its path that have a name, and the values of its query."""
    if request.resolver_match:
        yield from map(str, request.resolver_match.kwargs.values())
    for _name, values in request.GET.lists():
        yield from values


def _looked_up(error: ObjectDoesNotExist) -> Iterator[str]:
    """Yield the values by which the row was looked up."""
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code is query.QuerySet.get.__code__:
            yield from map(str, frame.f_locals["kwargs"].values())
        traceback = traceback.tb_next


def _is_too_large(value: str) -> bool:
    match = _DIGITS.fullmatch(value)
    # Python reads no number of thousands of digits.
    return match is not None and (len(match[1]) > len(str(_LARGEST)) or int(match[1]) > _LARGEST)


def _has_too_many_digits(error: ValueError, values: set[str]) -> bool:
    return str(error).startswith("Exceeds the limit") and any(map(_is_too_large, values))
