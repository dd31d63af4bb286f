"""`manage.py maintenance_page`: the page that a proxy shows while the site is down."""

from typing import Any

from django.core.management.base import BaseCommand

from aijuu_site.plain_pages import plain_page, style_sources
from home.contact_details import ContactDetails, cache_contact


class Command(BaseCommand):
    """Print a self-contained HTML file: `manage.py maintenance_page > …/huolto.html`.

    It contains the contact details, so print it again when they change.
    """

    help = "Print the maintenance page as one HTML file for the proxy."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        cache_contact(ContactDetails.load())
        html = plain_page("503.html")
        # In the page itself, because the proxy sends no Content-Security-Policy header with it.
        policy = f"default-src 'none'; style-src {' '.join(style_sources(html))}"
        meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        self.stdout.write(html.replace("<head>", f"<head>\n  {meta}", 1))
