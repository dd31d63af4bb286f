"""Static files that pages of another release ask for: open in a browser, or kept by a proxy, when the release changed.

    python -m aijuu_site.static_of_pages SOURCE TARGET

deploy/install.sh runs it before it starts a release, without Django.
"""

import json
import shutil
import sys
from pathlib import Path


def keep_files_of_pages(source: Path, target: Path) -> None:
    """Copy the files that pages made with the collected files in `source` name into `target`, where they are missing.

    Only those: what `source` has kept of still earlier ones stays behind. Nothing where it was not made to its end.
    """
    target.mkdir(parents=True, exist_ok=True)
    manifest = source / "staticfiles.json"
    if not manifest.is_file():
        return
    for name in json.loads(manifest.read_bytes())["paths"].values():
        # The compressed ones beside it.
        for file in (source / f"{name}{ending}" for ending in ("", ".br", ".gz")):
            copy = target / file.relative_to(source)
            if file.is_file() and not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, copy)


if __name__ == "__main__":
    keep_files_of_pages(Path(sys.argv[1]), Path(sys.argv[2]))
