"""`manage.py remove_due_enquiries`: what the worker does each hour, by hand, or only told."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from intake.enquiry.removal import due_for_removal, remove_due


class Command(BaseCommand):
    help = "Remove the closed enquiries whose time has come."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list the references, remove nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        now = timezone.now()
        if dry_run:
            for enquiry in due_for_removal(now=now):
                self.stdout.write(enquiry.reference)
            return
        self.stdout.write(f"{remove_due(now=now)} removed")
