"""What `manage.py serve` does after the preparations.

The web server and the worker are forked from its process after the whole program is loaded. So they share its memory,
and one that was killed is restarted without loading the program again.
"""

import gc
import logging
import socket
from contextlib import suppress
from functools import partial

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError

from aijuu_site.periodic_jobs import COMMAND_STOP_SECONDS
from aijuu_site.serving.checks import close_connections
from aijuu_site.serving.memory import forget_files, keep_heap_small, trim_regularly
from aijuu_site.serving.processes import STOP_SECONDS, Child, Supervisor, site_answers
from aijuu_site.serving.sockets import listening_socket
from aijuu_site.serving.web import serve
from aijuu_site.serving.wsgi_call import base_environ, call
from aijuu_site.settings.mail import MAIL_FILES
from aijuu_site.wsgi import application
from home.contact_details import fill_contact_cache
from home.site_pages import SitePages
from intake.mail.delivery import attempt_seconds

# Long enough for the mail server to confirm a mail that is being sent (killed before, the worker would send it twice),
# and then for a backup or another command of a job to end.
WORKER_STOP_SECONDS = attempt_seconds() + COMMAND_STOP_SECONDS + STOP_SECONDS
_logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Load the URLs, templates and translations that the first requests need, once for all forked processes."""
    fill_contact_cache()
    scheme, _, host = settings.SITE_URL.partition("://")
    with suppress(DatabaseError):
        pages = SitePages()
        for path in ("/", f"{settings.ADMIN_PATH}login/", *map(pages.url, pages.menu_pages())):
            environ = base_environ(method="GET", path=path, query="", scheme=scheme, client="127.0.0.1:0", server=":0")
            call(application, {**environ, "HTTP_HOST": host, "HTTP_X_FORWARDED_PROTO": scheme})
    # Two processes must not use the same connection.
    close_connections()
    gc.collect()
    # The collector would write to every object, and thereby copy the memory that the processes share.
    gc.freeze()


def addresses() -> str:
    """Return the text for the terminal once the site answers."""
    lines = ["", f"  Site   {settings.SITE_URL}/", f"  Admin  {settings.SITE_URL}{settings.ADMIN_PATH}"]
    if settings.SITE_URL not in (f"http://{settings.HOST}:{settings.PORT}", f"http://localhost:{settings.PORT}"):
        lines.append(f"  (listening on {settings.HOST}:{settings.PORT})")
    if settings.EMAIL_BACKEND == MAIL_FILES:
        lines.append(f"  Mail   no server is set (EMAIL_URL): messages become files in {settings.MAIL_DIR}")
    return "\n".join([*lines, "", "Running. Ctrl-C stops it."])


def _say(line: str) -> None:
    if settings.LOG_FORMAT == "json":
        _logger.info(" ".join(line.split()))
    else:
        print(line, flush=True)


def _work(listener: socket.socket) -> None:
    # Left open here, it would accept connections that nobody answers while a stop waits for a mail.
    listener.close()
    trim_regularly()
    call_command("work")


def main(listener: socket.socket | None = None) -> int:
    """Run web server and worker until SIGTERM or SIGINT. Return the exit code.

    `listener`: a socket that already listens.
    """
    host, port = settings.HOST, settings.PORT
    keep_heap_small()
    warm_up()
    listener = listener or listening_socket(host, port)
    supervisor = Supervisor(
        web=Child("web server", partial(serve, host, port, settings.WEB_PROCESSES, listener=listener)),
        worker=Child("worker", partial(_work, listener), stop_seconds=WORKER_STOP_SECONDS),
        say=_say,
        listener=listener,
    )

    def be_ready() -> None:
        _say(addresses())
        forget_files()

    return supervisor.run(is_answering=partial(site_answers, host, port), on_ready=be_ready)
