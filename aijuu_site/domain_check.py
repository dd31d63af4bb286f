"""Check what the domain needs: DNS, TLS, the redirect to https, and the DNS records that authenticate its mail.

checkdmarc imports much, so it is imported only where it is used.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aijuu_site.settings.hosts import LOOPBACK, www_variant

_SECONDS = 5.0
TLS_DAYS = 14
_DKIM_KEY = re.compile(r"(^|;)\s*p=\s*[A-Za-z0-9+/]")


@dataclass(frozen=True)
class Finding:
    """The result of one check: its name, whether it passed, and what was found or is missing.

    If DNS did not answer (`is_known` is false), the check did not pass, but nothing is reported as missing.
    """

    name: str
    held: bool
    words: str
    is_known: bool = True


class DnsSilent(OSError):
    """DNS returned no answer: neither the record nor that there is none."""


def _connection(host: str, port: int) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=_SECONDS)
    except socket.gaierror as error:
        if error.errno != socket.EAI_AGAIN:
            raise
        raise DnsSilent(str(error.strerror)) from error


def tls_expiry(host: str, port: int, context: ssl.SSLContext) -> datetime:
    """Return when the certificate of `host` expires. Raises OSError if the connection or the certificate is bad."""
    with (
        _connection(host, port) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        certificate = secure.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), tz=UTC)


def redirect_of(host: str, port: int) -> str:
    """Return the redirect target of http://`host`/, or "" if it does not redirect. Raises OSError."""
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    connection.sock = _connection(host, port)
    try:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        return answer.getheader("Location") or "" if 300 <= answer.status < 400 else ""
    except http.client.HTTPException as error:
        raise OSError("no answer in HTTP") from error
    finally:
        connection.close()


def _resolver() -> dns.resolver.Resolver:
    try:
        resolver = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        # A resolver without a server, which gets no answer.
        resolver = dns.resolver.Resolver(configure=False)
    resolver.lifetime = _SECONDS
    return resolver


@dataclass(frozen=True)
class Network:
    """All access to the network. Tests replace the resolver and the servers by their own."""

    resolver: dns.resolver.Resolver = field(default_factory=_resolver)
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    http_port: int = 80

    def records(self, name: str, kind: str) -> list[str]:
        """Return the records of a name; [] if there are none. Raises DnsSilent if the server does not answer."""
        try:
            answer = self.resolver.resolve(name, kind)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise DnsSilent(type(error).__name__) from error
        if kind == "TXT":
            return [b"".join(row.strings).decode("utf-8", errors="replace") for row in answer]
        return [row.to_text() for row in answer]


def is_public_site() -> bool:
    """Return whether SITE_URL is an https address with a public host name, so that there is a domain to check."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    return settings.HTTPS and host not in LOOPBACK and "." in host and not host.rpartition(".")[2].isdigit()


def mail_domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]


def check_domain(network: Network, *, now: datetime, selector: str) -> list[Finding]:
    """Run all checks one after the other. An unexpected answer becomes a finding, never an error."""
    address = urlsplit(settings.SITE_URL)
    host, port = address.hostname or "", address.port or 443
    domain = mail_domain()
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("DNS", lambda: _check_addresses(network, host)),
        ("TLS", lambda: _check_certificate(network, host, port, now)),
        ("HTTPS", lambda: _check_redirect(network, host)),
        ("MX", lambda: _check_mx(network, domain)),
        ("SPF", lambda: _check_spf(network, domain)),
        ("DKIM", lambda: _check_dkim(network, domain, selector)),
        ("DMARC", lambda: _check_dmarc(network, domain)),
    ]
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += check()
        except DnsSilent as error:
            words = _("DNS did not answer (%(reason)s), so nothing is known about it")
            found.append(Finding(name, False, words % {"reason": error}, is_known=False))
        except OSError as error:
            found.append(Finding(name, False, str(error.strerror or error) or type(error).__name__))
    return found


def _check_addresses(network: Network, host: str) -> Iterator[Finding]:
    for name in (host, www_variant(host)):
        if name is None:
            continue
        found = [*network.records(name, "A"), *network.records(name, "AAAA")]
        missing = _("%(name)s has no A or AAAA record: add one with the address of the server") % {"name": name}
        yield Finding("DNS", bool(found), f"{name}: {', '.join(found)}" if found else missing)


def _check_certificate(network: Network, host: str, port: int, now: datetime) -> Iterator[Finding]:
    try:
        ends = tls_expiry(host, port, network.context)
    except ssl.SSLCertVerificationError as error:
        words = _("the certificate of %(host)s is not valid: %(reason)s")
        yield Finding("TLS", False, words % {"host": host, "reason": error.verify_message})
        return
    days = (ends - now).days
    words = ngettext(
        "the certificate of %(host)s ends in %(days)d day", "the certificate of %(host)s ends in %(days)d days", days
    )
    yield Finding("TLS", days >= TLS_DAYS, words % {"host": host, "days": days})


def _check_redirect(network: Network, host: str) -> Iterator[Finding]:
    target = redirect_of(host, network.http_port)
    missing = _("http://%(host)s/ does not lead to https: let the proxy redirect it") % {"host": host}
    held = target.startswith("https://")
    yield Finding("HTTPS", held, f"http://{host}/ → {target}" if held else missing)


def _check_mx(network: Network, domain: str) -> Iterator[Finding]:
    found = network.records(domain, "MX")
    missing = _("%(domain)s has no MX record: nobody can answer mail of the site") % {"domain": domain}
    yield Finding("MX", bool(found), f"{domain}: {', '.join(sorted(found))}" if found else missing)


def _check_spf(network: Network, domain: str) -> Iterator[Finding]:
    from checkdmarc.spf import check_spf

    # Raises DnsSilent first: check_spf() reports a missing record even if no server answers.
    network.records(domain, "TXT")
    yield _of_checkdmarc(
        "SPF",
        check_spf(domain, resolver=network.resolver),
        _("%(domain)s has no valid SPF record (TXT v=spf1 …)"),
        domain,
    )


def _check_dmarc(network: Network, domain: str) -> Iterator[Finding]:
    from checkdmarc.dmarc import check_dmarc

    network.records(f"_dmarc.{domain}", "TXT")
    missing = _("%(domain)s has no valid DMARC record (TXT of _dmarc.%(domain)s: v=DMARC1; p=…)")
    yield _of_checkdmarc("DMARC", check_dmarc(domain, resolver=network.resolver), missing, domain)


def _of_checkdmarc(name: str, result: Any, missing: str, domain: str) -> Finding:
    if result.get("valid"):
        return Finding(name, True, f"{domain}: {result['record']}")
    return Finding(name, False, f"{missing % {'domain': domain}}: {result.get('error', '')}".rstrip(": "))


def _check_dkim(network: Network, domain: str, selector: str) -> Iterator[Finding]:
    if not selector:
        yield Finding(
            "DKIM", False, _("not checked: name the key of the mail server by --dkim-selector or DKIM_SELECTOR")
        )
        return
    name = f"{selector}._domainkey.{domain}"
    keys = [record for record in network.records(name, "TXT") if _DKIM_KEY.search(record)]
    missing = _("%(name)s has no TXT record with a key (v=DKIM1; p=…): the mail provider tells it") % {"name": name}
    yield Finding("DKIM", bool(keys), name if keys else missing)
