"""Collect static files when they changed, and only then."""

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

# They decide what the collected files look like.
_PACKAGES = ("django", "whitenoise", "brotli")


def static_fingerprint() -> str:
    """Return a hash of every static source's name and content, and of what processes them."""
    digest = hashlib.sha256()
    recipe = [settings.STATIC_URL, settings.STORAGES["staticfiles"], [version(package) for package in _PACKAGES]]
    digest.update(json.dumps(recipe, sort_keys=True, default=str).encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda item: str(item[0])):
            prefix = getattr(storage, "prefix", None) or ""
            with storage.open(path) as source:
                content = hashlib.sha256(source.read()).hexdigest()
            digest.update(f"{prefix}/{path}\0{content}\n".encode())
    return digest.hexdigest()


def static_files_are_current(stamp: Path, fingerprint: str) -> bool:
    """Tell whether STATIC_ROOT holds what `fingerprint` describes."""
    if not (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file():
        return False
    try:
        return stamp.read_text(encoding="ascii") == fingerprint
    except FileNotFoundError:
        return False


def collect_static_files(stamp: Path, fingerprint: str) -> None:
    """Fill STATIC_ROOT anew, then write `stamp`: a run that is cut off leaves none and is repeated."""
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    draft = stamp.with_name(f".{stamp.name}.new")
    draft.write_text(fingerprint, encoding="ascii")
    os.replace(draft, stamp)
