"""`python -m aijuu_site.serving.web HOST PORT`: waitress with limits for each connection."""

import copy
import os
import signal
import socket
import sys
import time
from functools import partial
from types import FrameType
from typing import Any

import waitress
from django.conf import settings
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask

from aijuu_site.settings.environment import SettingError

# A message has at most 100 kB. Between DATA_UPLOAD_MAX_MEMORY_SIZE (2 MB) and this, Django answers with our own page.
LARGEST_REQUEST = 3 * 1024 * 1024
# Photos from a camera: to the admin only, and a limited number at once.
LARGEST_UPLOAD = 32 * 1024 * 1024
UPLOADS_AT_ONCE = 4
# From the first byte of a request to the last: 3 MB at 0.4 Mbit/s, 32 MB at 1 Mbit/s.
RECEIVE_SECONDS = 60
UPLOAD_SECONDS = 300
# From the first byte of a response to the last.
SEND_SECONDS = 300
# A thread is used only once a request is complete, so slow clients don't occupy one. More threads than this would only
# wait for the database.
THREADS = 8
CONNECTIONS = 100
# An idle connection is closed after this.
IDLE_SECONDS = 30
LARGEST_HEADER = 32 * 1024
# A larger request or response is buffered in a temporary file.
IN_MEMORY = 256 * 1024


class Request(HTTPRequestParser):
    """A request being received, with a deadline. Uploads to the admin may be larger and take longer."""

    def __init__(self, adj: Any, channel: "Channel") -> None:
        super().__init__(adj)
        self.adj: Any = adj
        self.channel = channel
        self.started = time.monotonic()
        self.is_upload = False

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        # The presence of a cookie proves nothing, so the number is limited; Django checks the session later.
        is_large = self.chunked or self.content_length >= self.adj.max_request_body_size
        has_cookie = f"{settings.SESSION_COOKIE_NAME}=" in self.headers.get("COOKIE", "")
        if is_large and has_cookie and self.path.startswith(settings.ADMIN_PATH) and self.channel.has_room():
            self.is_upload = True
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = LARGEST_UPLOAD

    def is_late(self, now: float) -> bool:
        return now - self.started > (UPLOAD_SECONDS if self.is_upload else RECEIVE_SECONDS)


class Refusal(ErrorTask):
    """The response to a request that waitress refuses: our own page, without anything that was sent."""

    def execute(self) -> None:
        # Imports models, which are loaded only with the application.
        from aijuu_site.plain_pages import refused_request_page

        error = self.request.error
        headers, body = refused_request_page(error.code)
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend(headers)
        self.set_close_on_finish()
        self.channel.was_refused = True
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):
    """A connection with deadlines for request and response. waitress itself closes only idle connections."""

    close_when_flushed: bool
    error_task_class = Refusal

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.sending_since: float | None = None
        # After a refusal the rest of the request is read and discarded. Closing earlier would reset the connection, and
        # the browser would show an error in place of our page.
        self.was_refused = False
        self.draining_since: float | None = None
        super().__init__(*arguments, **options)
        self.parser_class = partial(Request, channel=self)

    def readable(self) -> bool:
        # waitress calls this at least once a second.
        if self._is_late(time.monotonic()):
            # At once: with will_close waitress would wait until the client reads more.
            self.handle_close()
            return False
        readable: bool = super().readable()
        return readable

    def writable(self) -> bool:
        if self.draining_since is not None:
            return bool(self.will_close)
        return bool(super().writable())

    def handle_write(self) -> None:
        if not (self.was_refused and self.close_when_flushed):
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if not self.total_outbufs_len:
            self.close_when_flushed = False
            self.draining_since = time.monotonic()
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                # The client has disconnected.
                self.handle_close()

    def received(self, data: bytes) -> bool:
        if self.draining_since is not None:
            return False
        return bool(super().received(data))

    def _is_late(self, now: float) -> bool:
        if self.draining_since is not None:
            return now - self.draining_since > RECEIVE_SECONDS
        if not self.total_outbufs_len:
            self.sending_since = None
        elif self.sending_since is None:
            self.sending_since = now
        receiving, sending_since = self.request, self.sending_since
        if receiving is not None and receiving.is_late(now):
            return True
        return sending_since is not None and now - sending_since > SEND_SECONDS

    def has_room(self) -> bool:
        """Return whether another upload is allowed."""
        return sum(channel.has_upload() for channel in self.server.active_channels.values()) < UPLOADS_AT_ONCE

    def has_upload(self) -> bool:
        return any(request.is_upload for request in (self.request, *self.requests) if request is not None)


def main(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then finish the current requests (waitress waits five seconds)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aijuu_site.settings.production")
    from aijuu_site.wsgi import application
    from home.contact_cache import fill_contact_cache

    fill_contact_cache()
    signal.signal(signal.SIGTERM, _stop)
    make_server(application, host, port).run()


def make_server(application: Any, host: str, port: int) -> Any:
    """Return a listening waitress server with our limits."""
    sockets: dict[int, Any] = {}
    server = waitress.create_server(
        application,
        map=sockets,
        host=host,
        port=port,
        threads=THREADS,
        # Two of them are for listening.
        connection_limit=CONNECTIONS + 2,
        asyncore_use_poll=True,
        cleanup_interval=5,
        channel_timeout=IDLE_SECONDS,
        max_request_header_size=LARGEST_HEADER,
        max_request_body_size=LARGEST_REQUEST,
        inbuf_overflow=IN_MEMORY,
        outbuf_overflow=IN_MEMORY,
        # intake.spam.limit and SECURE_PROXY_SSL_HEADER use them, according to TRUSTED_PROXIES.
        clear_untrusted_proxy_headers=False,
        ident="",
    )
    for listener in sockets.values():
        if isinstance(listener, TcpWSGIServer):
            listener.channel_class = Channel
    return server


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]))
    except SettingError as error:
        sys.exit(str(error))
