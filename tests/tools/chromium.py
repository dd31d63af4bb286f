"""`python -m tests.tools.chromium`: see to it that the browser tests have a Chromium.

Found: nothing to do. Missing on Debian as root: installed with apt-get. Missing elsewhere: says what to install; the
tests are then skipped, but with CI=true it is a failure.

Debian packs the same Chromium a second time without its windows (chromium-headless-shell). A page opens in it with a
third of the work, so the tests use it where it is or can be installed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_SHELL = "chromium-headless-shell"
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


def _can_install() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def _install(*packages: str) -> bool:
    """Install Debian packages; False, with apt-get's own words on stderr, where that failed."""
    print(f"Installing for the browser tests (apt-get): {', '.join(packages)} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Without a network this should be known soon.
    patience = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=15")
    try:
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            subprocess.run(
                ["apt-get", "-qq", *patience, *arguments], env=environment, stdin=subprocess.DEVNULL, check=True
            )
    except subprocess.CalledProcessError as error:
        print(f"apt-get failed with code {error.returncode}.", file=sys.stderr)
        return False
    return True


def main() -> int:
    if _can_install() and not os.environ.get("CHROMIUM"):
        missing = [name for name, path in (("chromium", chromium_path()), (_SHELL, shutil.which(_SHELL))) if not path]
        # An older Debian has no package of the second kind; the first alone will do.
        if missing and not _install(*missing) and missing != [_SHELL]:
            _install("chromium")
    if chromium_path():
        return 0
    print(ADVICE, file=sys.stderr)
    if must_have_browser():
        return 1
    print("The browser tests will be skipped.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
