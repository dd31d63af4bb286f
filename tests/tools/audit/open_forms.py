"""Every form that a visitor can send, opened and filled in over HTTP, for a program that sends it many times."""

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
# People don't see it; a letter with words there is held suspicious.
_TRAP = "extra_line"


@dataclass(frozen=True)
class OpenForm:
    """A form with words in it that the site takes."""

    name: str
    address: str
    fields: tuple[tuple[str, str], ...]


def open_forms(stage: Stage) -> Iterator[OpenForm]:
    """Yield each while the site is in the condition in which it is taken."""
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
    """Opens pages of a site and sends forms, as a browser does."""

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
        """Send it; return the path to which it leads."""
        body = urlencode(form.fields).encode()
        request = Request(form.address, body, {"Origin": self.site})  # noqa: S310 - our own site on this machine.
        with self._browser.open(request, timeout=30) as page:
            address: str = page.url
        assert address.startswith(self.site), address
        return address.removeprefix(self.site)


def as_typed(fields: Iterable[tuple[str, str]]) -> str:
    """The fields as Wapiti's `--data` takes them: it encodes them itself, so no value may hold what separates them."""
    for name, value in fields:
        assert not set("&=") & set(name + value), name
    return "&".join(f"{name}={value}" for name, value in fields)
