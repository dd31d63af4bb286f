"""What one connection may cost: real sockets on loopback against the web server with seconds instead of minutes."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import pytest

from aijuu_site.serving import web
from aijuu_site.serving import web as connections

pytestmark = pytest.mark.once

MIB = 1024 * 1024
ADMIN_COOKIE = "Cookie: sessionid=anything\r\n"


def _application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    received = len(environ["wsgi.input"].read())
    answer = b"x" * 32 * MIB if environ["PATH_INFO"] == "/large/" else f"received {received}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, int]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "RECEIVE_SECONDS", 1.5)
        patch.setattr(connections, "UPLOAD_SECONDS", 4.0)
        patch.setattr(connections, "SEND_SECONDS", 1.5)
        patch.setattr(web, "CONNECTIONS", 12)
        running = web.make_server(_application, "127.0.0.1", 0)
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        yield "127.0.0.1", int(running.effective_port)
    running.task_dispatcher.shutdown()
    for part in list(running._map.values()):
        part.close()
    thread.join(5)
    assert not thread.is_alive()


def ask(server: tuple[str, int], head: str, body: bytes = b"") -> str:
    with socket.create_connection(server, timeout=10) as connection:
        connection.sendall(head.encode() + body)
        with connection.makefile("rb") as answer:
            return answer.readline().decode().strip()


def post(path: str, length: int, cookie: str = "") -> str:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{cookie}Content-Length: {length}\r\n\r\n"


def wait_for(condition: Callable[[], bool]) -> None:
    """Ask again until the server has seen what was sent or closed."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def seconds_until_closed(connection: socket.socket, drip: bytes) -> float:
    """Send `drip` again and again, as somebody who wants to hold the connection."""
    began = time.monotonic()
    connection.settimeout(0.2)
    while time.monotonic() - began < 10:
        try:
            connection.sendall(drip)
            if connection.recv(1000) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def test_the_server_is_imported_before_the_application() -> None:
    """As `python -m aijuu_site.serving.web` does."""
    subprocess.run([sys.executable, "-c", "import aijuu_site.serving.web"], check=True, timeout=60)


def test_a_letter_of_two_megabytes_comes_through(server: tuple[str, int]) -> None:
    assert "200" in ask(server, post("/ota-yhteytta/", 2 * MIB), b"x" * 2 * MIB)


@pytest.mark.parametrize(
    ("path", "cookie"),
    [
        ("/", ""),
        ("/ota-yhteytta/", ""),
        ("/ota-yhteytta/", ADMIN_COOKIE),
        ("/jatka/salaisuus/", ADMIN_COOKIE),
        ("/administrator/", ADMIN_COOKIE),
        ("//admin/images/add/", ADMIN_COOKIE),
        ("/media/admin/", ADMIN_COOKIE),
        ("/admin/images/add/", ""),
        ("/admin/login/", ""),
    ],
)
def test_a_large_body_is_for_the_admin(server: tuple[str, int], path: str, cookie: str) -> None:
    # Refused by its header: not a byte of it is waited for.
    assert "413" in ask(server, post(path, 4 * MIB, cookie))


def test_the_admin_can_upload_a_photograph(server: tuple[str, int]) -> None:
    assert "200" in ask(server, post("/admin/images/add/", 15 * MIB, ADMIN_COOKIE), b"x" * 15 * MIB)
    assert "413" in ask(server, post("/admin/images/add/", 33 * MIB, ADMIN_COOKIE))


def test_a_body_in_chunks_has_the_same_bound(server: tuple[str, int]) -> None:
    head = "POST /ota-yhteytta/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b"x" * MIB + b"\r\n"
    assert "413" in ask(server, head, chunk * 3)


def test_a_header_has_a_bound(server: tuple[str, int]) -> None:
    assert "431" in ask(server, f"GET / HTTP/1.1\r\nHost: x\r\nX: {'x' * 40_000}\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status", "heading"),
    [
        (post("/ota-yhteytta/", 4 * MIB), "413", "Lähetys oli liian suuri"),
        (f"GET / HTTP/1.1\r\nHost: x\r\nX: {'x' * 40_000}\r\n\r\n", "431", "Pyyntöä ei ymmärretty"),
        # A browser sends all of it before it reads: a connection that is closed before is reset.
        (post("/ota-yhteytta/", 4 * MIB) + "x" * 4 * MIB, "413", "Lähetys oli liian suuri"),
        ("GET / HTTP/1.1\r\nHost x\r\n\r\n", "400", "Pyyntöä ei ymmärretty"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501", "Pyyntöä ei ymmärretty"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\nx", "400", "Pyyntöä ei ymmärretty"),
    ],
)
def test_what_the_server_refuses_is_a_page(server: tuple[str, int], sent: str, status: str, heading: str) -> None:
    with socket.create_connection(server, timeout=10) as connection:
        connection.sendall(sent.encode())
        head, _, page = connection.makefile("rb").read().decode().partition("\r\n\r\n")
    assert head.split()[1] == status
    assert f"<h1>{heading}</h1>" in page
    assert "Palaa etusivulle" in page
    assert "text/html; charset=utf-8" in head
    assert "style-src 'sha256-" in head
    assert "generated by" not in page


def test_what_follows_a_refusal_holds_no_connection(server: tuple[str, int]) -> None:
    with closing(socket.create_connection(server, timeout=10)) as connection:
        connection.sendall(post("/ota-yhteytta/", 4 * MIB).encode())
        began, alive = time.monotonic(), True
        while alive and time.monotonic() - began < 10:
            try:
                connection.sendall(b"x")
                time.sleep(0.2)
            except OSError:
                alive = False
        assert not alive
        assert time.monotonic() - began < 4


def test_only_some_uploads_come_at_once(server: tuple[str, int]) -> None:
    head = post("/admin/images/add/", 15 * MIB, ADMIN_COOKIE)
    held = [socket.create_connection(server, timeout=10) for _ in range(connections.UPLOADS_AT_ONCE)]
    try:
        for connection in held:
            connection.sendall(head.encode() + b"x")
        wait_for(lambda: "413" in ask(server, head))
        assert "200" in ask(server, post("/ota-yhteytta/", 100), b"x" * 100)
    finally:
        for connection in held:
            connection.close()
    wait_for(lambda: "200" in ask(server, head, b"x" * 15 * MIB))


@pytest.mark.parametrize(
    ("begun", "drip"),
    [
        ("GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n"),
        ("G", b"E"),
        (post("/ota-yhteytta/", 2 * MIB), b"x"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        # No large body is asked for, so no more time is given.
        (post("/admin/images/add/", 2 * MIB, ADMIN_COOKIE), b"x"),
    ],
)
def test_a_byte_now_and_then_holds_no_connection(server: tuple[str, int], begun: str, drip: bytes) -> None:
    with closing(socket.create_connection(server, timeout=10)) as connection:
        connection.sendall(begun.encode())
        assert seconds_until_closed(connection, drip) < 4


def test_an_upload_has_more_time_and_an_end(server: tuple[str, int]) -> None:
    with closing(socket.create_connection(server, timeout=10)) as connection:
        connection.sendall(post("/admin/images/add/", 15 * MIB, ADMIN_COOKIE).encode())
        assert 3.5 < seconds_until_closed(connection, b"x") < 8


@pytest.mark.parametrize("taken_at_once", [0, 1000])
def test_who_takes_no_answer_holds_no_connection(server: tuple[str, int], taken_at_once: int) -> None:
    with closing(socket.create_connection(server, timeout=10)) as connection:
        connection.sendall(b"GET /large/ HTTP/1.1\r\nHost: x\r\n\r\n")
        taken = 0
        for _ in range(15):
            taken += len(connection.recv(taken_at_once))
            time.sleep(0.3)
        # The end has come; what two kernels hold is all that is left to read.
        try:
            while part := connection.recv(MIB):
                taken += len(part)
        except ConnectionResetError:
            pass
        assert taken < 32 * MIB


def test_many_slow_senders_let_others_in_again(server: tuple[str, int]) -> None:
    slow = [socket.create_connection(server, timeout=10) for _ in range(20)]
    try:
        for connection in slow:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
        began = time.monotonic()
        assert "200" in ask(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert time.monotonic() - began < 6
    finally:
        for connection in slow:
            connection.close()


def test_a_kept_connection_answers_one_after_another(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=10) as connection, connection.makefile("rb") as answers:
        for _ in range(3):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            lines = [answers.readline() for _ in range(6)]
            assert b"200" in lines[0]
            assert b"received 0\n" in lines
            # Longer than one request may take, all of them together.
            time.sleep(0.8)
