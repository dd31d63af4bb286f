"""The application that granian calls for each request (RSGI): kept responses, and Django's WSGI application behind it.

A kept response is sent from memory. Anything else waits here until its body has come, and only then takes a thread.
"""

import asyncio
import io
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from granian.rsgi import HTTPProtocol, ProtocolClosed, ProtocolError, Scope

from aijuu_site.kept_pages.keeper import Keeper
from aijuu_site.kept_pages.middleware import OFFER, KeptContent
from aijuu_site.kept_pages.store import Entry, Headers
from aijuu_site.metrics.counters import CLIENT_GONE, KEPT, class_of, own_counters
from aijuu_site.middleware import MACHINE_PATHS
from aijuu_site.plain_pages import overloaded_page, refused_request_page
from aijuu_site.serving.sockets import cut_connection
from home.seo import PageSitemap

# A message has at most 100 kB. Between DATA_UPLOAD_MAX_MEMORY_SIZE (2 MB) and this, Django answers with our own page.
LARGEST_REQUEST = 3 * 1024 * 1024
# Photos from a camera: to the admin only, and a limited number at once in each process.
LARGEST_UPLOAD = 32 * 1024 * 1024
UPLOADS_AT_ONCE = 4
# From the head of a request to the last byte of its body: 3 MB at 0.4 Mbit/s, 32 MB at 1 Mbit/s.
RECEIVE_SECONDS = 60.0
UPLOAD_SECONDS = 300.0
# A stream stops where the client has taken nothing for this long.
SEND_SECONDS = 300.0
LARGEST_HEADER = 32 * 1024
# More threads than this would only wait for the database.
THREADS = 6
HEALTH_THREADS = 2
# So long a request waits for a thread, before it waits for the database (settings.databases.WAIT_SECONDS).
THREAD_SECONDS = 3.0
_LEAST_WAIT = 0.05
# A larger body is buffered in a temporary file.
_IN_MEMORY = 256 * 1024
# A response up to this size is sent at once, and its thread is free again.
_SENT_AT_ONCE = 1024 * 1024
_FILE_CHUNK = 64 * 1024
# After a refusal: how long the rest of the request is read, so that the browser reads our page and not a reset.
_DRAIN_SECONDS = 30.0

_logger = logging.getLogger(__name__)
Environ = dict[str, Any]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Refused(Exception):
    """The request gets the plain page of this status, and Django never sees it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Overloaded(Exception):
    """All threads are busy, and were for THREAD_SECONDS: nearly always they wait for the database."""


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
    """A response of Django: whole, or a stream with `body` None. Whoever reads the stream closes it."""

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
    """Return the environment of PEP 3333 without headers and body. `path` is decoded; addresses are "host:port"."""
    client_host, _, client_port = client.rpartition(":")
    server_host, _, server_port = server.rpartition(":")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        # PEP 3333: bytes as Latin-1.
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
    """Return the variables of the headers. Raises Refused for two hosts or none, or more than LARGEST_HEADER.

    `http_version`: as "1.1". Before that one, a request needs no host.
    """
    variables: dict[str, str] = {}
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
        # With "_" it would pass for another header, such as X-Forwarded-For.
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value if value.isascii() else value.encode().decode("latin-1")
        if key in variables:
            if key == "HTTP_HOST":
                # RFC 9112, 3.2: a proxy may have believed the other one.
                raise Refused(400)
            text = f"{variables[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        variables[key] = text
    if size > LARGEST_HEADER:
        raise Refused(431)
    if "HTTP_HOST" not in variables and http_version == "1.1":
        raise Refused(400)
    return variables


class Shell:
    """The RSGI application of one process. granian calls it from one thread, that of the event loop."""

    def __init__(self, application: WsgiApplication, keeper: Keeper) -> None:
        self.application = application
        self.keeper = keeper
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="django")
        # They answer also while all others wait for the database.
        self._health_threads = ThreadPoolExecutor(HEALTH_THREADS, thread_name_prefix="health")
        # Requests that wait for another one to render the same page.
        self._flights: dict[str, asyncio.Future[None]] = {}
        self._uploads = 0
        self._counters = own_counters()

    def __rsgi_init__(self, _loop: asyncio.AbstractEventLoop) -> None:
        self.keeper.start(self._render, _public_paths)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        self.keeper.stop()
        self._threads.shutdown()
        self._health_threads.shutdown()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        began = time.perf_counter()
        key = self.keeper.key(scope)
        entry = self.keeper.valid(key) if key is not None else None
        if entry is not None:
            status = self._send_entry(entry, scope, protocol)
            if self._counters is not None:
                self._counters.count(KEPT, status, time.perf_counter() - began)
            return
        try:
            status = await self._answer(key, scope, protocol)
        except Refused as refusal:
            status = refusal.status
            await _refuse(status, protocol)
        except (ProtocolClosed, ProtocolError):
            status = CLIENT_GONE
        except Exception:
            # Django answers its own errors; this one is ours.
            _logger.exception("The server failed at a request.")
            status = 500
            await _refuse(status, protocol)
        if self._counters is not None:
            self._counters.count(class_of(scope.method, scope.path), status, time.perf_counter() - began)

    async def _answer(self, key: str | None, scope: Scope, protocol: HTTPProtocol) -> int:
        """Answer the request and return the status."""
        arrived = time.monotonic()
        if key is not None and self.keeper.is_known_as_unkept(key):
            key = None
        if key is not None and (flight := self._flights.get(key)) is not None:
            await asyncio.shield(flight)
            if (entry := self.keeper.valid(key)) is not None:
                return self._send_entry(entry, scope, protocol)
            # It is not kept: each request is answered on its own.
            key = None
        loop = asyncio.get_running_loop()
        environ = base_environ(
            method=scope.method,
            path=scope.path,
            query=scope.query_string,
            scheme=scope.scheme,
            client=scope.client,
            server=scope.server,
        )
        environ.update(header_variables(scope.headers.items(), http_version=scope.http_version))
        if key is None:
            with await self._body(scope, protocol, environ) as body:
                arrived = time.monotonic()
                environ["wsgi.input"] = body
                threads = self._health_threads if scope.path in MACHINE_PATHS else self._threads
                try:
                    response = await _in_thread(threads, arrived, call, self.application, environ)
                except Overloaded:
                    response = await loop.run_in_executor(self._health_threads, _overloaded, environ)
        else:
            flight = self._flights[key] = loop.create_future()
            try:
                response, kept = await _in_thread(self._threads, arrived, self._call_and_keep, key, environ)
            except Overloaded:
                response, kept = await loop.run_in_executor(self._health_threads, _overloaded, environ), None
            finally:
                del self._flights[key]
                flight.set_result(None)
            if kept is not None:
                return self._send_entry(kept, scope, protocol)
        await self._send(response, scope, protocol)
        return response.status

    def _call_and_keep(self, key: str, environ: Environ) -> tuple[Response, Entry | None]:
        """Call the application for a GET of `key`, whatever the request asked for. Keep the response if possible."""
        offers: list[KeptContent] = []
        # The entry answers HEAD and conditional requests. A form's script may ask with an address from a campaign.
        environ |= {"REQUEST_METHOD": "GET", "QUERY_STRING": "", OFFER: offers}
        for name in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"):
            environ.pop(name, None)
        if self.keeper.is_file(key):
            environ["HTTP_ACCEPT_ENCODING"] = key.partition("\n")[2]
        generation = self.keeper.generation
        response = call(self.application, environ)
        return response, self.keeper.keep(key, response, offers, generation)

    def _render(self, key: str) -> None:
        """Make the response to `key` ready, as for a visitor."""
        scheme, _, host = settings.SITE_URL.partition("://")
        environ = base_environ(
            method="GET", path=key.partition("\n")[0], query="", scheme=scheme, client="127.0.0.1:0", server=":0"
        )
        environ |= {"HTTP_HOST": host, "HTTP_X_FORWARDED_PROTO": scheme, "HTTP_ACCEPT_ENCODING": ""}
        response, _entry = self._call_and_keep(key, environ)
        if response.stream is not None:
            response.stream.close()

    async def _body(self, scope: Scope, protocol: HTTPProtocol, environ: Environ) -> IO[bytes]:
        """Return the whole body of the request. Raises Refused if it is too large or too slow."""
        declared = environ.get("CONTENT_LENGTH", "")
        if "HTTP_TRANSFER_ENCODING" in environ:
            # Granian does not say whether the last chunk has come, so half a message would pass for a whole one.
            # Browsers and proxies send a length.
            raise Refused(411)
        if not declared:
            return io.BytesIO()
        if not (declared.isascii() and declared.isdecimal()):
            raise Refused(400)
        length = int(declared)
        is_upload = self._is_upload(scope, environ, length)
        body: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (returned)
        self._uploads += is_upload
        try:
            largest = LARGEST_UPLOAD if is_upload else LARGEST_REQUEST
            if length >= largest:
                raise Refused(413)
            received = 0
            async with asyncio.timeout(UPLOAD_SECONDS if is_upload else RECEIVE_SECONDS):
                async for chunk in protocol:
                    received += len(chunk)
                    body.write(chunk)
            if received != length:
                raise Refused(400)
        except TimeoutError:
            body.close()
            raise Refused(408) from None
        except BaseException:
            body.close()
            raise
        finally:
            self._uploads -= is_upload
        body.seek(0)
        return body

    def _is_upload(self, scope: Scope, environ: Environ, length: int) -> bool:
        """Return whether a large body is taken: with a session cookie (which Django checks later), to the admin."""
        if length < LARGEST_REQUEST:
            return False
        has_cookie = f"{settings.SESSION_COOKIE_NAME}=" in environ.get("HTTP_COOKIE", "")
        return has_cookie and scope.path.startswith(settings.ADMIN_PATH) and self._uploads < UPLOADS_AT_ONCE

    def _send_entry(self, entry: Entry, scope: Scope, protocol: HTTPProtocol) -> int:
        header = scope.headers.get
        is_head = scope.method == "HEAD"
        answer = entry.answer(
            head=is_head,
            accept_encoding=header("accept-encoding", ""),
            if_none_match=header("if-none-match", ""),
            if_modified_since=header("if-modified-since", ""),
        )
        for_proxies = self.keeper.for_proxies(entry)
        headers = [*for_proxies, *answer.headers] if for_proxies else answer.headers
        if is_head or answer.status == 304:
            protocol.response_empty(answer.status, headers)
        else:
            protocol.response_bytes(answer.status, headers, answer.body)
        return answer.status

    async def _send(self, response: Response, scope: Scope, protocol: HTTPProtocol) -> None:
        if scope.method == "HEAD" or response.status in (204, 304):
            protocol.response_empty(response.status, response.headers)
            if response.stream is not None:
                response.stream.close()
        elif response.body is not None:
            protocol.response_bytes(response.status, response.headers, response.body)
        else:
            await self._stream(response, scope.client, protocol)

    async def _stream(self, response: Response, client: str, protocol: HTTPProtocol) -> None:
        loop = asyncio.get_running_loop()
        transport = protocol.response_stream(response.status, response.headers)

        def pump() -> None:
            try:
                for chunk in response.stream:
                    # Raises where the client has gone.
                    asyncio.run_coroutine_threadsafe(_send_chunk(transport, chunk), loop).result(SEND_SECONDS)
            finally:
                response.stream.close()

        try:
            await loop.run_in_executor(self._threads, pump)
        except BaseException:
            # Granian would send the last chunk, and half an export pass for a whole one. `transport` is open till here.
            cut_connection(client)
            raise


async def _in_thread(threads: ThreadPoolExecutor, arrived: float, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call the function in a thread. Raises Overloaded if none is free until THREAD_SECONDS after `arrived`."""
    queued = threads.submit(function, *arguments)
    running = asyncio.wrap_future(queued)
    left = max(_LEAST_WAIT, arrived + THREAD_SECONDS - time.monotonic())
    done, _pending = await asyncio.wait([running], timeout=left)
    if not done and queued.cancel():
        raise Overloaded
    return await running


def _overloaded(environ: Environ) -> Response:
    headers, body = overloaded_page(WSGIRequest(environ))
    return Response(503, headers, body)


async def _send_chunk(transport: Any, chunk: bytes) -> None:
    await transport.send_bytes(chunk)


async def _refuse(status: int, protocol: HTTPProtocol) -> None:
    """Answer with a plain page at once, and read and discard what still comes."""
    headers, body = refused_request_page(status)
    with suppress(ProtocolClosed, ProtocolError, TimeoutError):
        protocol.response_bytes(status, [*headers, ("connection", "close")], body)
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _chunk in protocol:
                pass


def _public_paths() -> list[str]:
    sitemap = PageSitemap()
    return [sitemap.location(page) for page in sitemap.items()[:100]]
