"""Kept responses: complete with headers, in every encoding, and valid until something changes. Knows no Django."""

import gzip
import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import brotli

Headers = list[tuple[str, str]]

# By preference. "" is the name of the body as it is.
ENCODINGS = ("br", "gzip", "")
_COMPRESSIBLE = (
    "text/",
    "application/json",
    "application/manifest+json",
    "application/javascript",
    "application/xml",
    "image/svg+xml",
)
# A shorter body would hardly become smaller.
_WORTH_COMPRESSING = 200
# A page is compressed by each process after each change: almost as small as the best level, at a tenth of its cost.
_BROTLI_QUALITY = 7
# 2^18 bytes: larger than any page, and a fraction of the memory that the largest window takes.
_BROTLI_WINDOW = 18
# What clients write is remembered up to this length: else a visitor could fill the memory of each process with headers.
LONGEST_REMEMBERED = 1000
# The weight of an encoding that a client does not take (RFC 9110, 12.4.2), in lower case.
_REFUSED = re.compile(r"[ \t]*q=0(?:\.0{0,3})?[ \t]*")
# Made anew for each variant.
_OF_THE_BODY = frozenset(("content-length", "content-encoding", "etag", "vary"))
_NOT_IN_304 = frozenset(("content-type", "content-encoding", "content-length", "content-language"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send. `body` is empty for 304 and HEAD, whose headers name the length of what GET sends."""

    status: int
    headers: Headers
    body: bytes = b""


@dataclass(slots=True)
class Entry:
    """A kept response. It holds while `generation` (None: always) is the current one and from `since` to `until`.

    Both are in seconds since the epoch; `until` itself is too late.
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
        # A clock that was set back has not reached what was rendered.
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
    """Return those of ENCODINGS that the client takes, best first; the body as it is always belongs to them."""
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
    """Return an entry for a page, compressed in every encoding. `headers` are those of a whole response to GET."""
    kept = [(name, value) for name, value in headers if name.lower() not in _OF_THE_BODY]
    # Weak: it stands for the same page in every encoding.
    weak = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    kept += [("etag", weak), ("vary", "accept-encoding")]
    variants = {"": Answer(status, kept, body)}
    content_type = next((value for name, value in kept if name.lower() == "content-type"), "")
    if content_type.startswith(_COMPRESSIBLE) and len(body) >= _WORTH_COMPRESSING:
        variants["gzip"] = Answer(status, [*kept, ("content-encoding", "gzip")], gzip.compress(body, 9, mtime=0))
        compressed = brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY, lgwin=_BROTLI_WINDOW)
        variants["br"] = Answer(status, [*kept, ("content-encoding", "br")], compressed)
    # A 404 has no validator that could hold.
    unchanged = Answer(304, _for_304(kept)) if status == 200 else None
    return Entry(status, variants, etag=weak, not_modified=unchanged, generation=generation, since=since, until=until)


def file_entry(
    *, headers: Sequence[tuple[str, str]], body: bytes, generation: bytes | None, until: float = float("inf")
) -> Entry:
    """Return an entry for a file in the one encoding that `headers` name."""
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
    """Entries by key, limited in number and bytes; what was used longest ago gives way.

    `most_errors` limits the entries with another status than 200, so that nobody can push the pages out with
    addresses that don't exist.
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
        """Keep the entry. Return whether there was room."""
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
        """Return up to `number` entries with status 200, the last used first."""
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
