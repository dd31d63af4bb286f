"""Addresses that contain a secret are in no log, neither the site's nor those of the proxies in deploy/."""

import re

import pytest
from django.conf import settings

from aijuu_site.logs import redact_secrets

DEPLOY = settings.BASE_DIR / "deploy"
SECRET = "hR3-kX_9"
ADDRESSES = [
    f"/jatka/{SECRET}/kopio/",
    f"//Jatka//{SECRET}/",
    f"/otayhteytta/kiitos/{SECRET}/",
    f"/admin/password_reset/confirm/MQ/{SECRET}/",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_secret_is_redacted_in_the_sites_log(address: str) -> None:
    assert SECRET not in redact_secrets(f"GET {address} HTTP/1.1")


@pytest.mark.parametrize("address", ADDRESSES)
def test_nginx_does_not_cache_private_addresses(address: str) -> None:
    location = re.search(r"location ~\* (\S+) \{\s*proxy_cache off;", (DEPLOY / "nginx.conf").read_text())
    assert location is not None
    assert re.search(location[1], address, re.IGNORECASE)


def test_nginx_logs_no_request() -> None:
    """Both the address and the Referer can contain a secret. error.log has them too, while the site is unreachable."""
    logs = re.findall(r"^( *)((?:access|error)_log .*);", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE)
    # Set once for the whole server, and overridden in no location.
    assert logs == [("    ", "access_log off"), ("    ", "error_log /dev/null crit")]


def test_caddy_logs_errors_without_their_request() -> None:
    options = (DEPLOY / "Caddyfile").read_text().split("\n}\n")[0]
    assert re.search(r"\tlog \{\s*format filter \{\s*wrap json\s*fields \{\s*request delete\s*\}", options)
