"""`manage.py serve`: the whole site with one command, as `make run` starts it."""

import os
import sys
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
)
from aijuu_site.serving.preparation import prepare_data, prepare_static_files
from aijuu_site.serving.processes import STOP_SECONDS, Plan
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
                self._prepare()
                self._plan(host, port).become()
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
        with disk_full_as_command_error():
            prepare_data(self._say)
            prepare_static_files(self._say)
        # The connections of this process end with it.
        for connection in connections.all(initialized_only=True):
            connection.close()
            if hasattr(connection, "close_pool"):
                connection.close_pool()

    def _plan(self, host: str, port: int) -> Plan:
        return Plan(
            host=host,
            port=port,
            web=[sys.executable, "-m", "aijuu_site.serving.web", host, str(port)],
            worker=[sys.executable, str(settings.BASE_DIR / "manage.py"), "work"],
            # Long enough for the mail server to confirm a mail that is being sent: killed before that, it would be
            # sent twice.
            worker_stop_seconds=attempt_seconds() + STOP_SECONDS,
            ready_lines=_addresses(host, port),
        )

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _addresses(host: str, port: int) -> list[str]:
    lines = ["", f"  Site   {settings.SITE_URL}/", f"  Admin  {settings.SITE_URL}{settings.ADMIN_PATH}"]
    if settings.SITE_URL not in (f"http://{host}:{port}", f"http://localhost:{port}"):
        lines.append(f"  (listening on {host}:{port})")
    if settings.EMAIL_BACKEND == MAIL_FILES:
        lines.append(f"  Mail   no server is set (EMAIL_URL): messages become files in {settings.MAIL_DIR}")
    return [*lines, "", "Running. Ctrl-C stops it."]
