"""`python -m tests.tools.limited_server PORT RECEIVE_SECONDS`: the web server with a tiny application."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import django

# Before the imports below, which import models.
django.setup()

from aijuu_site.kept_pages.keeper import OFFER, Keeper, KeptContent, RequestHead  # noqa: E402
from aijuu_site.serving import shell, sockets, web  # noqa: E402

MIB = 1024 * 1024


class _OnePageKept(Keeper):
    def key(self, request: RequestHead) -> str | None:
        return super().key(request) if request.path == "/kept/" else None

    def start(self, render: object, first: object) -> None:
        """Start no thread, since there are no pages to render in advance."""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return the size of the body. /large/ and /stream/ return 32 MB, /client/ two request headers; /kept/ is kept."""
    received = len(environ["wsgi.input"].read())
    path = environ["PATH_INFO"]
    if path in ("/stream/", "/stream/broken/"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Parts(breaks_at=1000 if path == "/stream/broken/" else None)
    answer = {
        "/large/": b"x" * 32 * MIB,
        "/client/": f"{environ.get('HTTP_X_FORWARDED_FOR')} {environ.get('HTTP_X_REAL')}".encode(),
        "/stream/state/": Parts.ended.encode(),
    }.get(path, f"received {received}\n".encode())
    if OFFER in environ:
        answer = b"kept page"
        environ[OFFER].append(KeptContent(answer, time.time(), time.time() + 600))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return Whole([answer])


class Whole(list[bytes]):
    """Like Django's response."""

    def close(self) -> None:
        """Do nothing."""


class Parts:
    """Like Django's streaming response, with 2000 parts."""

    streaming = True
    ended = "open"

    def __init__(self, *, breaks_at: int | None) -> None:
        self.sent = 0
        self._breaks_at = breaks_at

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(2000):
            if self.sent == self._breaks_at:
                raise RuntimeError("the database has gone")
            self.sent += 1
            yield b"x" * 16 * 1024
            # Simulates the time of a query.
            time.sleep(0.001)

    def close(self) -> None:
        Parts.ended = "whole" if self.sent == 2000 else "closed"


def load(_target: str) -> Any:
    return shell.Shell(application, _OnePageKept())


if __name__ == "__main__":
    shell.RECEIVE_SECONDS, shell.UPLOAD_SECONDS, shell._DRAIN_SECONDS = float(sys.argv[2]), 4.0, 1.5
    web.IDLE_SECONDS, sockets.SEND_SECONDS = 2, 2
    web.make_server("127.0.0.1", int(sys.argv[1]), processes=1).serve(target_loader=load)
