"""The accessibility part of the audit: every view in every situation of tests.tools.accessibility."""

from playwright.sync_api import Page

from tests.tools.accessibility import EVERY, motion_problems, problems_in
from tests.tools.audit.section import Section
from tests.tools.public_views import Stage


def audit_accessibility(page: Page, stage: Stage) -> Section:
    """Check every view. The section has a row per view: the number of checks and of problems, which must be 0."""
    axe = [situation.name for situation in EVERY if situation.axe]
    section = Section(
        "Accessibility: zero findings in every view, looked at in every way",
        ("view", "looks", "found"),
        remarks=[
            f"axe (WCAG 2.2 A and AA, best practices) looks at: {', '.join(axe)}.",
            "Every way is also looked at for what is cut off, covered, or wider than the window; and for motion.",
        ],
    )
    for view in stage.views():
        page.set_viewport_size({"width": 390, "height": 844})
        page.emulate_media(color_scheme="light", reduced_motion="reduce", forced_colors="none")
        stage.show(view, page)
        found = [f"{view.name}, reduced motion: {problem}" for problem in motion_problems(page)]
        ways = [situation for situation in EVERY if view.exists_at(situation.width // situation.zoom)]
        for situation in ways:
            found += [f"{view.name}, {situation.name}: {problem}" for problem in problems_in(page, situation)]
        section.rows.append((view.name, str(1 + len(ways)), str(len(found))))
        section.failures += found
    return section
