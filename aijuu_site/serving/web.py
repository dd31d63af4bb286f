"""`python -m aijuu_site.serving.web HOST PORT`: the web server's own process."""

import os
import signal
import sys
from types import FrameType
from typing import Any

import waitress
from waitress.server import TcpWSGIServer

from aijuu_site.serving.connections import LARGEST_REQUEST, Channel
from aijuu_site.settings.environment import SettingError

# Each thread works on one whole request: waitress reads it first, so a slow phone, or somebody who only pretends to
# be one, holds none. More threads than this only wait for the database.
THREADS = 8
CONNECTIONS = 100
# A connection on which nothing moves is given up after so many seconds.
IDLE_SECONDS = 30
LARGEST_HEADER = 32 * 1024
# What of a request, and of an answer, is held in memory; the rest is in a file without a name.
IN_MEMORY = 256 * 1024


def main(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first (waitress waits five seconds)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aijuu_site.settings.production")
    from aijuu_site.wsgi import application
    from home.last_known import recall

    recall()
    signal.signal(signal.SIGTERM, _stop)
    make_server(application, host, port).run()


def make_server(application: Any, host: str, port: int) -> Any:
    """Return waitress with our bounds; it listens already."""
    sockets: dict[int, Any] = {}
    server = waitress.create_server(
        application,
        map=sockets,
        host=host,
        port=port,
        threads=THREADS,
        # Listening itself takes two.
        connection_limit=CONNECTIONS + 2,
        asyncore_use_poll=True,
        cleanup_interval=5,
        channel_timeout=IDLE_SECONDS,
        max_request_header_size=LARGEST_HEADER,
        max_request_body_size=LARGEST_REQUEST,
        inbuf_overflow=IN_MEMORY,
        outbuf_overflow=IN_MEMORY,
        # intake.spam.source and SECURE_PROXY_SSL_HEADER read them, as far as TRUSTED_PROXIES allows.
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
