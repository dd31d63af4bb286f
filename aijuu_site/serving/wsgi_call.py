"""Calls a WSGI application (PEP 3333) for a request that other code has read."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from aijuu_site.kept_pages.store import Headers

LARGEST_HEADER = 32 * 1024
# A response up to this size is read at once, which frees its thread.
_SENT_AT_ONCE = 1024 * 1024
_FILE_CHUNK = 64 * 1024

Environ = dict[str, Any]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Refused(Exception):
    """The request gets the plain page of this status and does not reach Django."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class FileChunks:
    """The `wsgi.file_wrapper` of PEP 3333, with larger chunks than Django asks for."""

    def __init__(self, file: IO[bytes], _block_size: int = 0) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(_FILE_CHUNK), b"")

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Response:
    """A response of Django: complete, or a stream (`body` is None). The reader of the stream closes it."""

    status: int
    headers: Headers
    body: bytes | None
    stream: Any = None


def call(application: WsgiApplication, environ: Environ) -> Response:
    """Call the WSGI application in this thread."""
    begun: list[tuple[str, Headers]] = []
    result: Any = application(environ, lambda status, headers, exc_info=None: begun.append((status, headers)))
    status, headers = int(begun[-1][0].split(" ", 1)[0]), begun[-1][1]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), None)
    is_stream = isinstance(result, FileChunks) or getattr(result, "streaming", False)
    if is_stream and (length is None or length > _SENT_AT_ONCE):
        return Response(status, headers, None, result)
    try:
        return Response(status, headers, b"".join(result))
    finally:
        result.close()


def base_environ(*, method: str, path: str, query: str, scheme: str, client: str, server: str) -> Environ:
    """Return the environ of PEP 3333 without headers and body. `path` is decoded; addresses are "host:port"."""
    client_host, _, client_port = client.rpartition(":")
    server_host, _, server_port = server.rpartition(":")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        # PEP 3333 wants bytes decoded as Latin-1.
        "PATH_INFO": path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": query,
        "REMOTE_ADDR": client_host.strip("[]"),
        "REMOTE_PORT": client_port,
        "SERVER_NAME": server_host.strip("[]"),
        "SERVER_PORT": server_port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileChunks,
    }


def header_variables(headers: Iterable[tuple[str, str]], *, http_version: str) -> Environ:
    """Return the environ variables of the headers.

    Raises Refused for two Host headers, for none, and for headers larger than LARGEST_HEADER in total. `http_version`,
    such as "1.1": before that version, a request needs no Host header.
    """
    variables: dict[str, str] = {}
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
        # A name with "_" would become the variable of another header, such as X-Forwarded-For.
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value if value.isascii() else value.encode().decode("latin-1")
        if key in variables:
            if key == "HTTP_HOST":
                # RFC 9112, 3.2: a proxy may have used the other one.
                raise Refused(400)
            text = f"{variables[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        variables[key] = text
    if size > LARGEST_HEADER:
        raise Refused(431)
    if "HTTP_HOST" not in variables and http_version == "1.1":
        raise Refused(400)
    return variables
