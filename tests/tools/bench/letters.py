"""Messages stored per second while the worker sends mails, compared with Wagtail's form page (tests.tools.letters)."""

from pathlib import Path
from statistics import median

from tests.tools.bench.table import Row, at_least, at_most
from tests.tools.letters.__main__ import compare_both

ROUNDS, SECONDS = 3, 8


def measure(folder: Path) -> list[Row]:
    """Return the rows of the table."""
    rows = []
    for database, seen in compare_both(folder, seconds=SECONDS, rounds=ROUNDS).items():
        pairs = zip(seen.ours, seen.peer, strict=True)
        rate = median(ours.rate for ours in seen.ours)
        rows += [
            Row(f"letters on {database}, 8 clients", f"{rate:,.0f}/s"),
            at_least(
                f"letters on {database} / a form page of `wagtail start`",
                median(ours.rate / peer.rate for ours, peer in pairs),
                1.0,
                why="each letter is checked for repeats and limits, and each statement is a round trip",
            ),
            at_most(
                f"letters on {database}: p99 / p50, while the worker delivers",
                median(ours.percentile(0.99) / ours.percentile(0.5) for ours in seen.ours),
                10,
            ),
            at_most(f"1 000 mails on {database} to a local server", 1000 * median(seen.mail_seconds), 60, " s"),
        ]
    return rows
