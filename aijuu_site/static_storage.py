"""Static files under names with hashes, compressed when they are collected."""

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's, in half its time: most files are stored twice, under their name and under the one with a hash."""

    def create_compressor(self, **options: Any) -> Compressor:
        return _CompressEachContentOnce(**options)


class _CompressEachContentOnce(Compressor):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._made: dict[tuple[str, bytes], bytes] = {}
        # Several threads compress at once, and large files long enough to meet their double.
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
