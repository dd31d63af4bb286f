"""`manage.py serve`: the whole site with one command, as `make run` starts it."""

import os
import sys
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from aijuu_site.serving.checks import (
    AlreadyRunningError,
    check_database,
    check_program,
    disk_full_as_command_error,
    exclusive_start,
    port_is_free,
    require_database,
    site_answers,
)
from aijuu_site.serving.preparation import prepare_data, prepare_static_files
from aijuu_site.serving.processes import STOP_SECONDS, Child, Supervisor
from aijuu_site.settings.mail import MAIL_FILES
from intake.mail.delivery import attempt_seconds


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
                code = self._serve(host, port)
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

    def _serve(self, host: str, port: int) -> int:
        require_database()
        check_database()
        with disk_full_as_command_error():
            prepare_data(self._say)
            prepare_static_files(self._say)
        # The supervisor needs no database from here on; the children open their own connections.
        for connection in connections.all(initialized_only=True):
            connection.close()
            if hasattr(connection, "close_pool"):
                connection.close_pool()
        supervisor = Supervisor(web=_web(host, port), worker=_worker(), say=self._say)
        return supervisor.run(
            is_answering=partial(site_answers, host, port),
            on_ready=partial(self._print_addresses, host, port),
        )

    def _print_addresses(self, host: str, port: int) -> None:
        self._say("")
        self._say(f"  Site   {settings.SITE_URL}/")
        self._say(f"  Admin  {settings.SITE_URL}{settings.ADMIN_PATH}")
        if settings.SITE_URL not in (f"http://{host}:{port}", f"http://localhost:{port}"):
            self._say(f"  (listening on {host}:{port})")
        if settings.EMAIL_BACKEND == MAIL_FILES:
            self._say(f"  Mail   no server is set (EMAIL_URL): messages become files in {settings.MAIL_DIR}")
        self._say("")
        self._say("Running. Ctrl-C stops it.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _web(host: str, port: int) -> Child:
    command = [sys.executable, "-m", "aijuu_site.serving.web", host, str(port)]
    return Child(name="web server", command=command)


def _worker() -> Child:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "work"]
    # Long enough for the mail server to confirm a mail that is being sent: killed before that, it would be sent twice.
    return Child(name="worker", command=command, stop_seconds=attempt_seconds() + STOP_SECONDS)
