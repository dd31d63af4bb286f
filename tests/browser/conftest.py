"""Fixtures with a real Chromium and a real site. Each xdist worker has its own site, copied from one started before."""

import fcntl
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from functools import partialmethod
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    Response,
    StorageState,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.browser.katis_desk import KatisDesk
from tests.browser.people import EDITOR, MAKE_PEOPLE, SUPERVISOR, Account, sign_in
from tests.browser.tabs import Tabs
from tests.browser.waits import SECONDS
from tests.tools.chromium import ADVICE, must_have_browser, quick_chromium_path
from tests.tools.kept_static import static_files_kept
from tests.tools.running_site import RunningSite
from tests.tools.smtp_server import Behaviour, SmtpServer

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
# Set by `make screenshots`. Otherwise screenshots are taken only of views with a problem.
ALL_PICTURES = bool(os.environ.get("ALL_SCREENSHOTS"))
_WATCHED = {"stylesheet", "script", "image", "font", "manifest", "media"}

# Playwright's click waits for the document that it opens, but only if the browser announces it in time; a busy machine
# does not. With no_wait_after it never waits, so a test that reads or leaves a page too early fails every time.
Locator.click = partialmethod(Locator.click, no_wait_after=True)  # type: ignore[assignment,method-assign]
expect.set_options(timeout=SECONDS * 1000)

NewPage = Callable[..., Page]
SignedIn = Callable[[Account], StorageState]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the text of the open pages and the last output of the site to a failure, since it may not be reproducible."""
    report = yield
    used = getattr(item, "funcargs", {})
    if report.failed and call.when == "call" and "_tabs" in used:
        report.sections += [(f"Page at {address}", shown) for address, shown in used["_tabs"].shown()]
        report.sections.append(("The site said last", "\n".join(used["site"].output[-40:])))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """End the editors' automatic saves before any fixture puts content back."""
    tabs: Tabs | None = getattr(item, "funcargs", {}).get("_tabs")
    if tabs is not None:
        tabs.finish_saves()


@pytest.fixture(scope="session")
def chromium(_prepared: Path) -> Iterator[Browser]:
    """The browser. If there is none, the tests are skipped, or with CI=true they fail.

    Depends on `_prepared`, because Django can't migrate while Playwright's event loop runs.
    """
    path = quick_chromium_path()
    if path is None:
        if must_have_browser():
            pytest.fail(ADVICE)
        pytest.skip(ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def started_once(
    request: pytest.FixtureRequest,
    chromium: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
) -> Path:
    """A data folder in which the site was started and stopped, so that the slow first start runs once for all workers.

    Before the start, the folder only contains static files collected by an earlier run, if there are any.
    """
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    data_dir = shared / "started-once"
    with (shared / "started-once.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "started-once.done").exists():
            shutil.rmtree(data_dir, ignore_errors=True)
            data_dir.mkdir()
            with static_files_kept(request.config.cache.mkdir("static"), data_dir):
                first = RunningSite(data_dir)
                first.start()
                first.run(MAKE_PEOPLE)
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
    """The running site: `.url`, `.admin_url`, `.admin_email`, `.admin_password`, `.smtp`, `.run(…)`.

    It lives as long as the test process, so a test that changes content has to restore it.
    """
    smtp = _session_site.smtp
    assert smtp is not None
    smtp.behaviour = Behaviour.ACCEPT
    yield _session_site
    smtp.behaviour = Behaviour.ACCEPT


class Watch:
    """Collects problems in a page that the test itself does not check."""

    def __init__(self, site_url: str) -> None:
        self.hosts = {urlsplit(site_url).netloc}
        self.problems: list[str] = []

    @property
    def events(self) -> dict[str, Callable[..., None]]:
        """The handler of each Playwright page event."""
        return {
            "console": self._console,
            "pageerror": self._script_error,
            "request": self._request,
            "response": self._response,
        }

    def attach(self, page: Page) -> None:
        for name, handle in self.events.items():
            page.on(name, handle)  # type: ignore[call-overload]

    def _script_error(self, error: Error) -> None:
        self.problems.append(f"script error: {error}")

    def _console(self, message: ConsoleMessage) -> None:
        # Includes sources refused by the Content-Security-Policy. Failed requests for pages are expected in some tests.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc not in self.hosts:
            self.problems.append(f"third-party request: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type in _WATCHED:
            self.problems.append(f"{response.status}: {response.url}")


@pytest.fixture
def watch(site: RunningSite) -> Iterator[Watch]:
    """Fails the test at its end for script errors, refused sources, missing files and third-party requests.

    A test that provokes one removes it: `watch.problems.clear()`.
    """
    watch = Watch(site.url)
    yield watch
    assert not watch.problems, "\n".join(watch.problems)


@pytest.fixture(scope="session")
def _signed_in(chromium: Browser, _session_site: RunningSite) -> SignedIn:
    """Return the storage state of a signed-in account. Each account signs in once per test process."""
    kept: dict[str, StorageState] = {}

    def of(account: Account) -> StorageState:
        if account.email not in kept:
            context = chromium.new_context(base_url=_session_site.url)
            page = context.new_page()
            page.goto("/admin/")
            sign_in(page, account)
            page.wait_for_url(_session_site.admin_url)
            kept[account.email] = context.storage_state()
            context.close()
        return kept[account.email]

    return of


@pytest.fixture(scope="session")
def _tabs(chromium: Browser, _session_site: RunningSite) -> Iterator[Tabs]:
    tabs = Tabs(chromium, _session_site.url)
    yield tabs
    tabs.close()


@pytest.fixture
def new_page(_tabs: Tabs, site: RunningSite, watch: Watch) -> Iterator[NewPage]:
    """A function that opens a page without cookies. It takes Playwright's options for a context.

    `new_page(viewport=DESK, color_scheme="dark", java_script_enabled=False)`; the default viewport is a phone's.
    """

    def open_page(**options: object) -> Page:
        return _tabs.take({"viewport": PHONE, **options}, watch.events)

    yield open_page
    _tabs.give_back()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page with a phone's viewport and JavaScript."""
    return new_page()


@pytest.fixture
def kati_signed_in(_signed_in: SignedIn) -> StorageState:
    """For `new_page(storage_state=kati_signed_in)`: Kati, signed in, with only the permissions of her group."""
    return _signed_in(SUPERVISOR)


@pytest.fixture
def desk(new_page: NewPage, kati_signed_in: StorageState) -> KatisDesk:
    """The admin on a desktop computer, with Kati signed in."""
    return KatisDesk(new_page(viewport=DESK, storage_state=kati_signed_in))


@pytest.fixture
def editor(new_page: NewPage, _signed_in: SignedIn) -> Page:
    """The admin on a desktop computer, with a user signed in who may only edit pages."""
    return new_page(viewport=DESK, storage_state=_signed_in(EDITOR))


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def javascript_enabled(request: pytest.FixtureRequest) -> bool:
    """For `new_page(java_script_enabled=javascript_enabled)`: the test runs with and without it."""
    return bool(request.param)
