"""The limits of one connection, tested with sockets against the real web server with short timeouts."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from aijuu_site.serving import shell
from aijuu_site.serving.sockets import cut_connection
from tests.tools.running_site import ROOT, free_port

pytestmark = pytest.mark.once

MIB = 1024 * 1024
ADMIN_COOKIE = "Cookie: sessionid=anything\r\n"


@contextmanager
def running_server(*, receive_seconds: float = 1.5) -> Iterator[tuple[tuple[str, int], subprocess.Popen[bytes]]]:
    port = free_port()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "aijuu_site.settings.test"}
    command = [sys.executable, "-m", "tests.tools.limited_server", str(port), str(receive_seconds)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    address = ("127.0.0.1", port)
    wait_for(lambda: process.poll() is not None or _answers(address), seconds=60)
    assert process.poll() is None
    yield address, process
    process.terminate()
    assert process.wait(10) == 0


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, int]]:
    with running_server() as (address, _process):
        yield address


def _answers(address: tuple[str, int]) -> bool:
    try:
        return "200" in ask(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    except OSError:
        return False


def ask(server: tuple[str, int], head: str, body: bytes = b"") -> str:
    with socket.create_connection(server, timeout=10) as connection:
        connection.sendall(head.encode() + body)
        with connection.makefile("rb") as answer:
            return answer.readline().decode().strip()


def ask_body(server: tuple[str, int], path: str) -> str:
    with closing(http.client.HTTPConnection(*server, timeout=30)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read().decode()


def post(path: str, length: int, header: str = "") -> str:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}Content-Length: {length}\r\n\r\n"


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Repeat the condition until it holds: the server needs time to notice what a client has sent or closed."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def seconds_until_closed(connection: socket.socket, drip: bytes) -> float:
    """Send `drip` repeatedly to hold the connection open. Return the seconds until the server closes it (or 10)."""
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


def test_web_server_module_can_be_imported_first() -> None:
    """`python -m aijuu_site.serving.web` imports this module before the application."""
    subprocess.run([sys.executable, "-c", "import aijuu_site.serving.web"], check=True, timeout=60)


def test_post_of_two_megabytes_is_accepted(server: tuple[str, int]) -> None:
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
def test_large_body_is_refused_outside_admin(server: tuple[str, int], path: str, cookie: str) -> None:
    # Refused by its Content-Length: no body is sent here.
    assert "413" in ask(server, post(path, 4 * MIB, cookie))


def test_admin_accepts_photo_upload_up_to_limit(server: tuple[str, int]) -> None:
    assert "200" in ask(server, post("/admin/images/add/", 15 * MIB, ADMIN_COOKIE), b"x" * 15 * MIB)
    assert "413" in ask(server, post("/admin/images/add/", 33 * MIB, ADMIN_COOKIE))


def test_body_without_a_length_is_refused(server: tuple[str, int]) -> None:
    head = "POST /ota-yhteytta/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert "411" in ask(server, head, b"1\r\na\r\n0\r\n\r\n")


def test_too_large_header_is_refused(server: tuple[str, int]) -> None:
    assert "431" in ask(server, f"GET / HTTP/1.1\r\nHost: x\r\nX: {'x' * 40_000}\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status", "heading"),
    [
        (post("/ota-yhteytta/", 4 * MIB), "413", "Lähetys oli liian suuri"),
        (f"GET / HTTP/1.1\r\nHost: x\r\nX: {'x' * 40_000}\r\n\r\n", "431", "Pyyntöä ei ymmärretty"),
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400", "Pyyntöä ei ymmärretty"),
        # A browser reads no response before it has sent the whole body; closing the connection early would reset it.
        (post("/ota-yhteytta/", 4 * MIB) + "x" * 4 * MIB, "413", "Lähetys oli liian suuri"),
    ],
)
def test_refused_request_gets_error_page(server: tuple[str, int], sent: str, status: str, heading: str) -> None:
    with socket.create_connection(server, timeout=10) as connection:
        connection.sendall(sent.encode())
        head, _, page = connection.makefile("rb").read().decode().partition("\r\n\r\n")
    assert head.split()[1] == status
    assert f"<h1>{heading}</h1>" in page
    assert "Palaa etusivulle" in page
    assert "text/html; charset=utf-8" in head
    assert re.search(r"style-src 'self' 'sha256-[\w+/=]+'(;|\r)", head)
    assert "generated by" not in page


def test_http_1_0_needs_no_host_header(server: tuple[str, int]) -> None:
    assert ask(server, "GET / HTTP/1.0\r\n\r\n").split()[1] == "200"


def test_body_after_refusal_does_not_hold_connection(server: tuple[str, int]) -> None:
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


def test_concurrent_uploads_are_limited(server: tuple[str, int]) -> None:
    head = post("/admin/images/add/", 15 * MIB, ADMIN_COOKIE)
    held = [socket.create_connection(server, timeout=10) for _ in range(shell.UPLOADS_AT_ONCE)]
    try:
        for connection in held:
            connection.sendall(head.encode() + b"x")
        wait_for(lambda: "413" in ask(server, head))
        assert "200" in ask(server, post("/ota-yhteytta/", 100), b"x" * 100)
    finally:
        for connection in held:
            connection.close()
    wait_for(lambda: "200" in ask(server, head, b"x" * 15 * MIB))


DRIPS = {
    "header": ("GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n"),
    "first line": ("G", b"E"),
    "body": (post("/ota-yhteytta/", 2 * MIB), b"x"),
    "chunks": ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    # The body is below the upload size, so it gets no extra time.
    "usual body of the admin": (post("/admin/images/add/", 2 * MIB, ADMIN_COOKIE), b"x"),
    "upload": (post("/admin/images/add/", 15 * MIB, ADMIN_COOKIE), b"x"),
}


@pytest.fixture(scope="module")
def seconds_held(server: tuple[str, int]) -> dict[str, float]:
    """Return how long each of DRIPS held its connection. They run concurrently, because each takes seconds."""

    def hold(name: str) -> float:
        begun, drip = DRIPS[name]
        with closing(socket.create_connection(server, timeout=10)) as connection:
            connection.sendall(begun.encode())
            return seconds_until_closed(connection, drip)

    with ThreadPoolExecutor(len(DRIPS)) as at_once:
        return dict(zip(DRIPS, at_once.map(hold, DRIPS), strict=True))


@pytest.mark.parametrize("name", sorted({*DRIPS} - {"upload"}))
def test_slow_sender_is_disconnected(seconds_held: dict[str, float], name: str) -> None:
    assert seconds_held[name] < 4


def test_slow_upload_has_longer_timeout(seconds_held: dict[str, float]) -> None:
    assert 3.5 < seconds_held["upload"] < 8


def test_slow_reader_is_disconnected(server: tuple[str, int]) -> None:
    with ThreadPoolExecutor(2) as at_once:
        taken = list(at_once.map(lambda at_a_time: bytes_taken(server, at_a_time), (0, 1000)))
    assert max(taken) < 32 * MIB


def bytes_taken(server: tuple[str, int], taken_at_once: int) -> int:
    """Request a large response, read it slowly, and return the number of bytes received."""
    with closing(socket.create_connection(server, timeout=10)) as connection:
        connection.sendall(b"GET /large/ HTTP/1.1\r\nHost: x\r\n\r\n")
        taken = 0
        for _ in range(15):
            taken += len(connection.recv(taken_at_once))
            time.sleep(0.3)
        # The server has closed the connection by now: only the data in the kernels' buffers is left to read.
        try:
            while part := connection.recv(MIB):
                taken += len(part)
        except ConnectionResetError:
            pass
        return taken


def test_slow_senders_occupy_no_thread(server: tuple[str, int]) -> None:
    slow = [socket.create_connection(server, timeout=10) for _ in range(5 * shell.THREADS)]
    try:
        for connection in slow:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
        assert "200" in ask(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        # The slow requests are still open, so the response above did not wait for their end.
        slow[0].settimeout(0.1)
        with pytest.raises(TimeoutError):
            slow[0].recv(1)
        slow[0].settimeout(10)
        assert b" 408 " in slow[0].recv(100)
    finally:
        for connection in slow:
            connection.close()


def test_keep_alive_connection_serves_many_requests(server: tuple[str, int]) -> None:
    with closing(http.client.HTTPConnection(*server, timeout=10)) as connection:
        for _ in range(3):
            connection.request("POST", "/", body=b"sana")
            assert connection.getresponse().read() == b"received 4\n"
            # Together the pauses are longer than one request may take.
            time.sleep(0.8)


def test_incomplete_body_is_refused(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=10) as connection:
        connection.sendall(f"{post('/ota-yhteytta/', 100)}half of it".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").readline() == b"HTTP/1.1 400 Bad Request\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        "GET / HTTP/1.1\r\nHost x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n folded: line\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_ambiguous_request_is_refused(server: tuple[str, int], sent: str) -> None:
    status = int(ask(server, sent).split()[1])
    assert 400 <= status < 500 or status == 501


def test_chunked_body_with_length_is_one_request(server: tuple[str, int]) -> None:
    """The bytes after the chunked body must not be processed as a second request (RFC 9112, 6.3)."""
    head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(server, timeout=10) as connection:
        connection.sendall(f"{head}1\r\na\r\n0\r\n\r\nGET /client/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_header_with_underscore_is_ignored(server: tuple[str, int]) -> None:
    with closing(http.client.HTTPConnection(*server, timeout=10)) as connection:
        connection.request("GET", "/client/", headers={"X_Forwarded_For": "192.0.2.1", "X-Real": "a", "X_Real": "b"})
        assert connection.getresponse().read() == b"None a"


def test_stream_is_closed_when_client_disconnects(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=10) as connection:
        connection.sendall(b"GET /stream/ HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(1000)
    wait_for(lambda: "closed" in ask_body(server, "/stream/state/"))


def test_stream_is_complete(server: tuple[str, int]) -> None:
    assert len(ask_body(server, "/stream/")) == 2000 * 16 * 1024


def test_broken_stream_is_an_error_for_client(server: tuple[str, int]) -> None:
    """A truncated export must not look complete."""
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        ask_body(server, "/stream/broken/")
    assert "closed" in ask_body(server, "/stream/state/")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_cut_connection_closes_only_that_one(tmp_path: Path, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((host, 0), family=family))
        pairs = []
        for _ in range(2):
            visitor = stack.enter_context(socket.create_connection(listener.getsockname()[:2], timeout=10))
            pairs.append((visitor, stack.enter_context(listener.accept()[0])))
        (visitor, _ours), (other, ours_of_other) = pairs
        # Other file descriptors that a process may have open.
        stack.enter_context((tmp_path / "log").open("w"))
        for one in socket.socketpair():
            stack.enter_context(one)
        stack.enter_context(socket.socket(family))
        before = os.listdir("/dev/fd")
        for _ in range(3):
            cut_connection(f"{f'[{host}]' if ':' in host else host}:{visitor.getsockname()[1]}")
        assert len(os.listdir("/dev/fd")) == len(before)
        assert visitor.recv(1) == b""
        ours_of_other.sendall(b"x")
        assert other.recv(1) == b"x"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_second_stop_signal_is_ignored() -> None:
    """Supervisor, granian and kernel each send the signal, and a second one can block granian for ever."""
    with (
        running_server(receive_seconds=30) as (address, process),
        socket.create_connection(address, timeout=10) as slow,
    ):
        (worker,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        # An unfinished request keeps the worker running. "100 Continue" shows that it reads the body.
        slow.sendall(post("/ota-yhteytta/", 100, "Expect: 100-continue\r\n").encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 100 ")
        os.kill(int(worker), signal.SIGTERM)

        def ignores_it() -> bool:
            status = Path(f"/proc/{worker}/status").read_text()
            ignored = int(re.search(r"SigIgn:\s*(\w+)", status)[1], 16)  # type: ignore[index]
            return all(ignored >> (number - 1) & 1 for number in (signal.SIGTERM, signal.SIGINT))

        wait_for(ignores_it, seconds=10)
