"""`manage.py serve`: the whole site with one command, as `make run` starts it."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aijuu_site.serving.checks import (
    AlreadyRunningError,
    check_database,
    check_program,
    close_connections,
    disk_full_as_command_error,
    exclusive_start,
    port_is_free,
    require_database,
    require_storage,
)
from aijuu_site.serving.preparation import prepare_data, prepare_static_files

# glibc otherwise keeps free memory apart for each thread, which over an hour costs a fifth more.
_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


class Command(BaseCommand):
    help = "Prepare the data folder, then run the web server and the worker until SIGTERM or Ctrl-C."
    # handle() runs the checks itself.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        host: str = settings.HOST
        port: int = settings.PORT
        # The data folder holds personal data: only its owner may read what is created in it.
        os.umask(0o077)
        self._require_free_port(host, port)
        check_program()
        try:
            with exclusive_start(settings.DATA_DIR):
                self._prepare()
                # The process and its lock stay, the memory of the preparations does not.
                command = [sys.executable, "-m", "aijuu_site.serving.start"]
                os.execve(sys.executable, command, {**_FEW_ARENAS, **os.environ})  # noqa: S606
        except AlreadyRunningError as error:
            raise CommandError(
                f"The site already runs with the data folder {settings.DATA_DIR}. Stop it, or set another DATA_DIR."
            ) from error
        except KeyboardInterrupt:
            self._say("Stopped.")
            sys.exit(130)

    def _require_free_port(self, host: str, port: int) -> None:
        try:
            free = port_is_free(host, port)
        except OSError as error:
            raise CommandError(f"Can't listen on {host}:{port}: {error}. Set HOST or PORT.") from error
        if not free:
            raise CommandError(f"Port {port} on {host} is taken by another program. Stop it, or set another: PORT=8080")

    def _prepare(self) -> None:
        require_database()
        check_database()
        require_storage()
        with disk_full_as_command_error():
            prepare_data(self._say)
            prepare_static_files(self._say)
        close_connections()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
