"""The budget of the first view, for every page with a URL, on phone and desktop."""

from playwright.sync_api import Browser, ViewportSize

from tests.tools.audit.page_weight import (
    LARGEST_HTML,
    LARGEST_PAGE,
    MOST_BLOCKING,
    MOST_REQUESTS,
    SCRIPTS_BELOW,
    Weight,
    over_budget,
    weigh,
)
from tests.tools.audit.section import Section

SIZES: dict[str, ViewportSize] = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}


def new_section() -> Section:
    return Section(
        f"First view, nothing kept, slow network: HTML ≤ {LARGEST_HTML // 1000} kB, all ≤ {LARGEST_PAGE // 1000} kB, "
        f"≤ {MOST_REQUESTS} requests, shift 0, ≤ {MOST_BLOCKING} blocking, scripts < {SCRIPTS_BELOW // 1000} kB",
        ("page", "at", "HTML", "font", "scripts", "all bytes", "requests", "blocking", "shift"),
        remarks=[
            "Bytes as they travel, with headers. The icon counts. The web manifest does not: a browser asks for it "
            "when it thinks about installing, after the page."
        ],
    )


def weigh_into(section: Section, browser: Browser, name: str, address: str) -> None:
    """Add a row for each window size to `section`, and a failure for each figure over budget."""
    for at, size in SIZES.items():
        weight = weigh(browser, address, size)
        section.rows.append(_row(name, at, weight))
        section.failures += [f"{name} ({at}): {line}" for line in over_budget(weight)]


def _row(name: str, at: str, weight: Weight) -> tuple[str, ...]:
    return (
        name,
        at,
        str(weight.html),
        str(weight.size_of("Font")),
        str(weight.scripts),
        str(weight.total),
        str(len(weight.requests)),
        str(len(weight.blocking)),
        f"{weight.layout_shift:.4f}",
    )
