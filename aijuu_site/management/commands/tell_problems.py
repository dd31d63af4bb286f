"""`manage.py tell_problems`: look for problems, and report by mail those that last."""

import smtplib
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from aijuu_site.domain_check import Network
from aijuu_site.problems import all_problems, tell_problems


class Command(BaseCommand):
    help = (
        "Look for problems (mail, backup, pages, links, disk, domain), print them, and write to ALERT_EMAIL about "
        "those that last: half an hour after they were first seen, then weekly. The worker runs it each hour. "
        "Exit status 0 only where nothing is wrong, or ALERT_EMAIL could be told of it."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        # Commands run without an active language unless it is set here.
        with translation.override(settings.LANGUAGE_CODE):
            problems = all_problems(Network(), now=now)
            for problem in problems:
                self.stdout.write(problem.words)
            try:
                tell_problems(problems, now=now)
            except (OSError, smtplib.SMTPException) as error:
                raise CommandError(f"The problems could not be told by mail ({type(error).__name__}).") from error
            if problems and not settings.ALERT_EMAIL:
                raise CommandError("ALERT_EMAIL is not set, so nobody is told.")
