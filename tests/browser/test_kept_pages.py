"""Pages kept in memory by all web processes of a real site: the next view is up to date, whichever process responds."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.browser.test_pause import put_pause_back
from tests.browser.waits import eventually
from tests.tools.bench.resources import memory_of
from tests.tools.running_site import RunningSite

# Enough new connections for each of two processes to handle some.
VIEWS = 40
# Written without the service functions, since any write must invalidate the pages.
PAUSE = "from home.models import PauseNotice\nPauseNotice.objects.update(active={active})\n"
RENAME = (
    "from home.pages import ContentPage\n"
    "page = ContentPage.objects.get(slug='tietosuoja')\n"
    "page.title = {title!r}\n"
    "page.save_revision().publish()\n"
)
TITLE = "Tietosuoja"
NOTICE = "toistaiseksi tauolla"


def ask(site: RunningSite, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, str]:
    """Send a request on a new connection, which any process may accept."""
    with closing(HTTPConnection("127.0.0.1", site.port, timeout=30)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read().decode(errors="replace")


def views(site: RunningSite, path: str) -> list[str]:
    return [ask(site, path)[1] for _ in range(VIEWS)]


@pytest.fixture
def put_back(site: RunningSite) -> Iterator[None]:
    yield
    put_pause_back(site)
    site.run(RENAME.format(title=TITLE))


def web_processes(site: RunningSite) -> list[int]:
    """Return the processes that respond: the children of the web server."""
    assert site.process is not None

    def children(pid: int) -> list[int]:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    server = [pid for pid in children(site.process.pid) if Path(f"/proc/{pid}/comm").read_text() == "web server\n"]
    return children(server[0])


def test_next_view_after_publishing_is_right(site: RunningSite, put_back: None) -> None:
    assert len(web_processes(site)) >= 2
    assert all(f"<h1>{TITLE}</h1>" in re.sub(r"<h1[^>]*>\s*", "<h1>", page) for page in views(site, "/tietosuoja/"))
    for number in range(5):
        site.run(RENAME.format(title=f"Tietosi {number}"))
        assert all(f"Tietosi {number}" in page for page in views(site, "/tietosuoja/"))
        assert all(f"Tietosi {number}" in page for page in views(site, "/"))


def test_next_view_after_switching_the_pause_is_right(site: RunningSite, put_back: None) -> None:
    for active in (False, True, False, True):
        site.run(PAUSE.format(active=active))
        for path in ("/", "/saavutettavuus/", "/ota-yhteytta/"):
            assert {NOTICE in page for page in views(site, path)} == {active}


def test_kept_page_answers_every_kind_of_request(site: RunningSite) -> None:
    whole, page = ask(site, "/")
    etag = whole.headers["ETag"]
    assert {ask(site, "/")[0].headers["ETag"] for _ in range(VIEWS)} == {etag}
    unchanged, nothing = ask(site, "/", **{"If-None-Match": etag})
    assert (unchanged.status, nothing) == (304, "")
    head, nothing = ask(site, "/", method="HEAD")
    assert (head.status, nothing) == (200, "")
    assert int(head.headers["Content-Length"]) == len(page.encode())
    packed, _ = ask(site, "/", **{"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "br"
    tracked, same = ask(site, "/?utm_source=kirje&fbclid=1")
    assert (tracked.status, same) == (200, page)
    for answer in (whole, unchanged, head, packed):
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers.get_all("Set-Cookie") is None


def test_form_is_never_kept(site: RunningSite) -> None:
    tokens = [re.findall(r'name="form_token" value="([^"]+)"', page) for page in views(site, "/ota-yhteytta/")]
    assert all(len(found) == 1 for found in tokens)
    assert len({found[0] for found in tokens}) == VIEWS


def test_killed_web_process_is_replaced(site: RunningSite) -> None:
    before = web_processes(site)
    os.kill(before[0], signal.SIGKILL)
    after = eventually(lambda: web_processes(site), lambda now: len(now) == len(before) and before[0] not in now)
    assert before[1] in after
    assert all("<h1" in page for page in views(site, "/"))


def test_memory_does_not_grow_with_requests(site: RunningSite) -> None:
    """Requests for kept pages, pages rendered by Django, and URLs that are requested for the first time."""

    def ask_for(number: int, name: str) -> None:
        for one in range(number):
            ask(site, f"/ei-ole-{name}-{one}/" if one % 8 == 0 else ("/ota-yhteytta/" if one % 8 == 1 else "/"))

    ask_for(400, "ensin")
    before = memory_of(site)
    ask_for(2000, "sitten")
    assert memory_of(site) - before < 12, "MiB more"
