"""Helpers: a visitor who reads a form from the response and posts it as a browser would."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from bs4 import BeautifulSoup, Tag
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from intake.submission import new_form_token

ADDRESS = "/ota-yhteytta/"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}

Letter = dict[str, str | list[str]]
_FORM = re.compile(r"<form\b[^>]*\sdata-enquiry-form\b.*?</form>", re.DOTALL)


def letter(**changes: str | list[str]) -> Letter:
    """Return a valid form with every field filled, except for `changes`."""
    return {
        "name": "Maija Meikäläinen",
        "email": "maija.meikalainen@esimerkki.fi",
        "phone": "050 123 4567",
        "organisation": "Porin perhekeskus",
        "supervision_form": "group",
        "delivery_modes": ["online", "pori_premises"],
        "preferred_contact": "phone",
        "message": "Hei Kati,\n\ntyöryhmämme kaipaa tilaa ajatella yhdessä.",
        "extra_line": "",
        **changes,
    }


def token(*, opened: timedelta = timedelta(minutes=5)) -> str:
    """Return the token of a form that was `opened` this long ago."""
    return new_form_token(timezone.now() - opened)


@dataclass(frozen=True)
class ShownForm:
    """A page with a form, and what a person or a screen reader finds on it."""

    markup: str

    @classmethod
    def of(cls, response: Any) -> "ShownForm":
        return cls(response.content.decode())

    @cached_property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.markup, "html.parser")

    @property
    def title(self) -> str:
        assert self.soup.title is not None
        return self.soup.title.get_text(strip=True)

    @property
    def values(self) -> Letter:
        """What a browser would post for the unchanged form."""
        sent: Letter = {}
        for control in self._form.find_all(["input", "textarea"]):
            name, kind = str(control.get("name", "")), control.get("type")
            if not name or (kind in ("radio", "checkbox") and not control.has_attr("checked")):
                continue
            if control.name == "textarea":
                # The line break right after the tag belongs to the markup (HTML, "textarea").
                sent[name] = control.get_text().removeprefix("\n")
            elif kind == "checkbox":
                chosen = sent.setdefault(name, [])
                assert isinstance(chosen, list)
                chosen.append(str(control["value"]))
            else:
                sent[name] = str(control.get("value", ""))
        return sent

    @property
    def words(self) -> Letter:
        """The values without the fields that the site signed."""
        return {name: value for name, value in self.values.items() if name not in ("form_token", "shown")}

    @property
    def notice(self) -> str:
        """The summary's notice about the whole form; "" without one."""
        notice = self.soup.find(id="summary-notice")
        return notice.get_text(" ", strip=True) if notice else ""

    @property
    def notice_words(self) -> str:
        """The text of the notice, including the typed text that it returns."""
        notice = self.soup.select_one("[aria-labelledby=summary-notice]")
        return " ".join(notice.get_text(" ").split()) if notice else ""

    @property
    def summary(self) -> list[tuple[str, str]]:
        """The links of the summary: (address, words)."""
        links = self.soup.select("[data-summary] a")
        return [(str(link["href"]), link.get_text(strip=True)) for link in links]

    def errors(self, name: str) -> list[str]:
        """The messages beside one field, without the ”Virhe:” that screen readers hear first."""
        place = self.soup.find(id=f"id_{name}_error")
        return [_without_prefix(line) for line in place.find_all("p")] if isinstance(place, Tag) else []

    def element(self, identity: str) -> Tag:
        """The element with this id; an AssertionError where there is none."""
        found = self.soup.find(id=identity)
        assert isinstance(found, Tag), identity
        return found

    @property
    def _form(self) -> Tag:
        # Only the form is parsed: the whole page takes longer, and many tests just send the form.
        [markup] = _FORM.findall(self.markup)
        form = BeautifulSoup(markup, "html.parser").form
        assert isinstance(form, Tag)
        return form


def _without_prefix(line: Tag) -> str:
    return line.get_text(" ", strip=True).removeprefix("Virhe:").strip()


@dataclass
class Visitor:
    """One browser on one network address."""

    network_address: str = "198.51.100.7"
    headers: Mapping[str, str] = field(default_factory=lambda: dict(OWN_PAGE))
    client: Client = field(default_factory=Client)

    def opens(self) -> ShownForm:
        return ShownForm.of(self.client.get(ADDRESS, REMOTE_ADDR=self.network_address))

    def sends(
        self,
        words: Mapping[str, str | Sequence[str]] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> HttpResponse:
        """Post a letter, with the token of a form opened five minutes ago unless `words` have their own."""
        fields = {"form_token": token(), **(letter() if words is None else words)}
        response: HttpResponse = self.client.post(  # type: ignore[assignment]
            ADDRESS,
            fields,
            REMOTE_ADDR=self.network_address,
            headers=dict(self.headers if headers is None else headers),
            **extra,
        )
        return response


def page_text(response: Any) -> str:
    """Return the text of a page with single spaces."""
    soup = BeautifulSoup(response.content.decode(), "html.parser")
    return " ".join(soup.get_text(" ").split())
