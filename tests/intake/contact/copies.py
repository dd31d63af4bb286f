"""A sender's own copy as a person finds and reads it."""

from typing import Any

from bs4 import BeautifulSoup

LINE = "Katso ja tallenna oma kopiosi"


def copy_link(page: Any) -> str:
    """The link on a thank-you page; "" where there is none."""
    link = BeautifulSoup(page.content.decode(), "html.parser").find("a", string=LINE)
    return str(link["href"]) if link else ""


def asked_and_answered(page: Any) -> dict[str, str]:
    """The rows of a copy: label and answer as a person reads them."""
    soup = BeautifulSoup(page.content.decode(), "html.parser")
    return {
        row.dt.get_text(" ", strip=True): " | ".join(dd.get_text("\n", strip=True) for dd in row.find_all("dd"))
        for row in soup.select("main dl > div")
        if row.dt
    }
