"""`make sbom`: the packages of the site as a CycloneDX bill of materials, in var/sbom.json.

uv writes it from a temporary lock file, generated from the versions in requirements.txt. It is not kept, since the
project contains no lock file with the URLs of a registry.
"""

import json
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "var" / "sbom.json"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pinned_versions() -> dict[str, str]:
    """Return the locked version of each package of the site."""
    return dict(_PINNED.findall((ROOT / "requirements.txt").read_text()))


def main() -> int:
    uv = Path(sys.executable).with_name("uv")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = pinned_versions()
    constraints = [f"{name}=={version}" for name, version in pinned.items()]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text(
            f"[project]\nname = {json.dumps(project['name'])}\nversion = {json.dumps(project['version'])}\n"
            f'requires-python = ">={platform.python_version()}"\n'
            f"dependencies = {json.dumps(project['dependencies'])}\n"
            f"[tool.uv]\nconstraint-dependencies = {json.dumps(constraints)}\n"
        )
        for command in (["lock", "--quiet"], ["export", "--quiet", "--format", "cyclonedx1.5", "--frozen"]):
            done = subprocess.run([uv, *command, "--project", folder], capture_output=True, text=True, check=False)
            if done.returncode:
                sys.stderr.write(done.stderr)
                return done.returncode
    bill = json.loads(done.stdout)
    found = {part["name"]: part["version"] for part in bill["components"]}
    different = {name for name, version in pinned.items() if found.get(name) != version}
    if different:
        sys.stderr.write(f"Not as locked in requirements.txt: {', '.join(sorted(different))}\n")
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(done.stdout)
    print(f"{TARGET.relative_to(ROOT)}: {len(found)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
