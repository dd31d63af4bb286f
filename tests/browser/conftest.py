"""A real Chromium and the real site. Each xdist worker has a site of its own, copied from one that was started once."""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

from tests.tools.chromium import ADVICE, chromium_path, must_have_browser
from tests.tools.running_site import RunningSite
from tests.tools.smtp_server import Behaviour, SmtpServer

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
_WATCHED = {"stylesheet", "script", "image", "font", "manifest", "media"}

NewPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser. Where there is none: a visible skip, or with CI=true a failure."""
    path = chromium_path()
    if path is None:
        if must_have_browser():
            pytest.fail(ADVICE)
        pytest.skip(ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def started_once(chromium: Browser, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A data folder in which the site was started and stopped: the slow first start happens once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    data_dir = shared / "started-once"
    with (shared / "started-once.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "started-once.done").exists():
            shutil.rmtree(data_dir, ignore_errors=True)
            data_dir.mkdir()
            first = RunningSite(data_dir)
            first.start()
            first.stop()
            (shared / "started-once.done").touch()
    return data_dir


@pytest.fixture(scope="session")
def _session_site(started_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    data_dir = tmp_path_factory.mktemp("site") / "data"
    shutil.copytree(started_once, data_dir)
    with SmtpServer() as smtp:
        site = RunningSite(data_dir, smtp=smtp)
        site.start()
        yield site
        assert site.stop() == 0, "\n".join(site.output)


@pytest.fixture
def site(_session_site: RunningSite) -> Iterator[RunningSite]:
    """The running site: `.url`, `.admin_url`, `.admin_email`, `.admin_password`, `.smtp`, `.manage(…)`.

    It lives as long as the test process: a test that changes content puts it back.
    """
    smtp = _session_site.smtp
    assert smtp is not None
    smtp.behaviour = Behaviour.ACCEPT
    smtp.clear()
    yield _session_site
    smtp.behaviour = Behaviour.ACCEPT


class Watch:
    """What went wrong in a page beside what the test looks at."""

    def __init__(self, site_url: str) -> None:
        self.host = urlsplit(site_url).netloc
        self.problems: list[str] = []

    def attach(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # A refused Content-Security-Policy source shows here. A missing page does too, but a test asks for those.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc != self.host:
            self.problems.append(f"third-party request: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type in _WATCHED:
            self.problems.append(f"{response.status}: {response.url}")


@pytest.fixture
def watch(site: RunningSite) -> Iterator[Watch]:
    """Fails the test at its end for script errors, refused sources, missing files and third-party requests.

    A test that provokes one takes it out: `watch.problems.clear()`.
    """
    watch = Watch(site.url)
    yield watch
    assert not watch.problems, "\n".join(watch.problems)


@pytest.fixture
def new_page(chromium: Browser, site: RunningSite, watch: Watch) -> Iterator[NewPage]:
    """A function that opens a page in a fresh context (no cookies) with Playwright's context options.

    `new_page(viewport=DESK, color_scheme="dark", java_script_enabled=False)`; a phone's size unless told.
    """
    contexts = []

    def open_page(**options: object) -> Page:
        context = chromium.new_context(
            **{"base_url": site.url, "viewport": PHONE, "locale": "fi-FI", "reduced_motion": "reduce", **options}  # type: ignore[arg-type]
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        watch.attach(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page of a phone's size with JavaScript."""
    return new_page()


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def javascript_enabled(request: pytest.FixtureRequest) -> bool:
    """For `new_page(java_script_enabled=javascript_enabled)`: the test runs both ways."""
    return bool(request.param)
