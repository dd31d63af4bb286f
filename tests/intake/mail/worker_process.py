"""Helper: the worker as a separate process on the test database, at the real time or at a chosen one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from tests.tools.smtp_server import SmtpServer

ROOT = Path(__file__).resolve().parents[3]
_AT_A_MOMENT = """
import sys
import time_machine
from datetime import datetime
from django.core.management import execute_from_command_line
with time_machine.travel(datetime.fromisoformat(sys.argv[1]), tick=True):
    execute_from_command_line(["manage.py", "work"])
"""


@contextmanager
def worker_process(
    smtp: SmtpServer, data_dir: Path, *, at: datetime | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `manage.py work` beside the block, and kill it at the end if it still runs."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "aijuu_site.settings.production",
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": _database_url(),
        "EMAIL_URL": smtp.url,
        "SITE_URL": "http://127.0.0.1:8000",
        "SECRET_KEY": "only-for-tests-and-long-enough-to-be-taken-for-a-real-key",
        "ALLOWED_HOSTS": "",
        "DEFAULT_FROM_EMAIL": "Aijuu työnohjaus <kati.levola@aijuu.fi>",
    }
    command = ["manage.py", "work"] if at is None else ["-c", _AT_A_MOMENT, at.isoformat()]
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def _database_url() -> str:
    """Return the URL of the test database for another process."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["TEST_DATABASE_URL"])._replace(path=f"/{name}").geturl()
