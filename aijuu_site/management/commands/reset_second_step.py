"""`manage.py reset_second_step EMAIL`: for a person who has lost their phone and their recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import override

from aijuu_site.accounts.models import User
from aijuu_site.accounts.notices import reset_second_step


class Command(BaseCommand):
    help = (
        "Remove the second step at login, the recovery codes and all logins of an account, and tell its owner by mail. "
        "At the next login, with the password, they set up a new second step. "
        "Make sure first that it is they who ask: call them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the address that the account signs in with")

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.of_address(options["email"]).first()
        if user is None:
            raise CommandError(f"No account has the address {options['email']}.")
        with override("fi"):
            by = _("the maintainer, on the server")
        reset_second_step(user=user, by=by)
        self.stdout.write(f"{user.email}: the second step, the recovery codes and all logins are removed.")
        self.stdout.write("At the next login, with the password, a new second step is set up.")
