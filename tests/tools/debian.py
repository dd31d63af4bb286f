"""Installation of Debian packages for the tools, as root on Debian."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def can_install() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install(what_for: str, *packages: str) -> bool:
    """Install Debian packages. Return whether it succeeded; if not, apt-get's messages are on stderr."""
    print(f"Installing for {what_for} (apt-get): {', '.join(packages)} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Short time limits, to fail quickly without a network.
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
