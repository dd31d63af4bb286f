"""The rows of the table."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure and its goal. `is_met` is None for a figure that has none."""

    what: str
    measured: str
    goal: str = ""
    is_met: bool | None = None


def at_least(what: str, measured: float, goal: float, unit: str = "") -> Row:
    return Row(what, f"{measured:,.2f}{unit}", f"≥ {goal:g}{unit}", measured >= goal)


def at_most(what: str, measured: float, goal: float, unit: str = "") -> Row:
    return Row(what, f"{measured:,.2f}{unit}", f"≤ {goal:g}{unit}", measured <= goal)


def printed(rows: Iterable[Row]) -> str:
    """Return the table as text."""
    marks = {True: "met", False: "MISSED", None: ""}
    lines = [f"{row.what:<66}{row.measured:>16}   {row.goal:<12}{marks[row.is_met]}".rstrip() for row in rows]
    return "\n".join(lines)
