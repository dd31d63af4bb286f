"""The style guide: every component in every state, rendered with the templates of the pages, and the palette.

In the admin's help menu, for every user of the admin. The contrast ratios of the palette's pairs are those of WCAG 2.2.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from wagtail import hooks
from wagtail.admin import menu
from wagtail.models import Site

from aijuu_site.style_guide_examples import (
    LONG_TEXT,
    LONG_WORD,
    block_examples,
    contact_form_with_errors,
    example_forms,
    few_details,
    full_details,
    long_details,
    waiting_form,
)
from home.menus import MenuItem
from home.pages import HomePage, ServicePage
from home.pause.rules import FormMode, PauseSettings, PauseState, calendar_day, settings_for_state
from home.pause.wording import PauseStatus, PauseWords, pause_status

_TOKENS = re.compile(
    r":root\s*\{(?P<light>.*?)\n  \}.*?prefers-color-scheme: dark\) \{\s*:root \{(?P<dark>.*?)\}", re.S
)
_COLOUR = re.compile(r"--([a-z-]+):\s*(#[0-9a-f]{6});")

TEXT_AAA, TEXT_AA, SHAPE = 7.0, 4.5, 3.0
SIZES = ("h1", "h2", "h3", "lead", "body", "small", "number")
SPACES = ("s1", "s2", "s3", "s4", "s5", "s6")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two adjacent colours, their use, and the minimum contrast ratio."""

    front: str
    back: str
    use: str | Promise
    least: float


@dataclass(frozen=True, slots=True)
class Meeting:
    """A pair in one colour scheme, with its colours and contrast ratio."""

    pair: Pair
    front: str
    back: str
    ratio: float

    @property
    def is_enough(self) -> bool:
        return self.ratio >= self.pair.least


@dataclass(frozen=True, slots=True)
class Scheme:
    """The light or dark colour scheme: {"paper": "#fbf7f0", …} and its pairs."""

    name: str | Promise
    colours: dict[str, str]
    meetings: list[Meeting]


PAIRS = (
    Pair("ink", "paper", _("running text"), TEXT_AAA),
    Pair("ink", "sheet", _("text in fields and on the contact card"), TEXT_AAA),
    Pair("ink", "mist", _("text on quiet surfaces, the pause notice"), TEXT_AAA),
    Pair("ink", "rowan-wash", _("the summary of errors"), TEXT_AAA),
    Pair("ink-soft", "paper", _("help, captions"), TEXT_AA),
    Pair("ink-soft", "mist", _("labels of facts"), TEXT_AA),
    Pair("ink-soft", "sheet", _("labels of the contact card"), TEXT_AA),
    Pair("spruce", "paper", _("links"), TEXT_AA),
    Pair("spruce", "mist", _("links and figures on quiet surfaces"), TEXT_AA),
    Pair("spruce", "sheet", _("links on the contact card"), TEXT_AA),
    Pair("on-spruce", "spruce", _("text of buttons"), TEXT_AA),
    Pair("on-spruce", "spruce-deep", _("text of a button under the pointer"), TEXT_AA),
    Pair("rowan", "paper", _("error messages, edge of the pause"), TEXT_AA),
    Pair("rowan", "rowan-wash", _("links of the error summary"), TEXT_AA),
    Pair("on-deep", "deep", _("text of the footer"), TEXT_AAA),
    Pair("on-deep-link", "deep", _("links of the footer"), TEXT_AA),
    Pair("line", "paper", _("edges of fields"), SHAPE),
    Pair("line", "sheet", _("edges of fields"), SHAPE),
    Pair("ring-line", "paper", _("focus: the line on paper"), SHAPE),
    Pair("ring-line", "sheet", _("focus: the line on a sheet"), SHAPE),
    Pair("ring-line", "mist", _("focus: the line on quiet surfaces"), SHAPE),
    Pair("ring-line", "ring-gap", _("focus: the line beside its gap"), SHAPE),
    Pair("sun", "deep", _("focus: the sun on the footer"), SHAPE),
)


def style_sheet_colours() -> tuple[dict[str, str], dict[str, str]]:
    """Return the light and dark colours in css/site.css. The dark scheme inherits colours that it does not set.

    Raises RuntimeError if the style sheet is missing or has another format.
    """
    found = finders.find("css/site.css")
    match = _TOKENS.search(Path(str(found)).read_text(encoding="utf-8")) if found else None
    if match is None:
        raise RuntimeError("css/site.css has no colours that the style guide can read")
    light = dict(_COLOUR.findall(match["light"]))
    return light, light | dict(_COLOUR.findall(match["dark"]))


def schemes() -> list[Scheme]:
    """Return the light and the dark scheme with the contrast ratio of every pair."""
    light, dark = style_sheet_colours()
    return [_scheme(_("Light"), light), _scheme(_("Dark"), dark)]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio (1–21, WCAG 2.2) of two colours given as #rrggbb."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _scheme(name: str | Promise, colours: dict[str, str]) -> Scheme:
    meetings = []
    for pair in PAIRS:
        front, back = colours[pair.front], colours[pair.back]
        meetings.append(Meeting(pair, front, back, contrast(front, back)))
    return Scheme(name, colours, meetings)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


@never_cache
@require_safe
def style_guide(request: HttpRequest) -> HttpResponse:
    """Show every component. Example objects are never saved; images and contact details are those of the site."""
    return TemplateResponse(
        request,
        "style_guide/guide.html",
        {
            "schemes": schemes(),
            "sizes": SIZES,
            "spaces": SPACES,
            "surfaces": ("paper", "sheet", "mist", "deep"),
            "pauses": _pauses(),
            "waiting_list": _with_waiting_list(),
            "short_menu": _menu("Yksilötyönohjaus", "Ryhmätyönohjaus", "Työyhteisön työnohjaus"),
            "long_menu": _menu(
                "Yksilötyönohjaus",
                "Ryhmätyönohjaus",
                "Työyhteisön työnohjaus",
                "Ohjaajana Kati",
                "Näin työnohjaus etenee",
                "Kysymyksiä ja vastauksia",
                LONG_WORD,
            ),
            "trail": _menu("Etusivu", "Ryhmätyönohjaus", "Ryhmän tavoitteet"),
            "openings": _openings(request),
            "heroes": _heroes(request),
            "contacts": [(_("All facts filled"), full_details()), (_("Few facts filled"), few_details()),
                         (_("Very long facts"), long_details())],
            "blocks": block_examples(),
            "forms": example_forms(),
            "returned_form": contact_form_with_errors(),
            "waiting_form": waiting_form(),
            "progress": [(1, _("The first step")), (2, _("On the way")), (4, _("The last step"))],
            "answers": _answers(),
            "typed": [{"label": _("Message"), "text": f"{LONG_TEXT}\n\n{LONG_WORD}"}, {"label": "", "text": LONG_TEXT}],
            "long_text": LONG_TEXT,
            "long_word": LONG_WORD,
        },
    )  # fmt: skip


def _pauses() -> list[tuple[str | Promise, PauseStatus]]:
    """Return the notice in every state, and with a very long wording."""
    now = timezone.now()
    today = calendar_day(now)
    ahead = PauseSettings(active=True, returns_on=today + timedelta(days=60))
    own = PauseWords(paused=f"<p>{(LONG_TEXT + ' ') * 4}</p>")

    def shown(state: PauseState, settings: PauseSettings = ahead, words: PauseWords | None = None) -> PauseStatus:
        in_that_state = settings_for_state(settings, state, now)
        return pause_status(in_that_state, words=words, facebook_url=full_details().facebook_url, now=now)

    return [
        (_("Open: nothing is shown"), shown(PauseState.OPEN)),
        (_("No free times"), shown(PauseState.FULL, replace(ahead, active=False))),
        (
            _("No free times, and a pause has been announced"),
            shown(PauseState.FULL, replace(ahead, begins_on=today + timedelta(days=7))),
        ),
        (_("A pause has been announced"), shown(PauseState.UPCOMING)),
        (_("Paused until further notice"), shown(PauseState.PAUSED, replace(ahead, returns_on=None))),
        (_("Paused, with the day of return"), shown(PauseState.PAUSED)),
        (_("The day of return has come: the notice stays without it"), shown(PauseState.OVERDUE)),
        (_("Returned"), shown(PauseState.RESUMED)),
        (_("Own wording of six hundred characters"), shown(PauseState.PAUSED, words=own)),
    ]


def _with_waiting_list() -> PauseStatus:
    """Return a pause with the longest label of the contact buttons."""
    settings = PauseSettings(active=True, form_mode=FormMode.WAITING_LIST)
    return pause_status(settings, now=timezone.now())


def _menu(*titles: str) -> list[MenuItem]:
    """Return a menu whose last page is the current one."""
    return [MenuItem(title, "#", is_current=title == titles[-1]) for title in titles]


def _heroes(request: HttpRequest) -> list[tuple[str | Promise, HomePage]]:
    site = Site.find_for_request(request)
    front = site.root_page.specific if site is not None else None
    heroes: list[tuple[str | Promise, HomePage]] = [
        (_("Without a picture"), HomePage(title="Aijuu työnohjaus", lead=f"<p>{LONG_TEXT}</p>"))
    ]
    if isinstance(front, HomePage):
        heroes.insert(0, (_("As on the front page now"), front))
    return heroes


def _openings(request: HttpRequest) -> list[tuple[str | Promise, ServicePage]]:
    pictured = ServicePage.objects.live().public().exclude(image=None).first()
    openings: list[tuple[str | Promise, ServicePage]] = [
        (_("Without a picture"), ServicePage(title="Ryhmätyönohjaus", intro=f"<p>{LONG_TEXT}</p>")),
        (_("A heading of forty letters"), ServicePage(title=LONG_WORD, intro=f"<p>{LONG_TEXT}</p>")),
    ]
    if pictured is not None:
        openings.insert(0, (_("With a picture"), pictured))
        openings.append(
            (_("A heading of forty letters with a picture"),
             ServicePage(title=LONG_WORD, intro=f"<p>{LONG_TEXT}</p>", image=pictured.image))
        )  # fmt: skip
    return openings


def _answers() -> list[dict[str, object]]:
    return [
        {
            "title": "Sinä ja työsi",
            "change_url": "#",
            "answers": [
                {"label": "Nimesi", "value": "Maija Meikäläinen"},
                {"label": "Kuinka hyvin jaksat työssäsi? (0–10)", "value": 7},
                {"label": "Puhelinnumero", "value": ""},
            ],
        },
        {
            "title": "Toiveet",
            "change_name": "step",
            "change_value": "2",
            "answers": [
                {"label": "Missä tapaisimme?", "lines": ["Verkossa", "Porissa"]},
                {"label": "Mitä toivot?", "value": f"{LONG_TEXT}\n\n{LONG_WORD}{LONG_WORD}"},
            ],
        },
    ]


@hooks.register("register_admin_urls")
def style_guide_url() -> list[URLPattern]:
    # Wagtail requires access to the admin for these URLs.
    return [path("tyyliopas/", style_guide, name="style_guide")]


@hooks.register("register_help_menu_item")
def style_guide_item() -> menu.MenuItem:
    return menu.MenuItem(_("Style guide"), reverse("style_guide"), name="style-guide", icon_name="view", order=200)
