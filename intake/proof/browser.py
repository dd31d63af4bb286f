"""A browser for one form: it opens the page over HTTP, fills in the form that it finds there, and sends it."""

import http.client
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from bs4 import BeautifulSoup, Tag
from django.conf import settings

_TIMEOUT_SECONDS = 10
# A page of the site has less.
_LARGEST_PAGE = 2 * 1024 * 1024
# What a form of ours is recognised by (templates/components/form_attributes.html).
_FORM = "form[data-enquiry-form]"


class NoAnswer(Exception):
    """The site did not answer, or not in HTTP."""


class NoForm(Exception):
    """The page has no form, or one that can't be filled in."""


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    text: str


@dataclass(frozen=True)
class FoundForm:
    """A form of a page: where it is sent, and what a browser would send if nothing were typed."""

    action: str
    fields: tuple[tuple[str, str], ...]

    def value(self, name: str) -> str:
        return dict(self.fields).get(name, "")


def ask(path: str, *, fields: Iterable[tuple[str, str]] | None = None) -> Answer:
    """Get `path` of this site, or post `fields` to it, through the door by which the proxy comes. Raises NoAnswer."""
    site = urlsplit(settings.SITE_URL)
    headers = {
        "Host": site.netloc,
        "User-Agent": "Aijuu form proof",
        "Accept": "text/html",
        "Sec-Fetch-Site": "same-origin",
        "X-Forwarded-Proto": site.scheme,
        # As many as there are proxies: the visitor is this machine.
        "X-Forwarded-For": ", ".join(["127.0.0.1"] * max(1, settings.TRUSTED_PROXIES)),
    }
    body = None
    if fields is not None:
        body = urlencode(list(fields))
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": settings.SITE_URL}
    connection = http.client.HTTPConnection(*settings.LOCAL_ADDRESS, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET" if fields is None else "POST", path, body, headers)
        response = connection.getresponse()
        text = response.read(_LARGEST_PAGE).decode("utf-8", "replace")
        return Answer(response.status, response.getheader("Location", ""), text)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer from error
    finally:
        connection.close()


def find_form(page: Answer, path: str) -> FoundForm | None:
    """Return the form of a page that was opened at `path`; None where it has none."""
    form = BeautifulSoup(page.text, "html.parser").select_one(_FORM)
    if form is None:
        return None
    return FoundForm(str(form.get("action") or path), tuple(_filled_in(form)))


def links_of(page: Answer) -> set[str]:
    """Return where the links of a page lead."""
    return {str(link["href"]) for link in BeautifulSoup(page.text, "html.parser").select("a[href]")}


def fill_in(form: FoundForm, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the fields with `words` typed into them. Raises NoForm where the form has no such field."""
    if not words.keys() <= {name for name, _value in form.fields}:
        raise NoForm
    return [(name, words.get(name, value)) for name, value in form.fields]


def _filled_in(form: Tag) -> Iterator[tuple[str, str]]:
    """Yield each field. Where one has to be chosen of several, it is the first."""
    chosen = {str(one["name"]) for one in form.select("input[checked]")}
    for control in form.select("input[name], textarea[name]"):
        name, kind = str(control["name"]), str(control.get("type", "text"))
        if control.name == "textarea":
            yield name, control.get_text()
        elif kind == "radio" or (kind == "checkbox" and len(form.select(f'input[name="{name}"]')) > 1):
            if control.has_attr("checked") or name not in chosen:
                chosen.add(name)
                yield name, str(control["value"])
        elif kind != "checkbox" or control.has_attr("checked"):
            yield name, str(control.get("value", ""))
