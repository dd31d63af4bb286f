"""Kept responses: what each request gets from an entry, when an entry expires, and the limits of the store."""

import gzip

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aijuu_site.kept_pages.store import Answer, Entry, Store, accepted_encodings, file_entry, page_entry

GENERATION = b"generatn"
HTML = ("<p>Työnohjaus on tutkimista.</p>" * 50).encode()
HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Length", "9999"),
    ("ETag", '"django"'),
    ("Vary", "Accept-Encoding"),
    ("Content-Encoding", "gzip"),
    ("Content-Security-Policy", "default-src 'none'"),
    ("Cache-Control", "no-cache"),
]


def page(body: bytes = HTML, status: int = 200, until: float = 100.0) -> Entry:
    return page_entry(status=status, headers=HEADERS, body=body, generation=GENERATION, until=until)


def headers_of(answer: Answer) -> dict[str, str]:
    assert len({name.lower() for name, _ in answer.headers}) == len(answer.headers), "a header stands twice"
    return {name.lower(): value for name, value in answer.headers}


@pytest.mark.parametrize(
    ("accepted", "encoding", "unpack"),
    [
        ("gzip, deflate, br", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("GZIP;q=1.0, br;q=0", "gzip", gzip.decompress),
        ("", None, bytes),
        ("identity", None, bytes),
        ("br ; q=0, gzip; q=0.000", None, bytes),
        ("br;\tq=0. ,gzip;q=0.001\t", "gzip", gzip.decompress),
    ],
)
def test_body_has_best_accepted_encoding(accepted: str, encoding: str | None, unpack: type) -> None:
    answer = page().answer(accept_encoding=accepted)
    assert unpack(answer.body) == HTML
    headers = headers_of(answer)
    assert headers.get("content-encoding") == encoding
    assert headers["vary"] == "accept-encoding"
    assert headers["content-security-policy"] == "default-src 'none'"
    assert "content-length" not in headers


def test_head_has_content_length_of_get() -> None:
    entry = page()
    for accepted in ("br", "gzip", ""):
        head = entry.answer(head=True, accept_encoding=accepted)
        got = entry.answer(accept_encoding=accepted)
        assert headers_of(head) == {**headers_of(got), "content-length": str(len(got.body))}


def test_unchanged_page_is_304_in_every_encoding() -> None:
    entry = page()
    etag = headers_of(entry.answer())["etag"]
    for accepted in ("br", "gzip", ""):
        assert headers_of(entry.answer(accept_encoding=accepted))["etag"] == etag
    for sent in (etag, f'"other", {etag}', etag.removeprefix("W/"), "*"):
        answer = entry.answer(if_none_match=sent)
        assert (answer.status, answer.body) == (304, b"")
        assert set(headers_of(answer)) == {"content-security-policy", "cache-control", "etag", "vary"}


@pytest.mark.parametrize("sent", ['"other"', 'W/"other"', "", '""'])
def test_other_etag_gets_the_page(sent: str) -> None:
    assert page().answer(if_none_match=sent, if_modified_since="Thu, 01 Jan 2026 00:00:00 GMT").status == 200


def test_etag_changes_with_the_body() -> None:
    assert headers_of(page().answer())["etag"] == headers_of(page().answer())["etag"]
    assert headers_of(page().answer())["etag"] != headers_of(page(HTML + b"!").answer())["etag"]


def test_missing_page_is_never_304() -> None:
    answer = page(status=404).answer(if_none_match="*")
    assert (answer.status, answer.body) == (404, HTML)


def test_file_keeps_headers_and_validators() -> None:
    modified = "Thu, 01 Jan 2026 00:00:00 GMT"
    headers = [("Content-Type", "text/css"), ("Content-Encoding", "br"), ("Last-Modified", modified)]
    entry = file_entry(headers=headers, body=b"packed", generation=None)
    assert entry.answer() == Answer(200, headers, b"packed")
    assert entry.answer(if_modified_since=modified).status == 304
    assert entry.answer(if_modified_since="Fri, 02 Jan 2026 00:00:00 GMT").status == 200
    # If-None-Match wins over If-Modified-Since (RFC 9110, 13.1.3).
    assert entry.answer(if_modified_since=modified, if_none_match='"other"').status == 200


def test_picture_is_not_compressed_again() -> None:
    entry = page_entry(
        status=200, headers=[("Content-Type", "image/jpeg")], body=HTML, generation=GENERATION, until=1.0
    )
    assert entry.answer(accept_encoding="br").body == HTML


def test_entry_is_valid_for_generation_until_expiry() -> None:
    entry = page_entry(status=200, headers=HEADERS, body=HTML, generation=GENERATION, since=50.0, until=100.0)
    assert entry.holds(generation=GENERATION, now=50.0)
    assert not entry.holds(generation=GENERATION, now=49.999)
    assert entry.holds(generation=GENERATION, now=99.999)
    assert not entry.holds(generation=GENERATION, now=100.0)
    assert not entry.holds(generation=b"the next", now=99.0)
    assert file_entry(headers=[], body=b"", generation=None).holds(generation=b"the next", now=1e12)


@given(st.text(max_size=60))
def test_any_accept_encoding_has_an_answer(sent: str) -> None:
    assert accepted_encodings(sent)[-1] == ""
    assert page().answer(accept_encoding=sent).status == 200


def test_store_drops_least_recently_used() -> None:
    store = Store(most_entries=3)
    for key in ("/a/", "/b/", "/c/"):
        store.put(key, page())
    store.get("/a/")
    store.put("/d/", page())
    assert store.get("/b/") is None
    assert all(store.get(key) for key in ("/a/", "/c/", "/d/"))


def test_404_entries_do_not_evict_pages() -> None:
    store = Store(most_entries=20, most_errors=5)
    store.put("/", page())
    for number in range(100):
        store.put(f"/wp-login-{number}.php", page(status=404))
    assert store.get("/") is not None
    assert store.size[0] == 6
    assert store.get("/wp-login-99.php") is not None


def test_store_counts_bytes() -> None:
    entry = page()
    store = Store(most_bytes=entry.size * 2, largest=entry.size)
    for key in ("/a/", "/b/", "/c/"):
        store.put(key, page())
    assert store.size == (2, entry.size * 2)
    store.put("/b/", page())
    store.drop("/c/")
    store.drop("/never/")
    assert store.size == (1, entry.size)
    assert store.put("/large/", page(HTML * 40)) is False
    assert store.get("/large/") is None


def test_latest_lists_pages_by_last_use() -> None:
    store = Store()
    for key in ("/a/", "/b/", "/c/"):
        store.put(key, page())
    store.put("/missing/", page(status=404))
    store.get("/a/")
    assert [key for key, _ in store.latest(2)] == ["/a/", "/c/"]
