"""The application that granian calls for each request (RSGI): kept responses, and Django's WSGI application behind it.

A kept response is sent from memory. Any other request waits here until its body has arrived, and only then takes a
thread.
"""

import asyncio
import io
import logging
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from granian.rsgi import HTTPProtocol, ProtocolClosed, ProtocolError, Scope

from aijuu_site.kept_pages.keeper import OFFER, Keeper, KeptContent
from aijuu_site.kept_pages.store import Entry
from aijuu_site.metrics import CLIENT_GONE, KEPT, class_of, own_counters
from aijuu_site.middleware import MACHINE_PATHS
from aijuu_site.plain_pages import overloaded_page, refused_request_page
from aijuu_site.serving.sockets import cut_connection
from aijuu_site.serving.wsgi_call import (
    Environ,
    Refused,
    Response,
    WsgiApplication,
    base_environ,
    call,
    header_variables,
)
from home.seo import PageSitemap

# An enquiry has at most 100 kB. If a request is larger than DATA_UPLOAD_MAX_MEMORY_SIZE (2 MB) but not than this,
# Django answers with our own page.
LARGEST_REQUEST = 3 * 1024 * 1024
# For photos from a camera: accepted by the admin only, and a limited number at once in each process.
LARGEST_UPLOAD = 32 * 1024 * 1024
UPLOADS_AT_ONCE = 4
# The time from the head of a request to the last byte of its body: 3 MB at 0.4 Mbit/s, 32 MB at 1 Mbit/s.
RECEIVE_SECONDS = 60.0
UPLOAD_SECONDS = 300.0
# A stream is stopped if the client has accepted no data for this long.
SEND_SECONDS = 300.0
# More threads than this would only wait for the database.
THREADS = 6
HEALTH_THREADS = 2
# How long a request waits for a thread, before it waits for the database (settings.data.WAIT_SECONDS).
THREAD_SECONDS = 3.0
_LEAST_WAIT = 0.05
# A larger body is buffered in a temporary file.
_IN_MEMORY = 256 * 1024
# How long the rest of a refused request is read, so that the browser shows our page and not a connection reset.
_DRAIN_SECONDS = 30.0

_logger = logging.getLogger(__name__)


class Overloaded(Exception):
    """No thread became free within THREAD_SECONDS; nearly always because all of them wait for the database."""


class Shell:
    """The RSGI application of one process. granian calls it from one thread, that of the event loop."""

    def __init__(self, application: WsgiApplication, keeper: Keeper) -> None:
        self.application = application
        self.keeper = keeper
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="django")
        # Separate threads, which answer even while all others wait for the database.
        self._health_threads = ThreadPoolExecutor(HEALTH_THREADS, thread_name_prefix="health")
        # The pages that are being rendered, by their keys. Other requests for the same page wait for it.
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
            # Django handles its own errors, so this is an error of the server.
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
            # The response was not kept, so each request is answered separately.
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
        # The entry also answers HEAD and conditional requests, and those with tracking parameters in the query.
        environ |= {"REQUEST_METHOD": "GET", "QUERY_STRING": "", OFFER: offers}
        for name in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"):
            environ.pop(name, None)
        if self.keeper.is_file(key):
            environ["HTTP_ACCEPT_ENCODING"] = key.partition("\n")[2]
        generation = self.keeper.generation
        response = call(self.application, environ)
        return response, self.keeper.keep(key, response, offers, generation)

    def _render(self, key: str) -> None:
        """Render the response to `key` in advance, as for a visitor."""
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
            # Granian does not report whether the last chunk has arrived, so a truncated body would look complete.
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
        """Return whether a large body is accepted: with a session cookie (which Django checks later), for the admin."""
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
        if is_head:
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
                    # Raises if the client has disconnected.
                    asyncio.run_coroutine_threadsafe(_send_chunk(transport, chunk), loop).result(SEND_SECONDS)
            finally:
                response.stream.close()

        try:
            await loop.run_in_executor(self._threads, pump)
        except BaseException:
            # When `transport` is released, Granian sends the last chunk, and a truncated export would look complete.
            # So the connection is cut before that.
            cut_connection(client)
            raise


async def _in_thread(threads: ThreadPoolExecutor, arrived: float, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call the function in a thread. Raises Overloaded if none becomes free within THREAD_SECONDS after `arrived`."""
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
    """Answer with a plain page at once, then read and discard the rest of the request."""
    headers, body = refused_request_page(status)
    with suppress(ProtocolClosed, ProtocolError, TimeoutError):
        protocol.response_bytes(status, [*headers, ("connection", "close")], body)
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _chunk in protocol:
                pass


def _public_paths() -> list[str]:
    sitemap = PageSitemap()
    return [sitemap.location(page) for page in sitemap.items()[:100]]
