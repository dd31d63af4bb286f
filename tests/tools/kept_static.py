"""A cache of the collected static files between test runs: collecting them takes half a minute."""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tools.running_site import ROOT


@contextmanager
def static_files_kept(folder: Path, data_dir: Path) -> Iterator[None]:
    """Copy the static files that an earlier run collected with the same program into a new site's data folder.

    Afterwards store the site's files for the next run. If their sources have changed, the site itself collects them
    again.
    """
    digest = hashlib.sha256()
    for path in sorted((ROOT / "aijuu_site").rglob("*.py")):
        digest.update(path.read_bytes())
    kept = folder / digest.hexdigest()[:16]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            shutil.copytree(kept, data_dir, dirs_exist_ok=True)
        yield
        stamp = kept / "static.stamp"
        if not (stamp.exists() and stamp.read_bytes() == (data_dir / stamp.name).read_bytes()):
            for of_before in folder.iterdir():
                shutil.rmtree(of_before, ignore_errors=True)
            draft = folder / "unfinished"
            shutil.copytree(data_dir / "static", draft / "static")
            shutil.copy(data_dir / stamp.name, draft)
            draft.rename(kept)
