"""One part of the audit: a table of figures, remarks on what is left out, and failures."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Section:
    """`failures`: a line for each missed target; without any, the part has passed.

    `remarks` are printed under the table: what is not measured, and why.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the part has passed. A part without measurements has not."""
        return bool(self.rows) and not self.failures


def as_text(section: Section) -> str:
    """Return the section as text: heading, table, remarks, failures."""
    lines = [f"== {section.title}", *_table([section.columns, *section.rows])]
    lines += [f"   {remark}" for remark in section.remarks]
    lines += [f"   ! {failure}" for failure in section.failures]
    return "\n".join(lines)


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    # The first column has names; figures are aligned to the right.
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def verdicts(sections: Sequence[Section]) -> list[str]:
    """Return one line for each section: PASS or FAIL, and why."""
    return [_verdict(section) for section in sections]


def _verdict(section: Section) -> str:
    if section.passed:
        return f"PASS  {section.title}"
    count = len(section.failures)
    why = f"{count} {'line' if count == 1 else 'lines'} marked with ! above" if count else "nothing was measured"
    return f"FAIL  {section.title}: {why}"
