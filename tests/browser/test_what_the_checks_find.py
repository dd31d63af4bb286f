"""Tests of the accessibility checks: each finds its problem on a page with only that one, and none on a good page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.tools.accessibility import Situation, axe_problems, problems_in, sideways_problems
from tests.tools.accessibility.contrast import contrast_problems
from tests.tools.accessibility.situations import (
    forced_colour_problems,
    layout_problems,
    motion_problems,
    situated,
    spacing_problems,
)

WINDOW = Situation(390, 844)
GOOD = """<!doctype html><html lang="fi"><title>Hyvä sivu</title>
<style>body { font: 20px/1.5 sans-serif } a { padding: 4px } .card { overflow: hidden }
.drawing { background: linear-gradient(#fff, #eee) }</style>
<main><h1>Otsikko</h1><div class="card"><p>Tässä on muutama sana <a href="/">ja linkki</a>.</p></div>
<p class="drawing">Sanoja piirroksen päällä.</p><button style="border: 2px solid">Lähetä</button>
<p class="part">Uusi osa päättyy.</p><h2>Väliotsikko</h2><p class="part">Uusi osa alkaa.</p></main></html>"""


@pytest.fixture
def blank(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def with_style(css: str) -> str:
    return GOOD.replace("</style>", f"{css}</style>")


def test_valid_page_has_no_accessibility_problems(blank: Page) -> None:
    blank.set_content(GOOD)
    for situation in (
        WINDOW,
        Situation(320, 640, "dark", spacing=True),
        Situation(1280, 900, zoom=2),
        Situation(390, 844, forced=True),
    ):
        assert problems_in(blank, situation) == []
    assert motion_problems(blank) == []


@pytest.mark.parametrize(
    ("css", "said"),
    [
        (".card { height: 12px }", "cut off in height by div.card"),
        (".card { white-space: nowrap; width: 90px }", "cut off at the side by div.card"),
        (".drawing { width: 40px; white-space: nowrap }", "stands out of p.drawing"),
        (".drawing { margin-top: -45px }", "lie over each other"),
        ("h1 { position: relative; left: -20px }", "goes over the edge"),
        ("h2, .part { margin-block: 4px }", 'h2 with "Väliotsikko" begins right below p.part'),
        (
            "h2 { float: left; width: 60px; overflow: hidden } .part { margin-block: 4px }",
            'p.part with "Väliotsikko" begins',
        ),
        (".drawing { width: 500px }", "in a window of 390 px"),
        ("button { position: relative; top: -110px; left: 150px; width: 200px; height: 90px }", "button"),
    ],
)
def test_a_broken_layout_is_found(blank: Page, css: str, said: str) -> None:
    blank.set_content(with_style(css))
    with situated(blank, WINDOW):
        found = layout_problems(blank)
    assert any(said in problem for problem in found), found


def test_hidden_or_covered_text_is_no_problem(blank: Page) -> None:
    hidden = "h1 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }"
    blank.set_content(with_style(hidden))
    with situated(blank, WINDOW):
        assert layout_problems(blank) == []
    blank.set_content(with_style(".card { position: absolute; top: 5px; background: #fff }"))
    with situated(blank, WINDOW):
        assert layout_problems(blank) == []
    blank.set_content(with_style(".card { position: absolute; top: 20px }"))
    with situated(blank, WINDOW):
        assert layout_problems(blank)


def test_contrast_skips_lines_under_a_long_menu(blank: Page) -> None:
    blank.set_viewport_size({"width": 390, "height": 200})
    under = with_style(".drawing { margin-top: 600px } .card { position: absolute; top: 640px; height: 90px }")
    blank.set_content(under.replace(".card { position", ".card { background: #333; width: 300px; position"))
    assert contrast_problems(blank, [".drawing"]) == []
    blank.set_content(with_style(".drawing { margin-top: 600px; color: #ddd }"))
    assert contrast_problems(blank, [".drawing"])


def test_layout_breaks_by_spacing_or_zoom_found(blank: Page) -> None:
    blank.set_content(with_style(".card { height: 86px; width: 200px }"))
    assert problems_in(blank, WINDOW) == []
    assert problems_in(blank, Situation(390, 844, spacing=True))
    blank.set_content(with_style("@media (max-width: 640px) { h1 { width: 700px } }"))
    assert problems_in(blank, Situation(1280, 900)) == []
    assert problems_in(blank, Situation(1280, 900, zoom=2))
    # After the check the zoom is reset, but the window has the size of the last situation.
    assert sideways_problems(blank) == ["the page is 708 px wide in a window of 640 px"]


def test_page_overriding_text_spacing_is_found(blank: Page) -> None:
    blank.set_content(GOOD.replace('class="drawing"', 'style="letter-spacing: 0 !important" class="drawing"'))
    with situated(blank, Situation(390, 844, spacing=True)):
        assert spacing_problems(blank)


@pytest.mark.parametrize(
    "css",
    [
        "p { transition: color 0.2s }",
        "@keyframes sway { to { opacity: 0.5 } } p::after { content: ''; animation: sway 1s infinite }",
        "html { scroll-behavior: smooth }",
    ],
)
def test_motion_despite_reduced_motion_is_found(blank: Page, css: str) -> None:
    blank.set_content(with_style(css))
    assert motion_problems(blank)
    blank.set_content(with_style(f"@media (prefers-reduced-motion: no-preference) {{ {css} }}"))
    with situated(blank, WINDOW):
        assert motion_problems(blank) == []


def test_borderless_button_found_in_forced_colours(blank: Page) -> None:
    blank.set_content(GOOD.replace("border: 2px solid", "border: 0"))
    with situated(blank, Situation(390, 844, forced=True)):
        assert forced_colour_problems(blank) == ["button.# has no edge in forced colours"]


def test_faint_text_over_drawing_is_found(blank: Page) -> None:
    blank.set_content(with_style(".drawing { color: #888 }"))
    with situated(blank, WINDOW):
        found = axe_problems(blank)
    assert any("contrast" in problem and ".drawing" in problem for problem in found), found
