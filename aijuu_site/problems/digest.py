"""Tell problems by mail: only where something is wrong, at once when it lasts, then weekly."""

import contextlib
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import ngettext

from aijuu_site.problems.find import Problem
from aijuu_site.problems.models import SeenProblem
from aijuu_site.problems.rules import is_forgotten, must_tell
from intake.mail.queue import plain_text


def tell_problems(problems: Sequence[Problem], *, now: datetime) -> bool:
    """Record the problems, and send one mail with all of them if any must be told now. Returns whether it was sent.

    Raises what the mail server raises; then it is tried again with the next check.
    """
    seen = _record(problems, now)
    telling = [row for row in seen if must_tell(first_seen_at=row.first_seen_at, told_at=row.told_at, now=now)]
    if not telling or not settings.ALERT_EMAIL:
        return False
    _send(problems)
    # All of them are in the mail.
    SeenProblem.objects.filter(pk__in=[row.pk for row in seen]).update(told_at=now)
    return True


def _record(problems: Sequence[Problem], now: datetime) -> list[SeenProblem]:
    """Return the rows of the problems; forget those that are long gone."""
    keys = {problem.key for problem in problems}
    with transaction.atomic():
        for row in SeenProblem.objects.exclude(key__in=keys):
            if is_forgotten(last_seen_at=row.last_seen_at, now=now):
                row.delete()
        for key in keys:
            SeenProblem.objects.update_or_create(
                key=key,
                defaults={"last_seen_at": now},
                create_defaults={"last_seen_at": now, "first_seen_at": now},
            )
        return list(SeenProblem.objects.filter(key__in=keys))


def _send(problems: Sequence[Problem]) -> None:
    """Send it now, not by the queue, which may be what is wrong."""
    count = len(problems)
    subject = ngettext("Aijuu's site: %(count)d problem", "Aijuu's site: %(count)d problems", count) % {"count": count}
    text = plain_text(render_to_string("problems/mail.txt", {"problems": problems, "site": settings.SITE_URL}))
    connection = get_connection(**settings.ALERT_EMAIL_SERVER)
    user = settings.ALERT_EMAIL_SERVER.get("username", "")
    message = EmailMessage(
        subject=subject,
        body=text,
        # Another provider takes only addresses of its own.
        from_email=user if "@" in user else settings.DEFAULT_FROM_EMAIL,
        to=settings.ALERT_EMAIL,
        headers={"Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    with contextlib.closing(connection):
        message.send()
