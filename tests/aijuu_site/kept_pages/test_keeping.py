"""Which responses are kept, for which requests and how long, and that they equal Django's responses."""

import re
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse, QueryDict
from django.test import RequestFactory, override_settings
from django.urls import resolve
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import PageViewRestriction

from aijuu_site.kept_pages.generation import shared_generation, watched_tables
from aijuu_site.kept_pages.keeper import LONGEST, Keeper, KeptContent, may_be_kept
from aijuu_site.kept_pages.store import Entry
from aijuu_site.serving.shell import Shell
from aijuu_site.serving.wsgi_call import Response, base_environ
from home.models import PauseNotice
from home.pages import ContentPage, HomePage
from home.pause.rules import CALENDAR, FormMode, PauseState, settings_for_state
from home.seo import PageSitemap
from tests.home.images.test_pictures import picture_in_database
from tests.home.pause.pausing import stored
from tests.tools.sent_headers import SentHeaders

HOST = "testserver"
_TABLE = re.compile(r'(?:FROM|JOIN)\s+"(\w+)"')
# Tables that editors never change.
_ALWAYS_THE_SAME = {"django_content_type"}
_FORM_FIELD = re.compile(rb'name="(form_token|start_token|csrfmiddlewaretoken)"')

pytestmark = pytest.mark.usefixtures("loaded_site")


@dataclass
class Asked:
    """A request without its body, with the attributes that granian provides."""

    path: str = "/"
    method: str = "GET"
    query_string: str = ""
    sent: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> SentHeaders:
        return SentHeaders({"host": HOST, **self.sent})


@pytest.fixture
def keeper() -> Keeper:
    with override_settings(SITE_URL=f"http://{HOST}"):
        return Keeper()


Visit = Callable[..., tuple[Response, Entry | None]]


@pytest.fixture
def visit(keeper: Keeper) -> Iterator[Visit]:
    shell = Shell(get_wsgi_application(), keeper)
    # These signals would close the database connection that the test uses.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)

    def ask(path: str, **headers: str) -> tuple[Response, Entry | None]:
        environ = base_environ(
            method="GET", path=path, query="", scheme="http", client="127.0.0.1:5", server=f"{HOST}:80"
        )
        return shell._call_and_keep(path, {**environ, "HTTP_HOST": HOST, **headers})

    yield ask
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def every_path() -> list[str]:
    sitemap = PageSitemap()
    pages = [sitemap.location(page) for page in sitemap.items()]
    return [*pages, "/sitemap.xml", "/robots.txt", "/manifest.webmanifest", "/ei-tallaista-sivua/"]


def pause_in(state: PauseState, mode: FormMode = FormMode.AS_USUAL) -> None:
    notice = PauseNotice.load()
    notice.settings = settings_for_state(notice.settings, state, timezone.now())
    notice.form_mode = mode
    notice.save()


CONDITIONS = [
    *((state, FormMode.AS_USUAL) for state in PauseState),
    (PauseState.PAUSED, FormMode.WAITING_LIST),
    (PauseState.PAUSED, FormMode.CONTACT_DETAILS),
]


@pytest.mark.parametrize(("state", "mode"), CONDITIONS)
def test_every_page_but_forms_is_kept_and_watched(visit: Visit, state: PauseState, mode: FormMode) -> None:
    pause_in(state, mode)
    kept: dict[str, Entry] = {}
    for path in every_path():
        read: set[str] = set()

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any, read: set[str] = read) -> Any:
            read.update(_TABLE.findall(sql))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            _response, entry = visit(path)
        if entry is None:
            assert path == "/ota-yhteytta/", f"{path} could be kept"
            continue
        kept[path] = entry
        assert read - _ALWAYS_THE_SAME <= watched_tables(), f"{path} shows what no generation is made for"
        assert not _FORM_FIELD.search(entry.answer().body), f"{path} carries a token"
    assert {"/", "/sitemap.xml", "/robots.txt", "/ei-tallaista-sivua/"} <= kept.keys()
    assert kept["/ei-tallaista-sivua/"].status == 404


def test_kept_response_equals_django_response(visit: Visit) -> None:
    for path in every_path():
        response, entry = visit(path)
        if entry is None:
            continue
        kept = entry.answer()
        assert kept.status == response.status
        assert kept.body == response.body
        changed = {"content-length", "etag", "vary", "x-request-id"}
        # The id belongs to the request that was rendered, so it must not be kept for later requests.
        assert "x-request-id" not in {name.lower() for name, _value in kept.headers}
        expected = {(name.lower(), value) for name, value in response.headers if name.lower() not in changed}
        assert {(name.lower(), value) for name, value in kept.headers if name.lower() not in changed} == expected


def test_compressed_response_is_kept_uncompressed(visit: Visit) -> None:
    response, entry = visit("/", HTTP_ACCEPT_ENCODING="gzip")
    assert ("Content-Encoding", "gzip") in response.headers
    assert entry is not None
    assert b"<!doctype html>" in entry.answer().body.lower()


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked(method="HEAD"),
        Asked("/palvelut/"),
        Asked(query_string="utm_source=kirje&utm_medium=mail&fbclid=IwAR0abc"),
        Asked(sent={"if-none-match": '"x"', "accept-encoding": "br", "sec-fetch-site": "cross-site"}),
    ],
)
def test_anonymous_get_may_be_answered_from_memory(keeper: Keeper, asked: Asked) -> None:
    assert keeper.key(asked) == asked.path


@pytest.mark.parametrize(
    "asked",
    [
        Asked(method="POST"),
        Asked(method="OPTIONS"),
        Asked(sent={"cookie": "sessionid=x"}),
        Asked(sent={"cookie": "anything=1"}),
        Asked(sent={"authorization": "Basic eDp5"}),
        Asked(sent={"range": "bytes=0-10"}),
        Asked(sent={"host": "www.testserver"}),
        Asked(sent={"host": "evil.example"}),
        Asked(query_string="sivu=2"),
        Asked(query_string="utm_source=x&sivu=2"),
        Asked(query_string="%75tm_source=x"),
        Asked("/admin/"),
        Asked("/admin/login/"),
        Asked("/jatka/salaisuus/"),
        Asked("/health/live"),
        Asked("/health/ready"),
    ],
)
def test_other_requests_are_passed_to_django(keeper: Keeper, asked: Asked) -> None:
    assert keeper.key(asked) is None


@pytest.mark.parametrize(("proto", "kept"), [("https", True), ("http", False), ("", False)])
def test_only_https_is_kept_behind_https(proto: str, kept: bool) -> None:
    with override_settings(SITE_URL=f"https://{HOST}", SECURE_SSL_REDIRECT=True):
        assert (Keeper().key(Asked(sent={"x-forwarded-proto": proto})) is not None) is kept


def test_private_page_is_not_kept(visit: Visit) -> None:
    page = HomePage.objects.get().add_child(instance=ContentPage(title="Ryhmälle", slug="ryhmalle"))
    assert visit("/ryhmalle/")[1] is not None
    for kind in (PageViewRestriction.PASSWORD, PageViewRestriction.LOGIN):
        PageViewRestriction.objects.all().delete()
        PageViewRestriction.objects.create(page=page, restriction_type=kind, password="kuusi")
        response, entry = visit("/ryhmalle/")
        assert entry is None
        assert b"Ryhm\xc3\xa4lle" not in (response.body or b"").replace(b"<title>Ryhm\xc3\xa4lle", b"")


def test_404_is_not_kept_where_redirect_needs_query(visit: Visit, keeper: Keeper) -> None:
    """Kept responses ignore the query parameters of campaigns, but a redirect may be for a path with such a query."""
    Redirect.add_redirect("/kampanja/?utm_source=kirje", "https://example.fi/")
    Redirect.add_redirect("/kampanja-muu/?utm_source=kirje", "https://example.fi/")
    for path in ("/kampanja/", "/Kampanja/", "/kampanja-muu/"):
        response, entry = visit(path)
        assert (response.status, entry) == (404, None), path
    assert visit("/kampanj/")[1] is not None


def test_response_to_request_with_cookie_is_not_kept(visit: Visit) -> None:
    assert visit("/", HTTP_COOKIE="sessionid=x")[1] is None


@pytest.mark.parametrize(
    "path", ["/health/live", "/.well-known/security.txt", "/favicon.ico", "/admin/login/", "/a%00b"]
)
def test_other_views_are_not_kept(visit: Visit, path: str) -> None:
    assert visit(path)[1] is None


@pytest.mark.parametrize("full", [False, True])
def test_page_holds_until_the_pause_changes(visit: Visit, full: bool) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, datetime.min.time(), tzinfo=CALENDAR)
    stored(active=True, full=full, begins_on=tomorrow)
    _, entry = visit("/")
    assert entry is not None
    latest = (timezone.now() + LONGEST).timestamp()
    assert entry.until <= latest
    assert entry.until <= midnight.timestamp()
    if latest > midnight.timestamp():
        assert entry.until == midnight.timestamp()


def test_page_expires_when_pause_message_does(visit: Visit, time_machine: Any) -> None:
    """The editor's own message is shown after the day of return, until a date in the message is past."""
    midnight = datetime(2027, 2, 15, tzinfo=CALENDAR)
    time_machine.move_to(midnight - timedelta(minutes=1), tick=False)
    stored(active=True, returns_on=midnight.date() - timedelta(days=7), message="<p>Palaan 14.2.2027.</p>")
    response, entry = visit("/")
    assert b"14.2.2027" in (response.body or b"")
    assert entry is not None
    assert entry.until == midnight.timestamp()


def test_page_expires_at_pause_change_during_render(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, time_machine: Any
) -> None:
    """A page whose render began before the pause changes must not be valid after the change."""
    tomorrow = timezone.localdate() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, datetime.min.time(), tzinfo=CALENDAR)
    stored(active=True, begins_on=tomorrow)
    time_machine.move_to(midnight - timedelta(milliseconds=1), tick=True)
    _, entry = visit("/")
    assert entry is not None
    assert entry.until == midnight.timestamp()
    assert not entry.holds(generation=entry.generation or b"", now=(midnight + timedelta(seconds=1)).timestamp())


def test_clock_set_back_invalidates_kept_page(visit: Visit, keeper: Keeper, time_machine: Any) -> None:
    visit("/")
    time_machine.move_to(timezone.now() - timedelta(hours=1))
    assert keeper.valid("/") is None
    visit("/")
    assert keeper.valid("/") is not None


def test_unkept_path_is_forgotten_with_new_generation(visit: Visit, keeper: Keeper) -> None:
    path = "/ota-yhteytta/"
    assert not keeper.is_known_as_unkept(path)
    visit(path)
    assert keeper.is_known_as_unkept(path)
    shared_generation().change()
    assert not keeper.is_known_as_unkept(path)


def test_change_invalidates_kept_page(visit: Visit, keeper: Keeper, django_capture_on_commit_callbacks: Any) -> None:
    visit("/")
    assert keeper.valid("/") is not None
    # The fixtures have registered the hook already, and one per transaction suffices: it would never run in a test.
    connection.run_on_commit.clear()
    with django_capture_on_commit_callbacks(execute=True):
        stored(active=True)
    assert keeper.valid("/") is None
    visit("/")
    assert keeper.valid("/") is not None


def test_picture_file_is_kept_unchanged(visit: Visit) -> None:
    rendition = picture_in_database((60, 40)).get_rendition("fill-30x30")
    response, entry = visit(rendition.url)
    assert response.status == 200
    assert entry is not None
    assert entry.answer(accept_encoding="br, gzip").body == response.body
    assert visit("/media/images/nope.jpg")[1] is None


def test_file_of_a_removed_picture_is_not_kept_again(visit: Visit) -> None:
    """The commit invalidates the kept file, but the file itself is deleted only after the commit."""
    rendition = picture_in_database((60, 40)).get_rendition("fill-30x30")
    assert visit(rendition.url)[1] is not None
    rendition.delete()
    response, entry = visit(rendition.url)
    assert (response.status, entry) == (200, None)


def test_long_headers_are_not_remembered(visit: Visit, keeper: Keeper) -> None:
    """What the keeper remembers of requests must be limited in bytes as well, since it is never cleared."""
    visit("/")
    tracemalloc.start()
    try:
        for number in range(300):
            long = f"{number}".zfill(50_000)
            asked = Asked(query_string=f"utm_source={long}", sent={"accept-encoding": f"br, {long}"})
            keeper.key(asked)
            entry = keeper.valid("/")
            assert entry is not None
            entry.answer(accept_encoding=asked.headers.get("accept-encoding", ""))
            # A redirect to the address with a slash is an uncacheable response.
            if (key := keeper.key(Asked(f"/{long}"))) is not None:
                keeper.keep(key, Response(301, [], b""), [], keeper.generation)
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("proxies", [1, 0])
def test_expiry_header_is_sent_only_to_proxy(visit: Visit, proxies: int, time_machine: Any) -> None:
    """The header names the current second: nginx keeps the response until the end of the second that is named."""
    with override_settings(SITE_URL=f"http://{HOST}", TRUSTED_PROXIES=proxies):
        keeper = Keeper()
    response = visit("/")[0]
    offer = KeptContent(response.body, since=0.0, until=2_000_000_000.0)
    kept = keeper.keep("/", response, [offer], keeper.generation)
    assert kept is not None
    assert "x-accel-expires" not in dict(kept.answer().headers)
    time_machine.move_to(1_999_999_999.99, tick=False)
    assert keeper.for_proxies(kept) == ([("x-accel-expires", "@1999999999")] if proxies else [])
    time_machine.move_to(2_000_000_000, tick=False)
    assert keeper.for_proxies(kept) == []
    time_machine.move_to(1_999_999_999, tick=False)
    shared_generation().change()
    assert keeper.for_proxies(kept) == []


def _public() -> tuple[HttpRequest, HttpResponse]:
    """Return a request and a response that may be kept."""
    request, response = RequestFactory().get("/"), HttpResponse("page")
    request.resolver_match = resolve("/")
    response["Cache-Control"] = "no-cache"
    return request, response


def test_ordinary_page_may_be_kept() -> None:
    assert may_be_kept(*_public())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda request, response: response.set_cookie("csrftoken", "x"),
        lambda request, response: request.COOKIES.update(sessionid="x"),
        lambda request, response: response.__setitem__("Vary", "Accept-Encoding, Cookie"),
        lambda request, response: response.__setitem__("Cache-Control", "private, no-cache"),
        lambda request, response: response.__setitem__("Cache-Control", "no-store"),
        lambda request, response: setattr(request, "_csp_nonce", "r4nd0m"),
        lambda request, response: setattr(request, "method", "POST"),
        lambda request, response: setattr(request, "GET", QueryDict("sivu=2")),
        lambda request, response: setattr(request, "resolver_match", resolve("/health/live")),
        lambda request, response: setattr(request, "resolver_match", None),
        lambda request, response: setattr(response, "status_code", 302),
        lambda request, response: setattr(response, "status_code", 500),
    ],
)
def test_response_for_one_visitor_is_not_kept(spoil: Callable[[HttpRequest, HttpResponse], None]) -> None:
    request, response = _public()
    spoil(request, response)
    assert not may_be_kept(request, response)


def test_response_that_sets_a_cookie_is_not_kept(visit: Visit, keeper: Keeper) -> None:
    """A cookie that is set after the decision to keep the page prevents keeping too."""
    response = visit("/")[0]
    keeper.store.drop("/")
    with_cookie = replace(response, headers=[*response.headers, ("Set-Cookie", "a=1")])
    offer = KeptContent(response.body, since=0.0, until=1e12)
    assert keeper.keep("/", with_cookie, [offer], keeper.generation) is None
    assert keeper.valid("/") is None
