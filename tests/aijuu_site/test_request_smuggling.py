"""Request smuggling: requests whose end is ambiguous, sent to the real server as bytes.

If a proxy saw the end elsewhere than our server, part of one visitor's request would become the next visitor's request.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.tools.running_site import ROOT, free_port

pytestmark = pytest.mark.once

# If the server processes this request, its response contains "smuggled" (tests.tools.limited_server).
SMUGGLED = "GET /client/ HTTP/1.1\r\nHost: x\r\nX-Real: smuggled\r\n\r\n"
N = len(SMUGGLED)
POST = "POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, int]]:
    port = free_port()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "aijuu_site.settings.test"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tools.limited_server", str(port), "1.5"], cwd=ROOT, env=environment
    )
    address = ("127.0.0.1", port)
    deadline = time.monotonic() + 60
    while not _listens(address):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield address
    process.terminate()
    assert process.wait(10) == 0


def _listens(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def answers(server: tuple[str, int], sent: str, mark: bytes = b"smuggled") -> tuple[list[str], bool]:
    """Return the statuses of all responses until the server closes the connection, and whether `mark` is in one."""
    received = b""
    with socket.create_connection(server, timeout=10) as connection:
        connection.sendall(sent.encode("latin-1"))
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            # The server closed the connection before it read everything.
            assert received
    return re.findall(r"HTTP/1\.1 (\d{3})", received.decode()), mark in received


REFUSED = {
    "length and chunks": (f"Content-Length: {N}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"),
    "chunks and length": (f"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{N:x}\r\n", "411"),
    "chunks alone": ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"),
    "chunk extension with a bare LF": ("Transfer-Encoding: chunked\r\n\r\n3;a=\nx\r\nabc\r\n0\r\n\r\n", "411"),
    "two lengths": (f"Content-Length: 0\r\nContent-Length: {N}\r\n\r\n", "400"),
    "two lengths, the other way": (f"Content-Length: {N}\r\nContent-Length: 0\r\n\r\n", "400"),
    "two lengths in one": (f"Content-Length: 0, {N}\r\n\r\n", "400"),
    "length with a sign": (f"Content-Length: +{N}\r\n\r\n", "400"),
    "negative length": ("Content-Length: -1\r\n\r\n", "400"),
    "hexadecimal length": ("Content-Length: 0x10\r\n\r\n", "400"),
    "space before the colon of the length": (f"Content-Length : {N}\r\n\r\n", "400"),
    "space before the colon of the encoding": (f"Transfer-Encoding : chunked\r\nContent-Length: {N}\r\n\r\n", "400"),
    "unknown encoding": (f"Transfer-Encoding: xchunked\r\nContent-Length: {N}\r\n\r\n", "400"),
    "two encodings": (
        f"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: {N}\r\n\r\n",
        "400",
    ),
    "folded encoding": (f"Transfer-Encoding:\r\n chunked\r\nContent-Length: {N}\r\n\r\n", "400"),
    "folded header": (f"X: a\r\n b\r\nContent-Length: {N}\r\n\r\n", "400"),
    "bare CR": (f"X: a\rContent-Length: {N}\r\n\r\n", "400"),
    "NUL in a header": (f"X: a\0b\r\nContent-Length: {N}\r\n\r\n", "400"),
    "two hosts": ("Host: evil.example\r\n\r\n", "400"),
}


@pytest.fixture(scope="module")
def refusals(server: tuple[str, int]) -> dict[str, tuple[list[str], bool]]:
    """Return the responses to each of REFUSED. They are sent concurrently, because each connection closes slowly."""
    with ThreadPoolExecutor(len(REFUSED)) as at_once:
        sent = [POST + head + SMUGGLED for head, _status in REFUSED.values()]
        return dict(zip(REFUSED, at_once.map(lambda one: answers(server, one), sent), strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_ambiguous_request_is_refused_and_connection_closed(
    refusals: dict[str, tuple[list[str], bool]], name: str
) -> None:
    assert refusals[name] == ([REFUSED[name][1]], False)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Host: evil.example\r\n", "400"),
        ("Content-Length: 0\r\nContent-Length: 1\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n", "411"),
    ],
)
def test_kept_page_is_not_served_to_ambiguous_request(server: tuple[str, int], head: str, status: str) -> None:
    plain = "GET /kept/ HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nConnection: close\r\n"
    # The first request renders the page, the second gets it from memory.
    for _ in range(2):
        assert answers(server, f"{plain}\r\n", b"kept page") == (["200"], True)
    assert answers(server, f"{plain}{head}\r\n", b"kept page") == ([status], False)


@pytest.mark.parametrize(
    "head",
    [
        f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {N}\r\n\r\n",
        # The server reads the body of a GET too.
        f"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {N}\r\n\r\n",
        # A bare LF may end a line (RFC 9112, 2.2). nginx and Caddy accept it too.
        f"POST / HTTP/1.1\nHost: x\nConnection: close\nContent-Length: {N}\n\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: a\nContent-Length: {N}\r\n\r\n",
        # The same length twice is accepted as one.
        f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {N}\r\nContent-Length: {N}\r\n\r\n",
    ],
)
def test_body_is_not_processed_as_request(server: tuple[str, int], head: str) -> None:
    assert answers(server, head + SMUGGLED) == (["200"], False)


def test_second_request_of_connection_is_answered(server: tuple[str, int]) -> None:
    """This proves that the tests above would detect a smuggled request."""
    assert answers(server, f"{POST}Content-Length: 3\r\n\r\nabc{SMUGGLED}") == (["200", "200"], True)


@pytest.mark.parametrize(
    "sent", ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT evil.example:80 HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_server_opens_no_tunnel(server: tuple[str, int], sent: str) -> None:
    assert answers(server, sent + SMUGGLED)[1] is False


def test_upgrade_to_http2_is_ignored(server: tuple[str, int]) -> None:
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    statuses, _smuggled = answers(server, f"GET /client/ HTTP/1.1\r\nHost: x\r\n{upgrade}\r\n")
    assert statuses == ["200"]
