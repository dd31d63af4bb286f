"""Situations in which pages are checked: sizes, colour schemes, zoom, text spacing, forced colours, reduced motion."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, ViewportSize

Scheme = Literal["light", "dark"]

_LAYOUT = (Path(__file__).parent / "layout.js").read_text(encoding="utf-8").rstrip().rstrip(";")

# WCAG 2.2, 1.4.12 Text Spacing: a page must work with all of these at once. The style sheet is created by a script, as
# users' tools do; the page's Content-Security-Policy does not block it.
_SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
    p { margin-block-end: 2em !important }
  `);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
# WCAG 2.2, 1.4.4 Resize Text: text of twice the size in the same window.
_LARGE_LETTERS = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("html { font-size: 200% !important }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
_NO_OWN_SHEET = "() => { document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1); }"
_SPACED_TOO_LITTLE = """() => [...document.querySelectorAll("main *")].filter((one) => {
  const style = getComputedStyle(one);
  return parseFloat(style.letterSpacing) < 0.119 * parseFloat(style.fontSize) || style.letterSpacing === "normal";
}).map((one) => `${one.tagName.toLowerCase()}.${one.className} keeps its own spacing of letters`)"""

_MOVING = """() => {
  const seconds = (times) => Math.max(...times.split(",").map(parseFloat));
  const problems = document.getAnimations().map((one) => `${one.animationName ?? one.transitionProperty} is moving`);
  for (const element of document.querySelectorAll("*")) {
    for (const part of [null, "::before", "::after"]) {
      const style = getComputedStyle(element, part);
      // Computed durations are always in seconds.
      const named = `${element.tagName.toLowerCase()}.${element.className}`;
      if (seconds(style.transitionDuration) > 0.01) problems.push(`${named} has a transition`);
      if (style.animationName !== "none") problems.push(`${named} has an animation`);
    }
  }
  const { scrollBehavior } = getComputedStyle(document.documentElement);
  if (scrollBehavior === "smooth") problems.push("the page scrolls smoothly");
  return [...new Set(problems)];
}"""

_SHAPELESS = """() => [...document.querySelectorAll("button, .button, input, textarea, select")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.type !== "hidden")
  .filter((one) => {
    const style = getComputedStyle(one);
    const native = /^(radio|checkbox)$/.test(one.type) && style.appearance === "auto";
    return !native && (style.borderTopStyle === "none" || parseFloat(style.borderTopWidth) < 1);
  })
  .map((one) => `${one.tagName.toLowerCase()}.${one.className}#${one.id} has no edge in forced colours`)"""

# The main touch targets must be 44 px (WCAG 2.5.5); axe checks 24 px for all others (2.5.8).
_MAIN_TARGETS = (
    ".button, button, .site-name, .site-menu a, summary, .contact-lines a, form label:has(input), "
    "input:not([type=radio], [type=checkbox], [type=hidden]), textarea, select"
)
_TOO_SMALL = """([selector, least]) => [...document.querySelectorAll(selector)]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest("[aria-hidden=true]"))
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width < least || box.height < least)
  .map(([one, box]) => `${one.outerHTML.slice(0, 90)} is ${box.width.toFixed(1)} × ${box.height.toFixed(1)}`)"""


@dataclass(frozen=True, slots=True)
class Situation:
    """One combination of settings.

    `zoom` 2: a window of `width` at 200 %; `large_letters`: only the text is enlarged, in the same window; `axe`:
    whether axe runs, too.
    """

    width: int
    height: int
    scheme: Scheme = "light"
    zoom: int = 1
    spacing: bool = False
    large_letters: bool = False
    forced: bool = False
    axe: bool = True

    @property
    def name(self) -> str:
        extra = [f"zoom {self.zoom}00 %"] * (self.zoom > 1) + ["spacing"] * self.spacing + ["forced"] * self.forced
        extra += ["large letters"] * self.large_letters
        return " ".join([str(self.width), "forced colours" if self.forced else self.scheme, *extra[: 2 - self.forced]])


_SIZES = ((320, 640), (390, 844), (768, 1024), (1280, 900))
_SCHEMES: tuple[Scheme, ...] = ("light", "dark")

# Used by the audit: all sizes and schemes, zoom, text spacing, large text, forced colours.
EVERY: tuple[Situation, ...] = (
    *(Situation(width, height, scheme) for width, height in _SIZES for scheme in _SCHEMES),
    *(Situation(width, height, spacing=True, axe=False) for width, height in _SIZES),
    *(Situation(width, height, scheme, zoom=2) for width, height in ((780, 844), (1280, 900)) for scheme in _SCHEMES),
    Situation(1280, 900, zoom=2, spacing=True, axe=False),
    Situation(1280, 900, zoom=4, axe=False),
    *(Situation(width, height, large_letters=True, axe=False) for width, height in _SIZES),
    Situation(390, 844, forced=True, axe=False),
    Situation(1280, 900, forced=True, axe=False),
)
# Used by the tests.
USUAL: tuple[Situation, ...] = (
    Situation(390, 844, "dark"),
    Situation(1280, 900, "light"),
    Situation(768, 1024, axe=False),
    Situation(320, 640, spacing=True, axe=False),
    Situation(320, 640, large_letters=True, axe=False),
    Situation(1280, 900, spacing=True, axe=False),
    Situation(1280, 900, zoom=2, axe=False),
    Situation(390, 844, forced=True, axe=False),
)


@contextmanager
def situated(page: Page, situation: Situation) -> Iterator[None]:
    """Put the open page into this situation. Afterwards spacing and zoom are reset; size and colours are not."""
    page.emulate_media(
        color_scheme=situation.scheme,
        reduced_motion="reduce",
        forced_colors="active" if situation.forced else "none",
    )
    metrics: ViewportSize = {
        "width": situation.width // situation.zoom,
        "height": situation.height // situation.zoom,
    }
    browser = page.context.new_cdp_session(page) if situation.zoom > 1 else None
    if browser:
        browser.send(
            "Emulation.setDeviceMetricsOverride", {**metrics, "deviceScaleFactor": situation.zoom, "mobile": False}
        )
    else:
        page.set_viewport_size(metrics)
    if situation.spacing:
        page.evaluate(_SPACING)
    if situation.large_letters:
        page.evaluate(_LARGE_LETTERS)
    try:
        yield
    finally:
        for _sheet in range(situation.spacing + situation.large_letters):
            page.evaluate(_NO_OWN_SHEET)
        if browser:
            browser.detach()
            # Playwright ignores a size equal to the one that it set last, so set another one first.
            if page.viewport_size == metrics:
                page.set_viewport_size({**metrics, "width": metrics["width"] + 1})
            page.set_viewport_size(metrics)


def sideways_problems(page: Page) -> list[str]:
    """Return a problem if the page is wider than its window, so that it scrolls sideways (WCAG 1.4.10)."""
    width, window = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return [f"the page is {width} px wide in a window of {window} px"] if width > window else []


def layout_problems(page: Page) -> list[str]:
    """Return text that is cut off, outside its box, over other text or beyond the edge (WCAG 1.4.4, 1.4.10, 1.4.12)."""
    found: list[str] = page.evaluate(_LAYOUT)
    return sideways_problems(page) + found


def motion_problems(page: Page) -> list[str]:
    """Return the elements with motion despite prefers-reduced-motion."""
    found: list[str] = page.evaluate(_MOVING)
    return found


def forced_colour_problems(page: Page) -> list[str]:
    """Return the buttons and fields without a border: with forced colours their shape is invisible."""
    found: list[str] = page.evaluate(_SHAPELESS)
    return found


def small_target_problems(page: Page) -> list[str]:
    """Return the main touch targets that are too small in the current window."""
    found: list[str] = page.evaluate(_TOO_SMALL, [_MAIN_TARGETS, 44])
    return found


def spacing_problems(page: Page) -> list[str]:
    """Return the places that ignore the text spacing, where the other checks would prove nothing."""
    found: list[str] = page.evaluate(_SPACED_TOO_LITTLE)
    return found
