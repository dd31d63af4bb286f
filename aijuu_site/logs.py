"""The log: one line for each record, as text or JSON, with the id of its request and without personal data.

Left out are the texts of errors (they quote rows and what was typed), addresses of pages (they hold secrets and what a
stranger likes) and network addresses. An error is its kinds and its places in the code.
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

# PRIVATE_PATH, and what mail programs and people make of it: extra slashes before it, capital letters. Not "(?i:…)",
# which reverse() can't read, and without a leading slash, which Django's checks warn of.
ANY_PRIVATE_PATH = "[/]*" + "".join(f"[{letter}{letter.upper()}]" for letter in settings.PRIVATE_PATH.strip("/")) + "/"
# The secret part of a private link, a password reset link or a thank-you page: everything up to the next slash.
_SECRET = re.compile(rf"(/{ANY_PRIVATE_PATH}|/password_reset/confirm/[\w%-]+/|/kiitos/)/*[^/\n]+")
# Set by aijuu_site.middleware.RequestIdMiddleware.
current_request: ContextVar[str] = ContextVar("request_id", default="")


def redact_secrets(text: str) -> str:
    """Return the text without the secrets of private addresses."""
    return _SECRET.sub(r"\1…", text)


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
        request = current_request.get()
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
            "request_id": current_request.get(),
        }
        return json.dumps({name: value for name, value in values.items() if value}, ensure_ascii=False)
