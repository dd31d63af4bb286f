"""Collect static files when they changed, and only then."""

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command

from aijuu_site.settings.data_folder import touches_sources

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
    if not _manifest().is_file():
        return False
    try:
        return stamp.read_text(encoding="ascii") == fingerprint
    except FileNotFoundError:
        return False


def _manifest() -> Path:
    return Path(settings.STATIC_ROOT) / "staticfiles.json"


def collect_static_files(stamp: Path, fingerprint: str) -> None:
    """Fill STATIC_ROOT anew, then write `fingerprint` into `stamp`: a run that is cut off leaves it empty.

    The folder is emptied first. Raises CommandError for one that was not made here (no stamp), or holds the sources.
    """
    folder = Path(settings.STATIC_ROOT)
    sources = [settings.BASE_DIR, *(Path(source) for source in settings.STATICFILES_DIRS)]
    # A link may have been laid to another folder since.
    is_ours = stamp.exists() and (not folder.is_symlink() or _manifest().is_file())
    is_foreign = folder.is_dir() and any(folder.iterdir()) and not is_ours
    if is_foreign or any(touches_sources(folder, sources=source) for source in sources):
        raise CommandError(f"{folder} holds files that were not made here. Move them away, or set another DATA_DIR.")
    stamp.write_text("", encoding="ascii")
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    draft = stamp.with_name(f".{stamp.name}.new")
    draft.write_text(fingerprint, encoding="ascii")
    os.replace(draft, stamp)
