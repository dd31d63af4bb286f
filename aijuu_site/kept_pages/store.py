"""Kept responses: complete with headers, in every encoding, and valid until something changes. Does not use Django."""

import gzip
import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import brotli

Headers = list[tuple[str, str]]

# In order of preference. "" is the uncompressed body.
ENCODINGS = ("br", "gzip", "")
_COMPRESSIBLE = (
    "text/",
    "application/json",
    "application/manifest+json",
    "application/javascript",
    "application/xml",
    "image/svg+xml",
)
# A shorter body would hardly get smaller.
_WORTH_COMPRESSING = 200
# Each process compresses a page after each change. This level is nearly as good as the best, at a tenth of its cost.
_BROTLI_QUALITY = 7
# 2^18 bytes: larger than any page, and much less memory than the largest window takes.
_BROTLI_WINDOW = 18
# Longer paths, queries and headers are not stored: a visitor could fill the memory of each process with them.
LONGEST_REMEMBERED = 1000
# The weight of an encoding that a client does not accept (RFC 9110, 12.4.2), in lower case.
_REFUSED = re.compile(r"[ \t]*q=0(?:\.0{0,3})?[ \t]*")
# Set separately for each variant.
_OF_THE_BODY = frozenset(("content-length", "content-encoding", "etag", "vary"))
_NOT_IN_304 = frozenset(("content-type", "content-encoding", "content-length", "content-language"))


@dataclass(frozen=True, slots=True)
class Answer:
    """A response to send. `body` is empty for 304 and HEAD; the headers of HEAD state the length of GET's body."""

    status: int
    headers: Headers
    body: bytes = b""


@dataclass(slots=True)
class Entry:
    """A kept response. It is valid while `generation` is the current one (None: always), from `since` until `until`.

    Both are in seconds since the epoch; at `until` it is no longer valid.
    """

    status: int
    variants: Mapping[str, Answer]
    etag: str = ""
    last_modified: str = ""
    not_modified: Answer | None = None
    generation: bytes | None = None
    since: float = 0.0
    until: float = float("inf")
    used: int = 0

    @property
    def size(self) -> int:
        return sum(len(answer.body) for answer in self.variants.values())

    def holds(self, *, generation: bytes, now: float) -> bool:
        # After the clock was set back, an entry can lie in the future; it does not hold.
        return (self.generation is None or self.generation == generation) and self.since <= now < self.until

    def answer(
        self, *, head: bool = False, accept_encoding: str = "", if_none_match: str = "", if_modified_since: str = ""
    ) -> Answer:
        """Return the answer for a request with these headers."""
        if self.not_modified is not None and self._is_unchanged(if_none_match, if_modified_since):
            return self.not_modified
        for encoding in accepted_encodings(accept_encoding):
            if (variant := self.variants.get(encoding)) is not None:
                break
        else:
            variant = next(iter(self.variants.values()))
        if not head:
            return variant
        return Answer(variant.status, [*variant.headers, ("content-length", str(len(variant.body)))])

    def _is_unchanged(self, if_none_match: str, if_modified_since: str) -> bool:
        if if_none_match:
            sent = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
            return bool(self.etag) and (if_none_match == "*" or self.etag.removeprefix("W/") in sent)
        return bool(self.last_modified) and if_modified_since == self.last_modified


def accepted_encodings(accept_encoding: str) -> tuple[str, ...]:
    """Return the members of ENCODINGS that the client accepts, best first; the uncompressed body is always one."""
    return _remembered_encodings(accept_encoding) if len(accept_encoding) <= LONGEST_REMEMBERED else ("",)


@lru_cache(maxsize=256)
def _remembered_encodings(accept_encoding: str) -> tuple[str, ...]:
    accepted = set()
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.partition(";")
        if not _REFUSED.fullmatch(weight):
            accepted.add(name.strip())
    return tuple(name for name in ENCODINGS if not name or name in accepted)


def page_entry(
    *,
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    generation: bytes,
    until: float,
    since: float = 0.0,
) -> Entry:
    """Return an entry for a page, compressed in every encoding. `headers` are those of a complete response to GET."""
    kept = [(name, value) for name, value in headers if name.lower() not in _OF_THE_BODY]
    # A weak ETag, because it is the same in every encoding.
    weak = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    kept += [("etag", weak), ("vary", "accept-encoding")]
    variants = {"": Answer(status, kept, body)}
    content_type = next((value for name, value in kept if name.lower() == "content-type"), "")
    if content_type.startswith(_COMPRESSIBLE) and len(body) >= _WORTH_COMPRESSING:
        variants["gzip"] = Answer(status, [*kept, ("content-encoding", "gzip")], gzip.compress(body, 9, mtime=0))
        compressed = brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY, lgwin=_BROTLI_WINDOW)
        variants["br"] = Answer(status, [*kept, ("content-encoding", "br")], compressed)
    # A 404 is never answered with 304.
    unchanged = Answer(304, _for_304(kept)) if status == 200 else None
    return Entry(status, variants, etag=weak, not_modified=unchanged, generation=generation, since=since, until=until)


def file_entry(
    *, headers: Sequence[tuple[str, str]], body: bytes, generation: bytes | None, until: float = float("inf")
) -> Entry:
    """Return an entry for a file in the one encoding that `headers` state."""
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    named = {name.lower(): value for name, value in kept}
    return Entry(
        200,
        {"": Answer(200, kept, body)},
        etag=named.get("etag", ""),
        last_modified=named.get("last-modified", ""),
        not_modified=Answer(304, _for_304(kept)),
        generation=generation,
        until=until,
    )


def _for_304(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name.lower() not in _NOT_IN_304]


@dataclass
class Store:
    """Entries by key, limited in number and bytes. The least recently used one is removed first.

    `most_errors` limits the entries with a status other than 200, so that requests for addresses that don't exist can't
    displace the pages.
    """

    most_entries: int = 400
    most_errors: int = 50
    most_bytes: int = 24 * 1024 * 1024
    largest: int = 1024 * 1024
    _entries: dict[str, Entry] = field(default_factory=dict)
    _bytes: int = 0
    _clock: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str) -> Entry | None:
        """Return the entry, valid or not."""
        entry = self._entries.get(key)
        if entry is not None:
            self._clock += 1
            entry.used = self._clock
        return entry

    def put(self, key: str, entry: Entry) -> bool:
        """Store the entry. Returns False if it is too large."""
        with self._lock:
            self._remove(key)
            if entry.size > self.largest:
                return False
            self._clock += 1
            entry.used = self._clock
            self._entries[key] = entry
            self._bytes += entry.size
            errors = sum(kept.status != 200 for kept in self._entries.values())
            if entry.status != 200 and errors > self.most_errors:
                self._remove(min((k for k, kept in self._entries.items() if kept.status != 200), key=self._last_use))
            while len(self._entries) > self.most_entries or self._bytes > self.most_bytes:
                self._remove(min(self._entries, key=self._last_use))
            return True

    def drop(self, key: str) -> None:
        with self._lock:
            self._remove(key)

    def latest(self, number: int) -> list[tuple[str, Entry]]:
        """Return up to `number` entries with status 200, the most recently used first."""
        with self._lock:
            good = [(key, entry) for key, entry in self._entries.items() if entry.status == 200]
        return sorted(good, key=lambda item: -item[1].used)[:number]

    @property
    def size(self) -> tuple[int, int]:
        """Return the number of entries and their bytes."""
        return len(self._entries), self._bytes

    def _last_use(self, key: str) -> int:
        return self._entries[key].used

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
