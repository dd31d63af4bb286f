"""`manage.py backup_key`: a pair of keys for backups, printed once and stored nowhere."""

from typing import Any

import pyrage
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Print a new pair of keys for backups and store nothing. Run it on another machine than the site's: the line "
        "AGE-SECRET-KEY-1… opens every backup and belongs into a password manager and on paper. The site gets only "
        "the public key: BACKUP_KEY=age1… The same as age-keygen."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        identity = pyrage.x25519.Identity.generate()
        self.stdout.write(f"# public key: {identity.to_public()}\n{identity}")
