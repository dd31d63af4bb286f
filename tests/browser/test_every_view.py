"""Checks of every page and state that a visitor can see: status, one main heading, print layout and accessibility (axe,
no clipped or overlapping text, no sideways scrolling, no motion, large enough touch targets).

To stay fast, the tests use fewer sizes and settings than `make audit`. `make screenshots` takes pictures of all views.
A view with a problem is in var/screenshots/index.html.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import ALL_PICTURES, NewPage
from tests.tools.accessibility import USUAL, layout_problems, motion_problems, problems_in, small_target_problems
from tests.tools.public_views import GROUPS, Stage, View
from tests.tools.public_views.pictures import empty_folder, looks, on_paper, take_picture, take_print, write_index
from tests.tools.running_site import ROOT, RunningSite

FOLDER = ROOT / "var" / "screenshots"
# In the other groups the button "Tyhjennä lomake" below a form is smaller; axe checks its minimum of 24 px.
MAIN_TARGETS_IN = ("pages", "opened", "mapping", "refusals")
TARGET_WIDTHS = (320, 390, 1280)


@pytest.mark.parametrize("group", GROUPS)
def test_every_view_has_correct_status_and_accessibility(new_page: NewPage, site: RunningSite, group: str) -> None:
    """`new_page` also fails the test for script errors, blocked sources and third-party requests."""
    problems = []
    page = new_page()
    with Stage(site) as stage:
        for view in stage.views(group):
            own = empty_folder(FOLDER, view)
            page.set_viewport_size({"width": 390, "height": 844})
            page.emulate_media(color_scheme="light", reduced_motion="reduce", forced_colors="none")
            shown = stage.show(view, page)
            if shown.status != view.status:
                problems.append(f"{view.name}: answers {shown.status}, not {view.status}")
            if not shown.html.startswith("<!doctype html>\n"):
                problems.append(f"{view.name}: begins with {shown.html[:40]!r}")
            problems += [f"{view.name}, no motion: {problem}" for problem in motion_problems(page)]
            looked = view_of_place(view, page, own)
            assert looked is not None, f"{view.name}: nothing was looked at."
            problems += looked
            with on_paper(page):
                problems += [f"{view.name}, printed: {problem}" for problem in layout_problems(page)]
                if ALL_PICTURES:
                    take_print(page, own)
        index = write_index(FOLDER, stage.views())
    assert not problems, "\n".join([*problems, f"Pictures: {index}"])


def view_of_place(view: View, page: Page, own: Path) -> list[str] | None:
    """Return the problems of the open view in the usual situations; None if it exists in none of them."""
    problems: list[str] | None = None
    for situation in USUAL:
        if not view.exists_at(situation.width // situation.zoom):
            continue
        found = problems_in(page, situation)
        headings = page.locator("h1").filter(visible=True).count()
        if headings != 1:
            found.append(f"has {headings} main headings")
        if found and not ALL_PICTURES:
            take_picture(page, own, {"width": situation.width, "height": situation.height}, situation.scheme)
        # The text spacing is reset by now, but the window size is not.
        if view.group in MAIN_TARGETS_IN and situation.zoom == 1 and situation.width in TARGET_WIDTHS:
            found += small_target_problems(page)
        problems = (problems or []) + [f"{view.name}, {situation.name}: {problem}" for problem in found]
    if ALL_PICTURES:
        for size, scheme in looks(view):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            take_picture(page, own, size, scheme)
    return problems


def test_every_published_page_is_among_the_views(site: RunningSite) -> None:
    """The list of views is generated from the site, so an incomplete list would weaken the tests above."""
    published = site.run(
        "from wagtail.models import Page\n"
        "print(*(page.get_url() for page in Page.objects.live().public().filter(depth__gt=1)))",
    )
    with Stage(site) as stage:
        shown = {view.path for view in stage.views("pages")}
    assert set(published.split()[-len(shown) :]) == shown
