"""The shell between granian and Django: concurrent requests share one render, and each gets its own response."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import override_settings

from aijuu_site.kept_pages.keeper import OFFER, Keeper, KeptContent
from aijuu_site.serving import shell as shell_module
from aijuu_site.serving.shell import Shell
from tests.tools.sent_headers import SentHeaders

HOST = "www.aijuu-koe.fi"
PAGE = b"<p>Kati</p>"

pytestmark = pytest.mark.once


@dataclass
class Scope:
    path: str = "/"
    method: str = "GET"
    query_string: str = ""
    sent: dict[str, str] = field(default_factory=dict)
    scheme: str = "http"
    client: str = "127.0.0.1:50000"
    server: str = f"{HOST}:80"
    http_version: str = "1.1"

    @property
    def headers(self) -> SentHeaders:
        return SentHeaders({"host": HOST, **self.sent})


@dataclass
class Protocol:
    """Records the response, in place of granian's protocol object."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    # The body of the request.
    sent: bytes = b""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers, self.body = status, headers, b""

    def __aiter__(self) -> "Protocol":
        return self

    async def __anext__(self) -> bytes:
        if not self.sent:
            raise StopAsyncIteration
        sent, self.sent = self.sent, b""
        return sent


class Whole(list[bytes]):
    def close(self) -> None:
        """Do nothing: no resource is open."""


class Application:
    """A WSGI application that takes 0.1 s for a page, and offers it for keeping if `keeps`."""

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self.calls: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            self.calls.append(dict(environ))
            number = len(self.calls)
        time.sleep(0.1)
        if environ["PATH_INFO"] == "/broken/":
            raise RuntimeError("a fault of the server's own")
        body = PAGE if self.keeps else f"{number}".encode()
        if self.keeps and OFFER in environ:
            environ[OFFER].append(KeptContent(body, time.time(), time.time() + 60))
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
        return Whole([body])


def answers(application: Application, *scopes: Scope) -> list[Protocol]:
    """Send all requests concurrently and return their recorded responses."""
    with override_settings(SITE_URL=f"http://{HOST}"):
        shell = Shell(application, Keeper())

    async def ask_all() -> list[Protocol]:
        protocols = [Protocol() for _ in scopes]
        await asyncio.gather(*(shell.__rsgi__(*pair) for pair in zip(scopes, protocols, strict=True)))  # type: ignore[arg-type]
        return protocols

    return asyncio.run(ask_all())


def test_concurrent_requests_share_one_render() -> None:
    application = Application(keeps=True)
    got = answers(application, *(Scope() for _ in range(30)), Scope("/toinen/"))
    assert sorted(call["PATH_INFO"] for call in application.calls) == ["/", "/toinen/"]
    assert {(one.status, one.body) for one in got} == {(200, PAGE)}


def test_kept_page_starts_with_expiry_header_for_proxy() -> None:
    """The response that was just rendered has it too. An uncacheable response does not."""
    with override_settings(TRUSTED_PROXIES=1):
        for sent in answers(Application(keeps=True), Scope(), Scope(), Scope(method="HEAD")):
            assert sent.headers[0][0] == "x-accel-expires"
        [sent] = answers(Application(keeps=False), Scope())
    assert "x-accel-expires" not in dict(sent.headers)


def test_unkept_page_is_rendered_per_visitor() -> None:
    application = Application(keeps=False)
    got = answers(application, *(Scope() for _ in range(10)))
    assert sorted(int(one.body or b"") for one in got) == list(range(1, 11))


def test_known_unkept_page_renders_concurrently() -> None:
    """Once a page is known as unkept, later requests for it don't wait for a first render."""
    application = Application(keeps=False)
    with override_settings(SITE_URL=f"http://{HOST}"):
        shell = Shell(application, Keeper())

    async def ask_twice() -> list[bool]:
        await shell.__rsgi__(Scope(), Protocol())  # type: ignore[arg-type]
        tasks = [asyncio.create_task(shell.__rsgi__(Scope(), Protocol())) for _ in range(4)]  # type: ignore[arg-type]
        while len(application.calls) < 5:
            assert not any(task.done() for task in tasks)
            await asyncio.sleep(0.005)
        await asyncio.gather(*tasks)
        return [OFFER in call for call in application.calls]

    assert asyncio.run(ask_twice()) == [True, False, False, False, False]


def test_rendering_request_gets_own_response() -> None:
    """The whole page is rendered for keeping, even if the first request is a HEAD or conditional."""
    for scope, status, body in (
        (Scope(method="HEAD"), 200, b""),
        (Scope(sent={"if-none-match": "*"}), 304, b""),
        (Scope(query_string="utm_source=kirje"), 200, PAGE),
    ):
        application = Application(keeps=True)
        (got,) = answers(application, scope)
        assert (got.status, got.body) == (status, body)
        (call,) = application.calls
        assert call["REQUEST_METHOD"] == "GET"
        assert call["QUERY_STRING"] == ""
        assert "HTTP_IF_NONE_MATCH" not in call


def test_head_of_unkept_page_has_no_body() -> None:
    (got,) = answers(Application(keeps=False), Scope(method="HEAD"))
    assert (got.status, got.body) == (200, b"")
    assert ("Content-Length", "1") in got.headers


def test_private_request_is_passed_on_unchanged() -> None:
    application = Application(keeps=True)
    sent = {"cookie": "sessionid=x", "if-none-match": '"x"', "x-forwarded-for": "192.0.2.1"}
    answers(application, Scope("/admin/ä b/", query_string="a=%C3%A4&utm_source=x", sent=sent, client="[::1]:5"))
    (call,) = application.calls
    assert OFFER not in call
    assert call["HTTP_COOKIE"] == "sessionid=x"
    assert call["HTTP_IF_NONE_MATCH"] == '"x"'
    assert call["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"
    assert call["PATH_INFO"].encode("latin-1").decode() == "/admin/ä b/"
    assert call["QUERY_STRING"] == "a=%C3%A4&utm_source=x"
    assert call["REMOTE_ADDR"] == "::1"


def test_failed_render_does_not_block_waiting_requests(caplog: pytest.LogCaptureFixture) -> None:
    got = answers(Application(keeps=True), *(Scope("/broken/") for _ in range(3)))
    assert [one.status for one in got] == [500] * 3
    page = (got[0].body or b"").decode()
    assert "<h1>" in page
    assert "RuntimeError" not in page
    assert "The server failed" in caplog.text


def test_busy_server_returns_typed_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_module, "THREAD_SECONDS", 0.2)
    database_answers = threading.Event()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        called.append(environ["PATH_INFO"])
        database_answers.wait(30)
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "2")])
        return Whole([b"ok"])

    called: list[str] = []
    words = b"message=Tarvitsemme+tilaa+ajatella."
    form = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(words))}
    letter, refused, waiting = Scope("/kirje/", "POST", sent=form), Protocol(sent=words), Protocol()
    with override_settings(SITE_URL=f"http://{HOST}"):
        shell = Shell(application, Keeper())

        async def ask_all() -> None:
            busy = [
                asyncio.create_task(shell.__rsgi__(Scope(f"/{number}/", "POST"), waiting))  # type: ignore[arg-type]
                for number in range(shell_module.THREADS)
            ]
            await asyncio.sleep(0)
            await shell.__rsgi__(letter, refused)  # type: ignore[arg-type]
            database_answers.set()
            await asyncio.gather(*busy)

        asyncio.run(ask_all())
    assert refused.status == 503
    assert "Tarvitsemme tilaa ajatella." in (refused.body or b"").decode()
    assert ("Cache-Control", "no-store") in refused.headers
    assert (waiting.status, waiting.body) == (200, b"ok")
    # The application was not called for the refused post.
    assert "/kirje/" not in called
