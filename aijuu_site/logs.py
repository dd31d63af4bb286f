"""The log: one line for each record, as text or JSON, with the id of its request and without personal data.

Left out are the texts of errors (they quote rows and what was typed), addresses of pages (they hold secrets and what a
stranger likes) and network addresses. An error is its kinds and its places in the code.
"""

import json
import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from http.client import responses

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from aijuu_site.private_addresses import redact_secrets
from intake.jobs.errors import describe

REQUEST_ID = "X-Request-ID"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current_request: ContextVar[str] = ContextVar("request_id", default="")


class RequestIdMiddleware:
    """Give each request an id, the proxy's where there is one, and return it in a header. Outermost."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _current_request.set(_request_id(request))
        try:
            response = self.get_response(request)
            response.headers[REQUEST_ID] = _current_request.get()
            return response
        finally:
            _current_request.reset(token)


def _request_id(request: HttpRequest) -> str:
    sent = request.headers.get(REQUEST_ID, "") if settings.TRUSTED_PROXIES else ""
    return sent if _WELL_FORMED.fullmatch(sent) else secrets.token_hex(8)


def message_of(record: logging.LogRecord) -> str:
    """Return what the log says of a record: its first line, or the view of the request that it is about."""
    request = getattr(record, "request", None)
    if isinstance(request, HttpRequest):
        # Django's own texts quote the address, and sometimes the value that it refuses.
        status = getattr(record, "status_code", 0)
        return f"{status} {responses.get(status, '')} at {request.method} {_view_of(request)}"
    text = record.getMessage().strip()
    return redact_secrets(text.splitlines()[0]) if text else ""


def error_of(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    return describe(error) if error is not None else ""


def _view_of(request: HttpRequest) -> str:
    match = request.resolver_match
    return (match.view_name or match.route) if match else "no view"


class LineFormatter(logging.Formatter):
    """For a person, or a service manager that adds nothing."""

    def format(self, record: logging.LogRecord) -> str:
        request = _current_request.get()
        parts = [
            f"{self.formatTime(record)} {record.levelname} {record.name}: {message_of(record)}",
            error_of(record),
            f"[{request}]" if request else "",
        ]
        return " ".join(part for part in parts if part)


class JsonFormatter(logging.Formatter):
    """One object for each record, for a program that collects logs."""

    def format(self, record: logging.LogRecord) -> str:
        values = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
            "error": error_of(record),
            "request_id": _current_request.get(),
        }
        return json.dumps({name: value for name, value in values.items() if value}, ensure_ascii=False)
