"""`manage.py check_domain`: whether the domain has what the site and its mail need."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation

from aijuu_site.domain_check import Network, check_domain, is_public_site, mail_domain


class Command(BaseCommand):
    help = (
        "Check the DNS of SITE_URL's host, its certificate and its redirect to https, and the MX, SPF, DKIM and DMARC "
        "records of the sender's domain (DEFAULT_FROM_EMAIL). Prints each with what is missing, or "
        "UNKNOWN where DNS does not answer. Exit status 0 only where all of it held."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dkim-selector",
            metavar="NAME",
            default=settings.DKIM_SELECTOR,
            help="the name before ._domainkey of the key by which the mail server signs (DKIM_SELECTOR)",
        )

    def handle(self, *args: Any, dkim_selector: str, **options: Any) -> None:
        if not is_public_site():
            raise CommandError("SITE_URL is no https:// address with a host name, so there is no domain to check.")
        # All output of commands is in English.
        with translation.override("en"):
            found = check_domain(Network(), now=timezone.now(), selector=dkim_selector)
        for finding in found:
            state = "ok" if finding.held else "MISSING" if finding.is_known else "UNKNOWN"
            self.stdout.write(f"{state:<8}{finding.name:<6}{finding.words}")
        failed = sum(not finding.held for finding in found)
        unknown = sum(not finding.is_known for finding in found)
        if failed:
            message = f"{failed} of {len(found)} did not hold ({settings.SITE_URL}, mail of {mail_domain()})."
            if unknown:
                message += f" Nothing is known of {unknown}, since DNS does not answer this machine (/etc/resolv.conf)."
            raise CommandError(message)
