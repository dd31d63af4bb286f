"""Helpers: finding and reading the sender's own copy."""

from typing import Any

from bs4 import BeautifulSoup

LINE = "Katso ja tallenna oma kopiosi"


def copy_link(page: Any) -> str:
    """Return the link to the copy on a thank-you page; "" without one."""
    link = BeautifulSoup(page.content.decode(), "html.parser").find("a", string=LINE)
    return str(link["href"]) if link else ""


def asked_and_answered(page: Any) -> dict[str, str]:
    """Return the visible rows of a copy as label -> answer."""
    soup = BeautifulSoup(page.content.decode(), "html.parser")
    return {
        row.dt.get_text(" ", strip=True): " | ".join(dd.get_text("\n", strip=True) for dd in row.find_all("dd"))
        for row in soup.select("main dl > div")
        if row.dt
    }
