"""Responses that no visitor can provoke on a healthy site, rendered by the site's own code with all its middleware.

The errors are caused in a process beside the running site, not in the site itself.
"""

import json
from dataclasses import dataclass

NAMES = ("403", "500", "503")

# Two failing views are added to the URL patterns; the site's own patterns stay, because pages link to them.
_RENDER = """
import io, json, sys, types
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import path
from urllib.parse import urlsplit
import aijuu_site.urls
def forbidden(request):
    raise PermissionDenied
def broken(request):
    raise RuntimeError("planted")
addresses = types.ModuleType("planted_addresses")
addresses.handler400 = aijuu_site.urls.handler400
addresses.handler500 = aijuu_site.urls.handler500
addresses.urlpatterns = [path("403/", forbidden), path("500/", broken), *aijuu_site.urls.urlpatterns]
answers = {}
with override_settings(ROOT_URLCONF=addresses):
    client = Client(raise_request_exception=False, headers={"host": urlsplit(settings.SITE_URL).netloc})
    for name in ("403", "500"):
        answer = client.get(f"/{name}/")
        answers[name] = [answer.status_code, dict(answer.headers), answer.content.decode()]
page = io.StringIO()
call_command("maintenance_page", stdout=page)
# A proxy serves it from a file, so with no header of ours.
answers["503"] = [503, {"Content-Type": "text/html; charset=utf-8"}, page.getvalue()]
print("ANSWERS" + json.dumps(answers))
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as the site would send it."""

    status: int
    headers: dict[str, str]
    html: str


def render_script() -> str:
    """Return a script for `manage.py shell -c` that prints the responses for `read_answers`."""
    return _RENDER


def read_answers(printed: str) -> dict[str, Answer]:
    """Return the responses by name ("403", "500", "503") from the script's output. ValueError if there are none."""
    _, mark, rest = printed.rpartition("ANSWERS")
    if not mark:
        raise ValueError(f"No answers in what the site printed:\n{printed}")
    return {name: Answer(status, headers, html) for name, (status, headers, html) in json.loads(rest).items()}
