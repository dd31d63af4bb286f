"""The palette of the style sheet, and the contrast ratios of its pairs (WCAG 2.2)."""

import re
from dataclasses import dataclass
from pathlib import Path

from django.contrib.staticfiles import finders
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_TOKENS = re.compile(
    r":root\s*\{(?P<light>.*?)\n  \}.*?prefers-color-scheme: dark\) \{\s*:root \{(?P<dark>.*?)\}", re.S
)
_COLOUR = re.compile(r"--([a-z-]+):\s*(#[0-9a-f]{6});")

TEXT_AAA, TEXT_AA, SHAPE = 7.0, 4.5, 3.0


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

    Raises RuntimeError where the style sheet is missing or has another format.
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
