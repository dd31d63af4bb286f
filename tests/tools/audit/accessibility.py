"""The accessibility matrix of tests.tools.accessibility: every view, looked at in every way."""

from collections.abc import Sequence

from playwright.sync_api import Page

from tests.tools.accessibility import EVERY, Examined, accessibility_report
from tests.tools.audit.section import Section
from tests.tools.public_views import Stage


def audit_accessibility(page: Page, stage: Stage) -> Section:
    """Look at every view; nothing may be found."""
    section = as_section(accessibility_report(page, stage))
    axe = [situation.name for situation in EVERY if situation.axe]
    section.remarks = [
        f"axe (WCAG 2.2 A and AA, best practices) looks at: {', '.join(axe)}.",
        "Every way is also looked at for what is cut off, covered, or wider than the window; and for motion.",
    ]
    return section


def as_section(looks: Sequence[Examined]) -> Section:
    """One row a view: how often it was looked at and how much was found."""
    section = Section("Accessibility: zero findings in every view, looked at in every way", ("view", "looks", "found"))
    for view in dict.fromkeys(look.view for look in looks):
        own = [look for look in looks if look.view == view]
        section.rows.append((view, str(len(own)), str(sum(len(look.problems) for look in own))))
    section.rows.append(("all", str(len(looks)), str(sum(len(look.problems) for look in looks))))
    section.failures = [str(look) for look in looks if look.problems]
    return section
