"""Debian's packages for the tools here: installed where this machine is a Debian and we are root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def can_install() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install(what_for: str, *packages: str) -> bool:
    """Install Debian packages; False, with apt-get's own words on stderr, where that failed."""
    print(f"Installing for {what_for} (apt-get): {', '.join(packages)} …", flush=True)
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
