"""Wagtail's own record of where the site is, kept as SITE_URL says."""

from urllib.parse import urlsplit

from wagtail.models import Site

from aijuu_site.settings.hosts import site_host


def sync_site_address(site_url: str) -> bool:
    """Make the default site's host name and port those of `site_url`; tell whether anything changed."""
    parts = urlsplit(site_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = site_host(site_url)
    site = Site.objects.filter(is_default_site=True).first()
    if site is None or (site.hostname, site.port) == (host, port):
        return False
    site.hostname, site.port = host, port
    site.save()
    return True
