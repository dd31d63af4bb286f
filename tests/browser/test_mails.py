"""Each mail, rendered as in a mail program: readable, accessible and not wider than the window, in light and dark.

var/mails/ gets the plain texts and screenshots: with `make screenshots` of all mails, else of those with a problem.
"""

import shutil

from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import ALL_PICTURES, SCHEMES, NewPage
from tests.tools.accessibility import axe_problems, sideways_problems
from tests.tools.mails import rendered_mails
from tests.tools.running_site import ROOT, RunningSite

FOLDER = ROOT / "var" / "mails"
SIZES: tuple[ViewportSize, ...] = (
    {"width": 320, "height": 640},
    {"width": 390, "height": 844},
    {"width": 640, "height": 800},
)


def test_mails_are_accessible_in_both_schemes(new_page: NewPage, site: RunningSite) -> None:
    mails = rendered_mails(site)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    problems = []
    page = new_page()
    for name, mail in mails.items():
        (FOLDER / f"{name}.txt").write_text(f"{mail.subject}\n\n{mail.text}", encoding="utf-8")
        page.set_content(mail.html)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            problems += [f"{name}, {scheme}: {problem}" for problem in _problems(page, f"{name} {scheme}")]
    assert not problems, "\n".join(problems)


def test_mails_are_readable_without_style_block(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(color_scheme="dark")
    head, _style, rest = rendered_mails(site)["waiting_confirmation"].html.partition("<style>")
    page.set_content(head + rest.partition("</style>")[2])
    assert page.locator("a.button__link").evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(31, 92, 87)"
    assert not _axe_problems(page)


def _problems(page: Page, name: str) -> list[str]:
    found = []
    for size in SIZES:
        page.set_viewport_size(size)
        found += [f"{size['width']} px: {problem}" for problem in sideways_problems(page)]
    found += _axe_problems(page)
    if found or ALL_PICTURES:
        for size in SIZES:
            page.set_viewport_size(size)
            page.screenshot(path=FOLDER / f"{name} {size['width']}.png", full_page=True, scale="css")
    return found


def _axe_problems(page: Page) -> list[str]:
    """Return axe's findings without its landmark rules: a mail is shown as a part of another page."""
    return [problem for problem in axe_problems(page) if not problem.startswith(("region", "landmark-one-main"))]
