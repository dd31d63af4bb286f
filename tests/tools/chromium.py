"""`python -m tests.tools.chromium`: make sure that there is a Chromium for the browser tests.

If it is missing, it is installed with apt-get (as root on Debian). Elsewhere the program says what to install; the
tests are then skipped, or with CI=true they fail.

Debian also has a package of Chromium without windows (chromium-headless-shell). It needs a third of the work to open a
page, so the tests use it if it is or can be installed.
"""

import os
import shutil
import sys

from tests.tools.debian import can_install, install

_SHELL = "chromium-headless-shell"
_WHAT_FOR = "the browser tests"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE = "No Chromium for the browser tests. Install one (Debian: apt-get install chromium) or name it in CHROMIUM."


def chromium_path() -> str | None:
    """Return the browser's path: CHROMIUM, else the first known name in PATH, else None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def quick_chromium_path() -> str | None:
    """Return the path of the Chromium without windows; without one, or if CHROMIUM is set, chromium_path()."""
    return chromium_path() if os.environ.get("CHROMIUM") else shutil.which(_SHELL) or chromium_path()


def must_have_browser() -> bool:
    """Return whether a missing browser is a failure: in CI."""
    return os.environ.get("CI", "").lower() == "true"


def main() -> int:
    if can_install() and not os.environ.get("CHROMIUM"):
        missing = [name for name, path in (("chromium", chromium_path()), (_SHELL, shutil.which(_SHELL))) if not path]
        # An older Debian has no chromium-headless-shell; then chromium alone is enough.
        if missing and not install(_WHAT_FOR, *missing) and missing != [_SHELL]:
            install(_WHAT_FOR, "chromium")
    if chromium_path():
        return 0
    print(ADVICE, file=sys.stderr)
    if must_have_browser():
        return 1
    print("The browser tests will be skipped.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
