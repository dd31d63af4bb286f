"""Start a site as `make run` does, with an empty data folder, measure it and print all figures.

The exit status is 0 if all targets are met, else 1.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.tools.audit.accessibility import audit_accessibility
from tests.tools.audit.budgets import SIZES, new_section, weigh_into
from tests.tools.audit.html_checker import audit_sources
from tests.tools.audit.html_validate import audit_markup
from tests.tools.audit.lighthouse import Target, audit_pages
from tests.tools.audit.programs import install
from tests.tools.audit.scanner import audit_with_scanner
from tests.tools.audit.section import Section, as_text, verdicts
from tests.tools.chromium import ADVICE, chromium_path, quick_chromium_path
from tests.tools.mails import rendered_mails
from tests.tools.public_views import Condition, Shown, Stage, View
from tests.tools.running_site import ROOT, RunningSite

STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
DRAWINGS = sorted([*(ROOT / "static" / "img").rglob("*.svg"), *(ROOT / "home" / "content" / "images").glob("*.svg")])
# Prefix of the names of thank-you pages, whose URLs are new each time.
_THANKS = "thanks"


def audit_views(browser: Browser, page: Page, stage: Stage) -> tuple[list[Section], list[Target]]:
    """Check the HTML of every view, and measure it if a URL opens it. Return the sections, and Lighthouse's pages."""
    weights, html, wrong, targets = new_section(), {}, [], []
    for view in stage.views():
        shown = stage.show(view, page)
        html[view.name] = shown.html
        if shown.status != view.status:
            wrong.append(f"{view.name}: status {shown.status}, not {view.status}")
        if address := _address(view, shown, stage):
            weigh_into(weights, browser, view.name, address)
            # When Lighthouse runs, the site is in its initial condition again.
            if view.condition is Condition.PAUSED and view.status == 200:
                targets.append(Target(view.name, address, indexed=view.group == "pages"))
    mails = {name: mail.html for name, mail in rendered_mails(stage.site).items()}
    sources = audit_sources({**html, **{f"mail {name}": text for name, text in mails.items()}}, STYLES, DRAWINGS)
    sources.failures += wrong
    return [sources, audit_markup(html, mails), weights], targets


def _address(view: View, shown: Shown, stage: Stage) -> str | None:
    if view.path is not None:
        return stage.url + view.path
    return shown.address if view.name.startswith(_THANKS) else None


def _say(words: str) -> None:
    print(words, flush=True)


def audit(site: RunningSite, path: str) -> list[Section]:
    """Print each section as soon as it is measured; return all sections."""
    sections = []

    def show(section: Section) -> None:
        _say(f"\n{as_text(section)}\n")
        sections.append(section)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=quick_chromium_path(), args=["--no-sandbox", "--disable-gpu"]
        )

        def new_page() -> Page:
            return browser.new_context(viewport=SIZES["phone"], locale="fi-FI").new_page()

        with Stage(site) as stage:
            _say("Looking at every view …")
            found, targets = audit_views(browser, new_page(), stage)
            for section in found:
                show(section)
            _say("Looking at every view in every way …")
            # In a new tab: the other one has drafts in its storage, so forms would not be empty.
            show(audit_accessibility(new_page(), stage))
        # Lighthouse starts its own browsers; another idle one would slow them down.
        browser.close()
    _say("Measuring with Lighthouse …")
    show(audit_pages(targets, path))
    return sections


def main() -> int:
    path = chromium_path()
    if path is None:
        print(ADVICE, file=sys.stderr)
        return 1
    install()
    with tempfile.TemporaryDirectory() as folder:
        site = RunningSite(Path(folder))
        _say("Starting the site with an empty data folder …")
        site.start()
        try:
            sections = audit(site, path)
        finally:
            site.stop()
    # Last, and on another site: Lighthouse measures time, and the scanner leaves hundreds of messages behind.
    _say("Attacking a site of its own …")
    sections.append(audit_with_scanner())
    _say(f"\n{as_text(sections[-1])}\n")
    print(*verdicts(sections), sep="\n")
    return 0 if all(section.passed for section in sections) else 1


if __name__ == "__main__":
    sys.exit(main())
