"""Wagtail's own record of where the site is, kept as SITE_URL says."""

from urllib.parse import urlsplit

from wagtail.models import Site


def sync_site_address(site_url: str) -> bool:
    """Make the default site's host name and port those of `site_url`; tell whether anything changed."""
    parts = urlsplit(site_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    site = Site.objects.filter(is_default_site=True).first()
    if site is None or (site.hostname, site.port) == (parts.hostname, port):
        return False
    site.hostname, site.port = parts.hostname, port
    site.save()
    return True
