"""`manage.py prepare`: bring database, first content and first account up to date, without starting anything."""

from typing import Any

from django.core.management.base import BaseCommand

from aijuu_site.serving.preparation import prepare_data


class Command(BaseCommand):
    help = "Migrate, load the first content, set the site's address, make the first account. Can be repeated."

    def handle(self, *args: Any, **options: Any) -> None:
        prepare_data(self.stdout.write)
