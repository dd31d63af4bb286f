"""The site's www variant and http redirect to its one address. /health accepts any host, others get 400."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from aijuu_site.serving.processes import site_answers
from aijuu_site.settings.hosts import allowed_hosts, www_variant
from intake.models import Enquiry
from tests.aijuu_site.environments import NEUTRAL, ROOT
from tests.intake.visiting import Visitor
from tests.tools.running_site import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["www.example.fi", "example.fi"])
def site(request: pytest.FixtureRequest, settings: Any) -> str:
    """Set up the site behind https, once with and once without "www.", and return its name."""
    settings.SITE_URL = f"https://{request.param}"
    settings.ALLOWED_HOSTS = allowed_hosts("intra.example.org", url=settings.SITE_URL)
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    return str(request.param)


def other(site: str) -> str:
    name = www_variant(site)
    assert name is not None
    return name


@pytest.mark.parametrize("address", ["/", "/ota-yhteytta/?a=b&c=%20d", "/tata-ei-ole", "/jatka/x/", "/static/a.css"])
def test_www_variant_redirects_to_site_name(site: str, address: str) -> None:
    for host in (other(site), other(site).upper(), f"{other(site)}:8443", f"{other(site)}."):
        response = Client(headers={"host": host}).get(address, secure=True)
        assert (response.status_code, response["Location"]) == (301, f"https://{site}{address}")
        # A cached redirect would form a loop with the opposite one after a change of SITE_URL.
        assert "no-" in response["Cache-Control"]
        assert response["Content-Security-Policy"]
        # Over http the redirect keeps the name, so that the browser first gets HSTS for that name over https.
        response = Client(headers={"host": host}).get(address)
        assert (response.status_code, response["Location"]) == (301, f"https://{other(site)}{address}")
        assert "no-" in response["Cache-Control"]


def test_redirect_never_leaves_the_site(site: str) -> None:
    for address in ("//evil.example/", "/\\evil.example", "/@evil.example/", "/%0d%0aLocation:evil.example"):
        response = Client(headers={"host": other(site)}).get(address, secure=True)
        assert response.status_code == 301
        assert response["Location"].startswith(f"https://{site}/")


def test_http_redirects_to_https_in_one_step(site: str) -> None:
    response = Client(headers={"host": site}).get("/ota-yhteytta/?a=b")
    assert (response.status_code, response["Location"]) == (301, f"https://{site}/ota-yhteytta/?a=b")
    response = Client(headers={"host": "intra.example.org"}).get("/a/")
    assert (response.status_code, response["Location"]) == (301, "https://intra.example.org/a/")


def test_http_post_is_redirected_with_308(site: str) -> None:
    response = Client(headers={"host": site}).post("/ota-yhteytta/?a=b", {"message": "Hei"})
    # 308: the browser sends the same body to the new address (RFC 9110, 15.4.9).
    assert (response.status_code, response["Location"]) == (308, f"https://{site}/ota-yhteytta/?a=b")


@pytest.mark.usefixtures("loaded_site")
def test_allowed_host_names_are_accepted(site: str) -> None:
    for name in (site, f"{site}:443", "intra.example.org", "127.0.0.1:8000", "[::1]"):
        assert Client(headers={"host": name}).get("/", secure=True).status_code == 200


@pytest.mark.usefixtures("loaded_site")
@pytest.mark.parametrize("site", ["www.example.fi"], indirect=True)
def test_post_under_www_variant_is_accepted(site: str) -> None:
    """If SITE_URL changes while a visitor writes, the browser posts to the name of the open page."""
    client = Client(headers={"host": other(site)})
    answer = Visitor(client=client).sends(secure=True)
    assert answer.status_code == 303
    assert Enquiry.objects.count() == 1
    thanks = answer["Location"]
    # The page's script first fetches the thank-you page, then navigates to it.
    by_script = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert client.get(thanks, secure=True, headers=by_script).status_code == 200
    opened = client.get(thanks, secure=True, headers={**by_script, "Sec-Fetch-Mode": "navigate"})
    assert (opened.status_code, opened["Location"]) == (301, f"https://{site}{thanks}")


STRANGERS = ["evil.example", "www.example.fi.evil.example", "www.www.example.fi", "a.example.fi", "10.0.0.5", "a b", ""]


@pytest.mark.parametrize("host", STRANGERS)
@pytest.mark.parametrize("address", ["/", "/static/css/site.css", "/media/a.jpg", "/admin/login/", "/healthy/"])
def test_unknown_host_name_is_refused(site: str, host: str, address: str) -> None:
    response = Client(headers={"host": host}).get(address, secure=True)
    assert response.status_code == 400
    assert "evil" not in response.text


@pytest.mark.parametrize("host", [*STRANGERS, "10.0.0.5:8000", "[fd00::5]:8000", "localhost"])
@pytest.mark.parametrize("secure", [True, False])
def test_health_accepts_any_host_name(site: str, host: str, secure: bool) -> None:
    response = Client(headers={"host": host}).get("/health/live", secure=secure)
    assert response.status_code == 200
    assert "example" not in response.text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("www.example.fi", "example.fi"),
        ("example.fi", "www.example.fi"),
        ("kati.example.fi", "www.kati.example.fi"),
        ("www.fi", None),
        ("localhost", None),
        ("127.0.0.1", None),
        ("10.0.0.5", None),
        ("[::1]", None),
        ("intra", None),
    ],
)
def test_www_variant_exists_only_for_domains(name: str, expected: str | None) -> None:
    assert www_variant(name) == expected


@pytest.mark.once
def test_supervisor_reaches_site_under_local_address(tmp_path: Path) -> None:
    url, hosts, port = "https://www.example.fi", "a.fi, b.fi", free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "aijuu_site.serving.web", "127.0.0.1", str(port)],
        cwd=ROOT,
        env={**NEUTRAL, "DATA_DIR": str(tmp_path), "SITE_URL": url, "ALLOWED_HOSTS": hosts, "EMAIL_URL": "files:"},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not site_answers("127.0.0.1", port):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        server.terminate()
        server.wait(20)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
