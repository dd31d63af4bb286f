"""`manage.py prepare`: prepare database, first content and first account without starting the site."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from aijuu_site.serving.checks import check_program, check_resources, disk_full_as_command_error
from aijuu_site.serving.preparation import pending_migrations, prepare_data


class Command(BaseCommand):
    help = "Migrate, load the first content, set the site's address, make the first account. Can be repeated."

    # handle() runs the checks itself, as `serve` does.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Check all that a start checks; change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        check_program()
        check_resources()
        if options["dry_run"]:
            self.stdout.write(f"Ready to start. Steps of the database to come: {len(pending_migrations())}.")
            return
        with disk_full_as_command_error():
            prepare_data(self.stdout.write)
