"""Every public form, opened and filled in over HTTP, for the scanner, which sends it many times."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from intake.proof import Answer, fill_in, find_form
from tests.browser.mapping_visitor import BEGIN
from tests.browser.visitor import CONTACT_PAGE
from tests.tools.public_views.conditions import Condition
from tests.tools.public_views.stage import Stage

_FACTS = {
    "name": "Maija Meikäläinen",
    "email": "maija.meikalainen@esimerkki.fi",
    "phone": "050 123 4567",
    "organisation": "Esimerkin päiväkoti",
}
_MESSAGE = "Hei Kati, etsimme työnohjaajaa ensi syksyksi."
# The honeypot field: invisible to people; a form with text in it is suspicious.
_TRAP = "extra_line"


@dataclass(frozen=True)
class OpenForm:
    """An open form with valid input."""

    name: str
    address: str
    fields: tuple[tuple[str, str], ...]


def open_forms(stage: Stage) -> Iterator[OpenForm]:
    """Yield each form while the site is in a condition that accepts it."""
    visitor = _Visitor(stage.url)
    stage.arrange(Condition.PAUSED)
    message = visitor.open("message", CONTACT_PAGE)
    yield message
    facts = visitor.open("mapping, contact facts", BEGIN)
    yield facts
    step = visitor.open("mapping, first questions", visitor.send(facts))
    yield step
    yield visitor.open("mapping, next questions", visitor.send(step))
    stage.arrange(Condition.WAITING_LIST)
    yield visitor.open("waiting list", CONTACT_PAGE)


class _Visitor:
    """Opens pages of the site and sends forms, as a browser does."""

    def __init__(self, site: str) -> None:
        self.site = site
        self._browser: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def open(self, name: str, path: str) -> OpenForm:
        with self._browser.open(self.site + path, timeout=30) as page:
            answer = Answer(page.status, "", page.read().decode())
        form = find_form(answer, path)
        assert form, f"{path} has no form"
        empty = {field for field, value in form.fields if not value.strip() and field != _TRAP}
        words = {field: _FACTS.get(field, _MESSAGE) for field in empty}
        return OpenForm(name, self.site + form.action, tuple(fill_in(form, words)))

    def send(self, form: OpenForm) -> str:
        """Send the form; return the path of the redirect."""
        body = urlencode(form.fields).encode()
        request = Request(form.address, body, {"Origin": self.site})  # noqa: S310 - our own site on this machine.
        with self._browser.open(request, timeout=30) as page:
            address: str = page.url
        assert address.startswith(self.site), address
        return address.removeprefix(self.site)


def as_typed(fields: Iterable[tuple[str, str]]) -> str:
    """Return the fields for Wapiti's `--data`, which encodes them itself, so values may not contain its separators."""
    for name, value in fields:
        assert not set("&=") & set(name + value), name
    return "&".join(f"{name}={value}" for name, value in fields)
