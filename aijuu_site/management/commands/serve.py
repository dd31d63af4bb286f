"""`manage.py serve`: the whole site with one command, as `make run` starts it."""

import gc
import math
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aijuu_site.serving.checks import (
    AlreadyRunningError,
    check_program,
    check_resources,
    close_connections,
    disk_full_as_command_error,
    exclusive_start,
)
from aijuu_site.serving.preparation import Say, prepare_data
from aijuu_site.serving.processes import Forked
from aijuu_site.serving.sockets import is_reached_at, passed_socket, port_is_free
from aijuu_site.static_files import prepare_static_files, read_static_manifest

_TICK = 0.1


class Command(BaseCommand):
    help = "Prepare the data folder, then run the web server and the worker until SIGTERM or Ctrl-C."
    # handle() runs the checks itself.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        listener = passed_socket()
        if listener is None:
            self._require_free_port(settings.HOST, settings.PORT)
        elif not is_reached_at(listener, *settings.LOCAL_ADDRESS):
            # Nothing would listen at the address that the start, the proof of the form and the proxy connect to.
            raise CommandError(
                f"PORT, HOST: they say {settings.HOST}:{settings.PORT}, but the socket that systemd holds "
                f"(ListenStream= in aijuu.socket) is {listener.getsockname()}. Remove both settings, or make them "
                "the same."
            )
        check_program()
        try:
            with exclusive_start(settings.DATA_DIR):
                check_resources()
                close_connections()
                code = self._prepare_apart() or _run(listener)
        except AlreadyRunningError as error:
            raise CommandError(
                f"The site already runs with the data folder {settings.DATA_DIR}. Stop it, or set another DATA_DIR."
            ) from error
        except KeyboardInterrupt:
            code = 130
        self._say("Stopped.")
        sys.exit(code)

    def _require_free_port(self, host: str, port: int) -> None:
        try:
            free = port_is_free(host, port)
        except OSError as error:
            raise CommandError(f"Can't listen on {host}:{port}: {error}. Set HOST or PORT.") from error
        if not free:
            raise CommandError(f"Port {port} on {host} is taken by another program. Stop it, or set another: PORT=8080")

    def _prepare_apart(self) -> int:
        """Prepare in two processes, to free their memory afterwards. Return the first exit code that is not 0, or 0."""
        running = [
            Forked("data", partial(self._prepare, prepare_data)),
            Forked("static files", partial(self._prepare, prepare_static_files)),
        ]
        try:
            while running:
                ended = [process for process in running if process.ends_by(time.monotonic() + _TICK)]
                running = [process for process in running if process not in ended]
                code = next((process.returncode for process in ended if process.returncode), 0)
                if code:
                    return code
            return 0
        finally:
            for process in running:
                process.signal_group(signal.SIGTERM)
                process.ends_by(math.inf)

    def _prepare(self, step: Callable[[Say], None]) -> None:
        # Migrations create and discard thousands of classes: frequent garbage collection costs a fifth of the time.
        gc.set_threshold(100_000, 20, 20)
        try:
            with disk_full_as_command_error():
                step(self._say)
        except CommandError as error:
            sys.exit(f"CommandError: {error}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _run(listener: socket.socket | None) -> int:
    read_static_manifest()
    # Imports the application, which must not happen before the preparations are done.
    from aijuu_site.serving.start import main

    return main(listener)
