"""`manage.py prove_form`: run the nightly proof of the form by hand."""

import time
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation

from intake.proof import AlreadyRunning, ProofResult, begin, follow_up

_LOOK_SECONDS = 1.0


def _seconds(text: str) -> int:
    """Parse a whole number of at least 0. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"'{text}' is no whole number from 0 up")
    return int(text)


class Command(BaseCommand):
    help = (
        "Send a test letter through the contact form of the running site, wait until the mail server has taken the "
        "mails about it, and remove it. Exit status 0 only where all of it held."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait", type=_seconds, default=120, metavar="SECONDS", help="how long to wait for the mails (120)"
        )

    def handle(self, *args: Any, wait: int, **options: Any) -> None:
        try:
            proof = begin(now=timezone.now())
        except AlreadyRunning as error:
            raise CommandError("A proof is running; it ends within half an hour.") from error
        if proof.result == ProofResult.RUNNING:
            self.stdout.write("The letter was stored and thanked for. Waiting for its mails …")
        deadline = time.monotonic() + wait
        while proof.result == ProofResult.RUNNING:
            if time.monotonic() > deadline:
                raise CommandError(
                    f"The mails did not go out in {wait} s. The worker looks after the proof for half an hour."
                )
            time.sleep(_LOOK_SECONDS)
            follow_up(proof, now=timezone.now())
            proof.refresh_from_db()
        if not proof.has_passed:
            with translation.override(None):
                raise CommandError(str(ProofResult(proof.result).label))
        self.stdout.write("The form works: stored, thanked for, mails handed over, removed again.")
