"""The web server, granian, with the configured number of processes.

It also runs alone: `python -m aijuu_site.serving.web HOST PORT`. Only this file knows how granian is started; granian
calls aijuu_site.serving.shell.
"""

import asyncio
import ctypes
import signal
import socket
import sys
from typing import Any

from granian import _signals
from granian._granian import SocketHolder, WorkerSignal
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from aijuu_site.serving.sockets import BACKLOG, listening_socket, set_up_listener
from aijuu_site.settings.environment import SettingError
from intake.jobs.stopping import StopEvent

# A connection is closed after this time without a request, or if the head of a request takes longer.
IDLE_SECONDS = 30
# The most connections in each process.
CONNECTIONS = 200
# How long current requests may take after SIGTERM.
STOP_SECONDS = 5
_BUFFER = 64 * 1024
_PR_SET_PDEATHSIG = 1


class WebServer(MPServer):
    """Granian on our own socket. All processes share it, so a connection never waits for a process that has ended."""

    # The socket of systemd; None: a new one is created.
    listener: socket.socket | None = None
    # Attributes of granian that it types as None.
    _shd: Any
    _sfd: Any
    main_loop_interrupt: Any

    def _init_shared_socket(self) -> None:
        self._sso = self.listener or listening_socket(self.bind_addr, self.bind_port)
        set_up_listener(self._sso)
        self._shd = SocketHolder(self._sso.fileno(), False, BACKLOG)  # type: ignore[call-arg]
        self._sfd = self._sso.fileno()


def make_server(host: str, port: int, processes: int) -> WebServer:
    """Return the configured server, which serve() runs."""
    server = WebServer(
        "aijuu_site",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=processes,
        loop=Loops.auto,
        http=HTTPModes.http1,
        websockets=False,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=IDLE_SECONDS * 1000, max_buffer_size=_BUFFER),
        log_level=LogLevels.warning,
        # Granian's records go through the site's own log.
        log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )
    # Granian's signal handler sets it, too.
    server.main_loop_interrupt = StopEvent()
    return server


def load(_target: str) -> Any:
    """Return the application. Called in each process of the server."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    from aijuu_site.kept_pages.keeper import Keeper
    from aijuu_site.serving.memory import trim_regularly
    from aijuu_site.serving.shell import Shell
    from aijuu_site.wsgi import application

    trim_regularly()
    return Shell(application, Keeper())


def stop_at_the_first_signal(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
    """Return the object that granian waits for. Replaces granian's own function of this purpose.

    A process gets SIGTERM from several sources: from the supervisor, which signals the group; from granian; and from
    the kernel if granian was killed. Setting the object a second time can block for ever, because granian waits for a
    lock while it holds the GIL.
    """
    signalled = WorkerSignal()
    stopping = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
            return
        for number in stopping:
            signal.signal(number, signal.SIG_IGN)
        signalled.set()

    for number in stopping:
        loop.add_signal_handler(number, stop)
    return signalled


if sys.platform != "win32":
    _signals.set_loop_signals = stop_at_the_first_signal


def serve(host: str, port: int, processes: int, *, listener: socket.socket | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then finish the current requests for at most STOP_SECONDS."""
    server = make_server(host, port, processes)
    server.listener = listener
    server.serve(target_loader=load)


if __name__ == "__main__":
    try:
        # Sets Django up, and reports a wrong setting.
        from django.conf import settings

        import aijuu_site.wsgi  # noqa: F401

        serve(sys.argv[1], int(sys.argv[2]), settings.WEB_PROCESSES)
    except SettingError as error:
        sys.exit(str(error))
