"""The page that plans the return notices, as the supervisor uses it on a Monday morning."""

import re
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from tests.intake.desk.pages import HasContent
from tests.intake.waiting.admin.waiters import RETURN

# A Monday morning in Finland.
MORNING = datetime(2027, 2, 1, 7, 30, tzinfo=UTC)


def days(page: HasContent) -> dict[str, list[str]]:
    """Return whom the page lists for each day: heading of the day -> names."""
    found = {}
    for part in re.findall(r'<section class="waiting__day".*?</section>', page.content.decode(), re.S):
        heading = re.search(r"<h3[^>]*>(.*?)</h3>", part, re.S)
        assert heading
        found[heading[1]] = re.findall(r'<a href="[^"]*inspect[^"]*">(\S+) ', part)
    return found


def shown_digest(page: HasContent) -> str:
    shown = re.search(r'name="shown_digest" value="(\w+)"', page.content.decode())
    assert shown
    return shown[1]


def choices(**changes: object) -> dict[str, Any]:
    return {"per_day": "2", "first_form": "", "greeting": "", "answer_days": "14", **changes}


def start(client: Client, **changes: object) -> Any:
    """Show the plan with these choices and start what was shown."""
    shown = client.post(RETURN, {**choices(**changes), "action": "show"})
    return client.post(RETURN, {**choices(**changes), "action": "start", "shown_digest": shown_digest(shown)})
