"""`manage.py load_content`: the first content of the site."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from home.content.files import ContentError
from home.content.loader import Action, load_content


class Command(BaseCommand):
    help = "Load the first content of the site: what was never loaded before. Can be run again at any time."

    def handle(self, *args: Any, verbosity: int, **options: Any) -> None:
        say = self.stdout.write if verbosity else lambda _text: None
        loaded = 0
        try:
            for outcome in load_content():
                if outcome.action is Action.LOADED:
                    loaded += 1
                    say(_("Loaded: %(piece)s") % {"piece": outcome.key})
                elif outcome.action is Action.LEFT_ALONE:
                    say(_("Left as the editor has it: %(piece)s") % {"piece": outcome.key})
        except ContentError as error:
            raise CommandError(str(error)) from error
        if not loaded:
            say(_("The content has been loaded before: nothing changed."))
