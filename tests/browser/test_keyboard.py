"""Keyboard use: Tab reaches everything in visual order, and the focus is always visible."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import DESK, PHONE, NewPage
from tests.browser.visitor import Visitor
from tests.browser.waits import next_document
from tests.tools.accessibility.contrast import Colour, contrast
from tests.tools.public_views import Stage, View
from tests.tools.running_site import RunningSite

MOST_STOPS = 120

# Numbers what Tab should reach: all interactive elements, and one radio button of each group.
_USABLE = """() => {
  const groups = new Set();
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]");
  const usable = [...all].filter((one) => {
    if (one.tabIndex < 0 || one.disabled || one.type === "hidden") return false;
    if (!one.checkVisibility({ visibilityProperty: true })) return false;
    if (one.type !== "radio") return true;
    if (groups.has(one.name)) return false;
    groups.add(one.name);
    return true;
  });
  usable.forEach((one, index) => { one.dataset.stop = index; });
  return usable.length;
}"""
_HERE = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return null;
  const box = one.getBoundingClientRect();
  const [first] = [...one.getClientRects()].sort((a, b) => b.width - a.width);
  const inset = 2;
  const corners = [
    [first.left + inset, first.top + inset], [first.right - inset, first.top + inset],
    [first.left + inset, first.bottom - inset], [first.right - inset, first.bottom - inset],
    [(first.left + first.right) / 2, (first.top + first.bottom) / 2],
  ];
  const hidden = corners.filter(([x, y]) => {
    const top = document.elementFromPoint(x, y);
    return !(top && (one.contains(top) || top.contains(one) || [...(one.labels ?? [])].some((l) => l.contains(top))));
  });
  const groupStop = one.type === "radio"
    ? document.querySelector(`[name="${one.name}"][data-stop]`)?.dataset.stop : one.dataset.stop;
  return {
    stop: groupStop === undefined ? null : Number(groupStop),
    says: `${one.tagName.toLowerCase()}.${one.className} ${(one.innerText || one.name || "").trim().slice(0, 30)}`,
    kind: `${one.tagName}.${one.className}.${one.type ?? ""}`,
    left: box.left, right: box.right, top: box.top, bottom: box.bottom, scrolled: scrollY,
    // Of a tall text area the browser shows only the current line; links in adjacent lines may touch at a corner.
    hidden: one.tagName === "TEXTAREA" ? hidden.length === corners.length : hidden.length > 1,
    inWindow: box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight &&
      (one.tagName === "TEXTAREA" || (box.top >= -1 && box.bottom <= innerHeight + 1)),
  };
}"""

# Moves the focus to the top of the page, since the error summary may have it.
_TO_THE_TOP = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
  scrollTo(0, 0);
}"""


@dataclass(frozen=True, slots=True)
class Stop:
    """A focused element. `number`: its index among the interactive elements. The box is relative to the whole page."""

    number: int | None
    says: str
    kind: str
    left: float
    right: float
    top: float
    bottom: float
    problems: tuple[str, ...]

    @classmethod
    def read(cls, here: dict[str, Any]) -> "Stop":
        problems = []
        if not here["inWindow"]:
            problems.append(f"{here['says']}: is out of the window when it has the focus")
        if here["hidden"]:
            problems.append(f"{here['says']}: is hidden behind something when it has the focus")
        return cls(
            here["stop"],
            here["says"],
            here["kind"],
            here["left"],
            here["right"],
            here["top"] + here["scrolled"],
            here["bottom"] + here["scrolled"],
            tuple(problems),
        )


def picture_of_focus(page: Page, with_focus: bool) -> Image.Image:
    """Return a picture of the focused element and its surroundings, with the focus or while it is removed."""
    box = page.evaluate(
        """(shown) => {
          const one = shown ? document.activeElement : document.querySelector("[data-focus-was]");
          // A choice shows the focus ring around its whole row.
          const box = (one.closest("label") ?? one).getBoundingClientRect();
          return { x: box.left, y: box.top, width: box.width, height: box.height };
        }""",
        with_focus,
    )
    size = page.viewport_size
    assert size
    x, y = max(0, box["x"] - 8), max(0, box["y"] - 8)
    clip = {
        "x": x,
        "y": y,
        "width": min(size["width"] - x, box["width"] + 16),
        "height": min(size["height"] - y, box["height"] + 16),
    }
    return Image.open(io.BytesIO(page.screenshot(clip=clip, caret="hide"))).convert("RGB")  # type: ignore[arg-type]


def _pixels(picture: Image.Image) -> Iterator[Colour]:
    data = iter(picture.tobytes())
    return zip(data, data, data, strict=True)


def focus_contrast_problem(page: Page, stop: Stop) -> list[str]:
    """Return a problem if the focus indicator is too small or too faint (WCAG 2.4.7).

    The threshold is based on 2.4.13: a line of 2 px around the element must change by a contrast of 3:1.
    """
    focused = picture_of_focus(page, True)
    page.evaluate("() => { const one = document.activeElement; one.dataset.focusWas = ''; one.blur(); }")
    plain = picture_of_focus(page, False)
    page.evaluate(
        """() => {
          const one = document.querySelector("[data-focus-was]");
          delete one.dataset.focusWas;
          one.focus({ focusVisible: true, preventScroll: true });
        }"""
    )
    if focused.size != plain.size:
        return [f"{stop.says}: changes its size when the focus comes"]
    box = ImageChops.difference(focused, plain).getbbox()
    if box is None:
        return [f"{stop.says}: looks the same with the focus"]
    before, after = plain.crop(box), focused.crop(box)
    changed = sum(
        1
        for one, other in zip(_pixels(before), _pixels(after), strict=True)
        if one != other and contrast(one, other) >= 3
    )
    # Half of that line is enough: an element at the edge of the window may show its ring on three sides only.
    needed = 2 * (stop.right - stop.left) + 2 * (stop.bottom - stop.top)
    return [] if changed >= needed else [f"{stop.says}: only {changed} px change by 3:1, needs {needed:.0f}"]


def walk(page: Page, looked_at: set[str]) -> list[str]:
    """Press Tab through the whole page and return the problems.

    The focus indicator is checked once for each kind of element; `looked_at` are the kinds checked so far.
    """
    usable = page.evaluate(_USABLE)
    stops: list[Stop] = []
    problems: list[str] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        here = page.evaluate(_HERE)
        if here is None:
            break
        stop = Stop.read(here)
        if stops and stop.number == stops[0].number:
            break
        stops.append(stop)
        problems += stop.problems
        if stop.kind not in looked_at:
            looked_at.add(stop.kind)
            problems += focus_contrast_problem(page, stop)
    numbers = [stop.number for stop in stops]
    if numbers != list(range(usable)):
        missing = [
            page.locator(f"[data-stop='{number}']").evaluate("one => one.outerHTML.slice(0, 120)")
            for number in sorted(set(range(usable)) - set(numbers))
        ]
        problems.append(f"Tab goes through {numbers}, not each of {usable} in their order; never: {missing}")
    # Without the first stop: the skip link covers the page while it has the focus. Elements side by side may differ in
    # height.
    for one, other in pairwise(stops[1:]):
        if other.top < one.top - 12 and other.left < one.right - 12:
            problems.append(f"{other.says} comes after {one.says}, but stands above it")
    return problems


def views_to_walk(stage: Stage) -> list[View]:
    names = (
        "questions-all-open",
        "form-every-error",
        "thanks-paused",
        "mapping-situation-errors",
        "mapping-check",
        "not-found-404",
        "server-error-500",
    )
    return [
        view
        for view in stage.views("pages", "opened", "form", "mapping", "refusals")
        if view.group == "pages" or view.name in names
    ]


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone, light", "desk, dark"])
def test_tab_order_is_visual_with_visible_focus(
    new_page: NewPage, site: RunningSite, size: ViewportSize, scheme: str
) -> None:
    page = new_page(viewport=size, color_scheme=scheme)
    looked_at: set[str] = set()
    problems = []
    with Stage(site) as stage:
        for view in views_to_walk(stage):
            stage.show(view, page)
            page.evaluate(_TO_THE_TOP)
            problems += [f"{view.name}: {problem}" for problem in walk(page, looked_at)]
    assert len(looked_at) > 8, looked_at
    assert not problems, "\n".join(problems)


def test_skip_link_is_first_and_skips_menu(new_page: NewPage, site: RunningSite) -> None:
    page = new_page()
    with Stage(site) as stage:
        for view in stage.views("pages"):
            stage.show(view, page)
            page.keyboard.press("Tab")
            skip = page.locator(":focus")
            expect(skip).to_have_text("Siirry sisältöön")
            expect(skip).to_be_in_viewport(ratio=1)
            page.keyboard.press("Enter")
            expect(page.get_by_role("main")).to_be_focused()
            page.keyboard.press("Tab")
            assert page.evaluate("() => !document.activeElement.closest('header, .breadcrumbs')"), view.name


def test_phone_menu_works_by_keyboard(page: Page) -> None:
    page.goto("/")
    menu = page.locator("header nav details")
    first = menu.get_by_role("link").first
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(first).to_be_visible()
    page.keyboard.press("Space")
    expect(first).to_be_hidden()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    address = first.get_attribute("href")
    assert address
    with next_document(page):
        page.keyboard.press("Enter")
    # On the new page the menu is collapsed and marks the current page.
    expect(first).to_be_hidden()
    expect(menu.locator("[aria-current=page]")).to_have_attribute("href", address)


def test_faq_toggles_by_keyboard_keeping_focus(page: Page) -> None:
    page.goto("/")
    question = page.locator("main details").first
    summary = question.locator("summary")
    summary.focus()
    for key, opened in (("Enter", True), ("Space", False), ("Space", True), ("Enter", False)):
        page.keyboard.press(key)
        expect(question.and_(page.locator("[open]"))).to_have_count(int(opened))
        expect(summary).to_be_focused()


def test_an_error_leads_to_its_field_by_keyboard(page: Page) -> None:
    visitor = Visitor(page)
    visitor.open_form()
    visitor.button.focus()
    page.keyboard.press("Enter")
    expect(visitor.summary).to_be_focused()
    for field in (visitor.name, visitor.email):
        page.keyboard.press("Tab")
        address = page.locator(":focus").get_attribute("href")
        page.keyboard.press("Enter")
        expect(field).to_be_focused()
        expect(field).to_be_in_viewport(ratio=1)
        # The label is not scrolled out of the window.
        expect(page.locator(f"label[for='{(address or '#')[1:]}']")).to_be_in_viewport(ratio=1)
        page.locator(f"[data-summary] a[href='{address}']").focus()
