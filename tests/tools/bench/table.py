"""The rows of the table."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure and its goal. `is_met` is None if there is no goal; `missed`: by how much it is missed, and why."""

    what: str
    measured: str
    goal: str = ""
    is_met: bool | None = None
    missed: str = ""


def at_least(what: str, measured: float, goal: float, unit: str = "", *, why: str = "") -> Row:
    """Return a row for a figure with a lower limit. `why`: the known reason for missing it."""
    missed = _missed(1 - measured / goal, why)
    return Row(what, f"{measured:,.2f}{unit}", f"≥ {goal:g}{unit}", measured >= goal, missed)


def at_most(what: str, measured: float, goal: float, unit: str = "", *, why: str = "") -> Row:
    """Return a row for a figure with an upper limit. `why`: the known reason for missing it."""
    missed = _missed(measured / goal - 1, why)
    return Row(what, f"{measured:,.2f}{unit}", f"≤ {goal:g}{unit}", measured <= goal, missed)


def _missed(by: float, why: str) -> str:
    return f"by {by:.1%}: {why or 'no reason is known'}" if by > 0 else ""


def printed(rows: Iterable[Row]) -> str:
    """Return the table as text."""
    marks = {True: "met", False: "MISSED", None: ""}
    lines = []
    for row in rows:
        lines.append(f"{row.what:<66}{row.measured:>16}   {row.goal:<12}{marks[row.is_met]}".rstrip())
        lines += [f"    {row.missed}"] if row.missed else []
    return "\n".join(lines)
