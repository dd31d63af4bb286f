"""Every page and state that a visitor can meet, walked through. The pictures are in var/screenshots/index.html."""

import pytest

from tests.browser.conftest import NewPage
from tests.tools.accessibility import layout_problems, sideways_problems
from tests.tools.public_views import GROUPS, Stage
from tests.tools.public_views.pictures import empty_folder, looks, on_paper, take_picture, take_print, write_index
from tests.tools.running_site import ROOT, RunningSite

FOLDER = ROOT / "var" / "screenshots"


@pytest.mark.parametrize("group", GROUPS)
def test_every_view_answers_as_it_should_has_one_heading_and_fits_its_window(
    new_page: NewPage, site: RunningSite, group: str
) -> None:
    """`new_page` fails it for a script error, a refused source or a request to somebody else as well."""
    problems = []
    page = new_page()
    with Stage(site) as stage:
        for view in stage.views(group):
            own = empty_folder(FOLDER, view)
            page.emulate_media(color_scheme="light")
            shown = stage.show(view, page)
            if shown.status != view.status:
                problems.append(f"{view.name}: answers {shown.status}, not {view.status}")
            if not shown.html.startswith("<!doctype html>\n"):
                problems.append(f"{view.name}: begins with {shown.html[:40]!r}")
            for size, scheme in looks(view):
                page.set_viewport_size(size)
                page.emulate_media(color_scheme=scheme)
                headings = page.locator("h1").filter(visible=True).count()
                if headings != 1:
                    problems.append(f"{view.name}: has {headings} main headings at {size['width']} px")
                problems += [f"{view.name}: {problem}" for problem in sideways_problems(page)]
                take_picture(page, own, size, scheme)
            with on_paper(page):
                problems += [f"{view.name}, printed: {problem}" for problem in layout_problems(page)]
                take_print(page, own)
        index = write_index(FOLDER, stage.views())
    assert not problems, "\n".join([*problems, f"Pictures: {index}"])


def test_every_published_page_is_among_the_views(site: RunningSite) -> None:
    """The list of views is made from the site; were it to find nothing, the walk above would prove nothing."""
    published = site.manage(
        "shell",
        "-v0",
        "-c",
        "from wagtail.models import Page\n"
        "print(*(page.get_url() for page in Page.objects.live().public().filter(depth__gt=1)))",
    )
    with Stage(site) as stage:
        shown = {view.path for view in stage.views("pages")}
    assert set(published.split()[-len(shown) :]) == shown
