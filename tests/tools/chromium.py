"""`python -m tests.tools.chromium`: see to it that the browser tests have a Chromium.

Found: nothing to do. Missing on Debian as root: installed with apt-get. Missing elsewhere: says what to install; the
tests are then skipped, but with CI=true it is a failure.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE = "No Chromium for the browser tests. Install one (Debian: apt-get install chromium) or name it in CHROMIUM."


def chromium_path() -> str | None:
    """Return the browser's path: CHROMIUM, else the first known name in PATH, else None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def must_have_browser() -> bool:
    """In CI a missing browser is a failure, not a skip."""
    return os.environ.get("CI", "").lower() == "true"


def _can_install() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def _install() -> None:
    print("Installing Chromium for the browser tests (apt-get) …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", "-qq", *arguments], env=environment, stdin=subprocess.DEVNULL, check=True)


def main() -> int:
    if chromium_path():
        return 0
    if _can_install() and not os.environ.get("CHROMIUM"):
        try:
            _install()
        except subprocess.CalledProcessError as error:
            print(f"apt-get failed with code {error.returncode}.", file=sys.stderr)
        if chromium_path():
            return 0
    print(ADVICE, file=sys.stderr)
    if must_have_browser():
        return 1
    print("The browser tests will be skipped.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
