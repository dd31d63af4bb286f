"""What a machine can tell of accessibility, for the tests and for the audit. It finds about half of what there is.

with Stage(site) as stage:
    for examined in accessibility_report(page, stage):
        print(examined.view, examined.situation, examined.problems)
"""

from tests.tools.accessibility.axe import axe_problems
from tests.tools.accessibility.report import Examined, accessibility_report, examine, problems_in
from tests.tools.accessibility.situations import (
    EVERY,
    USUAL,
    Situation,
    layout_problems,
    motion_problems,
    sideways_problems,
    situated,
)

__all__ = [
    "EVERY",
    "USUAL",
    "Examined",
    "Situation",
    "accessibility_report",
    "axe_problems",
    "examine",
    "layout_problems",
    "motion_problems",
    "problems_in",
    "sideways_problems",
    "situated",
]
