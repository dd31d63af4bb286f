"""`python -m aijuu_site.serving.web HOST PORT`: the web server's own process."""

import os
import signal
import sys
from types import FrameType

import waitress

# Each thread works on one whole request: waitress reads it first, so a slow phone, or somebody who only pretends to
# be one, holds none. More threads than this only wait for the database.
THREADS = 8
CONNECTIONS = 500
# Far above any form (DATA_UPLOAD_MAX_MEMORY_SIZE) and enough for a photograph from a camera.
LARGEST_REQUEST = 32 * 1024 * 1024
# A connection on which nothing moves is given up after so many seconds.
IDLE_SECONDS = 60


def main(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first (waitress waits five seconds)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aijuu_site.settings.production")
    from aijuu_site.wsgi import application

    signal.signal(signal.SIGTERM, _stop)
    waitress.serve(
        application,
        host=host,
        port=port,
        threads=THREADS,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,
        channel_timeout=IDLE_SECONDS,
        max_request_body_size=LARGEST_REQUEST,
        # intake.spam.source and SECURE_PROXY_SSL_HEADER read them, as far as TRUSTED_PROXIES allows.
        clear_untrusted_proxy_headers=False,
        ident="",
        _quiet=True,
    )


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
