"""`manage.py remove_due_enquiries`: run the hourly removal by hand, or list what it would remove."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from intake.enquiry.removal import due_for_removal, remove_due
from intake.jobs.runner import JobContext
from intake.jobs.stopping import StopEvent, set_on_signal


class Command(BaseCommand):
    help = "Remove the closed enquiries whose time has come."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list the references, remove nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        now = timezone.now()
        if dry_run:
            for reference in due_for_removal(now=now).values_list("reference", flat=True).iterator():
                self.stdout.write(reference)
            return
        stopping = StopEvent()
        context = JobContext(name="removal", now=now, budget=timedelta.max, is_stopping=stopping.is_set)
        with set_on_signal(stopping):
            self.stdout.write(f"{remove_due(now=now, each=context.each)} removed")
        if context.cut_short:
            raise CommandError("stopped; the rest is removed next time")
        if context.failing:
            raise CommandError(f"{len(context.failing)} could not be removed")
