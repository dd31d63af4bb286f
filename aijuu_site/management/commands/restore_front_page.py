"""`manage.py restore_front_page`: restore a site whose front page was deleted."""

from typing import Any

from django.core.management.base import BaseCommand

from aijuu_site.serving.preparation import front_page_is_missing, recreate_front_page


class Command(BaseCommand):
    help = "Make the front page anew where it was lost, with the pages of the first content, the site and its rights."

    def handle(self, *args: Any, **options: Any) -> None:
        if not front_page_is_missing():
            self.stdout.write("The front page is there: nothing to do.")
            return
        recreate_front_page(self.stdout.write)
