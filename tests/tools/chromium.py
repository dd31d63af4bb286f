"""`python -m tests.tools.chromium`: see to it that the browser tests have a Chromium.

Found: nothing to do. Missing on Debian as root: installed with apt-get. Missing elsewhere: says what to install; the
tests are then skipped, but with CI=true it is a failure.

Debian packs the same Chromium a second time without its windows (chromium-headless-shell). A page opens in it with a
third of the work, so the tests use it where it is or can be installed.
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
    """Return the path of the Chromium without windows; `chromium_path()` where there is none or CHROMIUM names one."""
    return chromium_path() if os.environ.get("CHROMIUM") else shutil.which(_SHELL) or chromium_path()


def must_have_browser() -> bool:
    """In CI a missing browser is a failure, not a skip."""
    return os.environ.get("CI", "").lower() == "true"


def main() -> int:
    if can_install() and not os.environ.get("CHROMIUM"):
        missing = [name for name, path in (("chromium", chromium_path()), (_SHELL, shutil.which(_SHELL))) if not path]
        # An older Debian has no package of the second kind; the first alone will do.
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
