"""`manage.py check_domain` reports what the domain lacks. The tests run their own DNS and web servers."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import dns.resolver
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command
from django.utils import timezone

from aijuu_site import domain_check, problems
from aijuu_site.domain_check import DnsSilent, Network, check_domain
from aijuu_site.management.commands import check_domain as command
from tests.tools.dns_server import Records, dns_server

pytestmark = pytest.mark.once

NAMES = ("DNS", "TLS", "HTTPS", "MX", "SPF", "DKIM", "DMARC")


def records_of(name: str) -> dict[tuple[str, str], list[str]]:
    """Return all DNS records that a domain needs. Each test has its own domain, because checkdmarc caches answers."""
    return {
        (f"www.{name}", "A"): ["127.0.0.1"],
        (name, "A"): ["127.0.0.1"],
        (name, "MX"): [f"10 mx.{name}."],
        (name, "TXT"): ['"v=spf1 ip4:192.0.2.1 -all"'],
        (f"mx.{name}", "A"): ["192.0.2.1"],
        (f"mail._domainkey.{name}", "TXT"): ['"v=DKIM1; k=rsa; p=MIIBIjANBg"'],
        (f"_dmarc.{name}", "TXT"): [f'"v=DMARC1; p=quarantine; rua=mailto:dmarc@{name}"'],
    }


def certificate(path: Path, host: str, *, days: int) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class _Redirect(BaseHTTPRequestHandler):
    target = ""

    def do_GET(self) -> None:
        self.send_response(301 if self.target else 200)
        if self.target:
            self.send_header("Location", self.target)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        pass


@contextmanager
def web_server(handler: type[BaseHTTPRequestHandler], pem: Path | None = None) -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), handler)
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def checked(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that checks a domain with given records, and returns the failed checks and the output."""

    def check(
        name: str,
        records: Records,
        *,
        days: int = 60,
        target: str = "https://",
        selector: str = "mail",
        trusted: bool = True,
    ) -> dict[str, Any]:
        host = f"www.{name}"
        pem = certificate(tmp_path / "site.pem", host, days=days)
        context = ssl.create_default_context(cafile=str(pem) if trusted else None)
        handler = type("Handler", (_Redirect,), {"target": f"{target}{host}/" if target else ""})
        # Connect to the local servers, whatever the host name.
        connect = domain_check.socket.create_connection
        monkeypatch.setattr(
            domain_check.socket,
            "create_connection",
            lambda address, *a, **k: connect(("127.0.0.1", address[1]), *a, **k),
        )
        with web_server(_Redirect, pem) as tls_port, web_server(handler) as http_port, dns_server(records) as resolver:
            settings.SITE_URL, settings.HTTPS = f"https://{host}:{tls_port}", True
            settings.DEFAULT_FROM_EMAIL = f"Aijuu <kati@{name}>"
            network = Network(resolver=resolver, context=context, http_port=http_port)
            monkeypatch.setattr(command, "Network", lambda: network)
            found = check_domain(network, now=timezone.now(), selector=selector)
            out = StringIO()
            try:
                call_command("check_domain", dkim_selector=selector, stdout=out)
                error = ""
            except CommandError as caught:
                error = str(caught)
        missing = [finding.name for finding in found if not finding.held]
        return {"missing": missing, "names": [each.name for each in found], "out": out.getvalue(), "error": error}

    return check


def test_good_domain_passes_all_checks(checked: Any) -> None:
    result = checked("good.fi", records_of("good.fi"))
    assert result["missing"] == []
    assert result["error"] == ""
    assert set(result["names"]) == set(NAMES)
    assert "MISSING" not in result["out"]
    assert "ok      SPF   good.fi: v=spf1 ip4:192.0.2.1 -all" in result["out"]


@pytest.mark.parametrize(
    ("number", "gone", "check"),
    [
        (1, ("www.{}", "A"), "DNS"),
        (2, ("{}", "MX"), "MX"),
        (3, ("{}", "TXT"), "SPF"),
        (4, ("mail._domainkey.{}", "TXT"), "DKIM"),
        (5, ("_dmarc.{}", "TXT"), "DMARC"),
    ],
)
def test_missing_dns_record_is_reported(checked: Any, number: int, gone: tuple[str, str], check: str) -> None:
    name = f"missing{number}.fi"
    records = records_of(name)
    del records[gone[0].format(name), gone[1]]
    result = checked(name, records)
    assert result["missing"] == [check]
    assert f"MISSING {check}" in result["out"]
    assert result["error"].startswith("1 of ")


@pytest.mark.parametrize(
    ("number", "record", "check"),
    [
        (1, ("{}", "TXT", '"v=spf1 include:spf.nowhere.fi -all"'), "SPF"),
        (2, ("{}", "TXT", '"v=spf1 ipv4:1.2.3.4 -all"'), "SPF"),
        (3, ("_dmarc.{}", "TXT", '"v=DMARC1; p=perhaps"'), "DMARC"),
        # A revoked DKIM key.
        (4, ("mail._domainkey.{}", "TXT", '"v=DKIM1; p="'), "DKIM"),
    ],
)
def test_invalid_dns_record_fails_check(checked: Any, number: int, record: tuple[str, str, str], check: str) -> None:
    name = f"invalid{number}.fi"
    host, kind, text = record
    records = {**records_of(name), (host.format(name), kind): [text]}
    assert checked(name, records)["missing"] == [check]


@pytest.mark.parametrize(("days", "missing"), [(15, []), (13, ["TLS"]), (-1, ["TLS"])])
def test_certificate_close_to_expiry_fails_check(checked: Any, days: int, missing: list[str]) -> None:
    name = f"ending{days + 1}.fi"
    assert checked(name, records_of(name), days=days)["missing"] == missing


def test_untrusted_certificate_fails_check(checked: Any) -> None:
    result = checked("untrusted.fi", records_of("untrusted.fi"), trusted=False)
    assert result["missing"] == ["TLS"]
    assert "self-signed" in result["out"]


@pytest.mark.parametrize("target", ["", "http://"])
def test_missing_https_redirect_fails_check(checked: Any, target: str) -> None:
    name = f"redirect{len(target)}.fi"
    assert checked(name, records_of(name), target=target)["missing"] == ["HTTPS"]


def test_dkim_check_needs_selector(checked: Any) -> None:
    result = checked("selector.fi", records_of("selector.fi"), selector="")
    assert result["missing"] == ["DKIM"]
    assert "--dkim-selector" in result["out"]


def test_domain_without_any_dns_record(checked: Any) -> None:
    result = checked("nothing.fi", {})
    assert set(result["missing"]) == {"DNS", "MX", "SPF", "DKIM", "DMARC"}


def test_unreachable_servers_are_reported(settings: Any) -> None:
    settings.SITE_URL, settings.HTTPS = "https://127.0.0.1:1", True
    settings.DEFAULT_FROM_EMAIL = "kati@silent.fi"
    with dns_server({}) as resolver:
        resolver.port, resolver.lifetime = 9, 0.3
        found = check_domain(Network(resolver=resolver, http_port=1), now=timezone.now(), selector="mail")
    assert {finding.name for finding in found if not finding.held} == set(NAMES)
    # TLS and HTTPS need no DNS here, because the host in SITE_URL is an IP address.
    assert {finding.name for finding in found if not finding.is_known} == set(NAMES) - {"TLS", "HTTPS"}


def silent_dns(monkeypatch: pytest.MonkeyPatch, settings: Any, name: str) -> Network:
    """Return the Network of a machine whose DNS does not respond, with www.NAME as the site."""

    def nobody(*_args: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(domain_check.socket, "create_connection", nobody)
    settings.SITE_URL, settings.HTTPS = f"https://www.{name}", True
    settings.DEFAULT_FROM_EMAIL = f"kati@{name}"
    settings.DKIM_SELECTOR = "mail"
    return Network(resolver=dns.resolver.Resolver(configure=False))


def test_unreachable_dns_reports_unknown_not_missing(
    settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network = silent_dns(monkeypatch, settings, "silent2.fi")
    monkeypatch.setattr(command, "Network", lambda: network)
    with pytest.raises(CommandError, match=r"^7 of 7 did not hold .* Nothing is known of 7, since DNS does not answer"):
        call_command("check_domain", dkim_selector="mail")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == list(NAMES)
    assert all(line.startswith("UNKNOWN ") and "DNS did not answer" in line for line in lines)


def test_unreachable_dns_is_one_problem(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network = silent_dns(monkeypatch, settings, "silent3.fi")
    (problem,) = problems._of_domain(network, timezone.now())
    assert problem.key == "dns"
    assert all(name in problem.words for name in NAMES)


def test_missing_resolv_conf_raises_dns_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_args: Any, **_options: Any) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", unreadable)
    with pytest.raises(DnsSilent):
        Network().records("silent4.fi", "A")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "https://127.0.0.1", "https://localhost", "http://www.aijuu.fi"]
)
def test_site_without_domain_gives_one_line_error(settings: Any, url: str) -> None:
    settings.SITE_URL, settings.HTTPS = url, url.startswith("https")
    with pytest.raises(CommandError, match="there is no domain to check"):
        call_command("check_domain")
