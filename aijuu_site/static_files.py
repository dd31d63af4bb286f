"""The static files: their storage, their collection at a start, and those that pages of an earlier release request.

    python -m aijuu_site.static_files SOURCE TARGET

deploy/install.sh runs this command before it starts a release, without settings.
"""

import hashlib
import json
import os
import shutil
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.management import CommandError, call_command
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from aijuu_site.settings.data import overlaps_sources

Say = Callable[[str], None]
# Their versions affect the collected files.
_PACKAGES = ("django", "whitenoise", "brotli")


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, twice as fast: most files are stored under two names, but compressed only once."""

    def create_compressor(self, **options: Any) -> Compressor:
        return _CompressEachContentOnce(**options)


class _CompressEachContentOnce(Compressor):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._made: dict[tuple[str, bytes], bytes] = {}
        # Several threads compress at once, and a large file takes long enough for another one to reach its duplicate.
        self._locks: dict[tuple[str, bytes], threading.Lock] = defaultdict(threading.Lock)

    def compress_brotli(self, data: bytes) -> bytes:  # type: ignore[override]
        return self._once("br", data, Compressor.compress_brotli)

    def compress_gzip(self, data: bytes) -> bytes:  # type: ignore[override]
        return self._once("gz", data, Compressor.compress_gzip)

    def _once(self, kind: str, data: bytes, compress: Callable[[bytes], bytes]) -> bytes:
        with self._locks[kind, data]:
            if (kind, data) not in self._made:
                self._made[kind, data] = compress(data)
            return self._made[kind, data]


def keep_files_of_pages(source: Path, target: Path) -> None:
    """Copy into `target` the missing files that pages rendered with the collected files in `source` may request.

    These are the files in the manifest: `source` may also have files of earlier collections, which are not copied.
    Nothing is copied if the collection into `source` was interrupted.
    """
    target.mkdir(parents=True, exist_ok=True)
    manifest = source / "staticfiles.json"
    if not manifest.is_file():
        return
    for name in json.loads(manifest.read_bytes())["paths"].values():
        # Together with its compressed versions.
        for file in (source / f"{name}{ending}" for ending in ("", ".br", ".gz")):
            copy = target / file.relative_to(source)
            if file.is_file() and not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, copy)


def prepare_static_files(say: Say) -> None:
    """Collect static files if they are outdated. A release contains them already (deploy/build.sh)."""
    if settings.STATIC_ROOT == settings.BUILT_STATIC:
        if not _manifest().is_file():
            raise CommandError(f"{settings.STATIC_ROOT} holds no static files: this release was not built to its end.")
        return
    stamp = settings.DATA_DIR / "static.stamp"
    fingerprint = static_fingerprint()
    if not static_files_are_current(stamp, fingerprint):
        say("Collecting and compressing static files (half a minute) …")
        collect_static_files(stamp, fingerprint)


def static_fingerprint() -> str:
    """Return a hash of all static source files and of everything that affects their processing."""
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
    """Return whether STATIC_ROOT was collected from the sources with this fingerprint."""
    if not _manifest().is_file():
        return False
    try:
        return stamp.read_text(encoding="ascii") == fingerprint
    except FileNotFoundError:
        return False


def _manifest() -> Path:
    return Path(settings.STATIC_ROOT) / "staticfiles.json"


def collect_static_files(stamp: Path, fingerprint: str) -> None:
    """Empty and fill STATIC_ROOT, then write `fingerprint` into `stamp`. An interrupted run leaves the stamp empty.

    Files that open pages may still request are kept until the next collection.

    Raises CommandError for a folder that was not created here (no stamp), or that overlaps the sources.
    """
    folder = Path(settings.STATIC_ROOT)
    sources = [settings.BASE_DIR, *(Path(source) for source in settings.STATICFILES_DIRS)]
    # The folder may have become a symbolic link to another one.
    is_ours = stamp.exists() and (not folder.is_symlink() or _manifest().is_file())
    is_foreign = folder.is_dir() and any(folder.iterdir()) and not is_ours
    if is_foreign or any(overlaps_sources(folder, sources=source) for source in sources):
        raise CommandError(f"{folder} holds files that were not made here. Move them away, or set another DATA_DIR.")
    stamp.write_text("", encoding="ascii")
    earlier = folder.with_name(f"{folder.name}.earlier")
    if _manifest().is_file():
        shutil.rmtree(earlier, ignore_errors=True)
        keep_files_of_pages(folder, earlier)
        shutil.copy2(_manifest(), earlier)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    keep_files_of_pages(earlier, folder)
    shutil.rmtree(earlier, ignore_errors=True)
    draft = stamp.with_name(f".{stamp.name}.new")
    draft.write_text(fingerprint, encoding="ascii")
    os.replace(draft, stamp)


def read_static_manifest() -> None:
    """Load the manifest into this process, whose storage was created before another process collected the files."""
    if isinstance(staticfiles_storage, ManifestFilesMixin):
        staticfiles_storage.hashed_files, staticfiles_storage.manifest_hash = staticfiles_storage.load_manifest()


if __name__ == "__main__":
    keep_files_of_pages(Path(sys.argv[1]), Path(sys.argv[2]))
