"""The log: one line per record, as text or JSON, with the id of its request and without personal data.

It contains no texts of errors (they quote rows and typed values), no URLs (they contain secrets, and anything that a
stranger types) and no network addresses. An error is logged as its exception types and their places in the code.
"""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from http.client import responses

from django.conf import settings
from django.http import HttpRequest

from intake.jobs.errors import describe

# PRIVATE_PATH, also in the spellings of mail programs and people: extra slashes before it, capital letters. Not
# "(?i:…)", which reverse() can't parse, and without a leading slash, which Django's checks warn about.
ANY_PRIVATE_PATH = "[/]*" + "".join(f"[{letter}{letter.upper()}]" for letter in settings.PRIVATE_PATH.strip("/")) + "/"
# The secret part of a private link, a password reset link or a thank-you page: everything up to the next slash.
_SECRET = re.compile(rf"(/{ANY_PRIVATE_PATH}|/password_reset/confirm/[\w%-]+/|/kiitos/)/*[^/\n]+")
# Set by aijuu_site.middleware.RequestIdMiddleware.
current_request: ContextVar[str] = ContextVar("request_id", default="")


def redact_secrets(text: str) -> str:
    """Return the text without the secrets of private addresses."""
    return _SECRET.sub(r"\1…", text)


def message_of(record: logging.LogRecord) -> str:
    """Return the message to log: the record's first line, or the view of the request that it is about."""
    request = getattr(record, "request", None)
    if isinstance(request, HttpRequest):
        # Django's own messages quote the URL, and sometimes the refused value.
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
    """One line of text per record, for a person or a service manager."""

    def format(self, record: logging.LogRecord) -> str:
        request = current_request.get()
        parts = [
            f"{self.formatTime(record)} {record.levelname} {record.name}: {message_of(record)}",
            error_of(record),
            f"[{request}]" if request else "",
        ]
        return " ".join(part for part in parts if part)


class JsonFormatter(logging.Formatter):
    """One JSON object per record, for a program that collects logs."""

    def format(self, record: logging.LogRecord) -> str:
        values = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
            "error": error_of(record),
            "request_id": current_request.get(),
        }
        return json.dumps({name: value for name, value in values.items() if value}, ensure_ascii=False)
