"""The memory of all processes of the site, and the time of a start."""

import time
from pathlib import Path

from tests.tools.bench.pages import load
from tests.tools.bench.table import Row, at_most
from tests.tools.running_site import RunningSite

_LOADS = 10


def processes_of(pid: int) -> list[int]:
    """Return the ids of the process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in processes_of(int(child)))]


def memory_of(site: RunningSite) -> float:
    """Return the proportional set size of all processes of the site in MiB."""
    assert site.process
    total = 0
    for pid in processes_of(site.process.pid):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def measure(folder: Path) -> list[Row]:
    data_dir = folder / "resources"
    data_dir.mkdir()
    site = RunningSite(data_dir)
    began = time.monotonic()
    site.start()
    first = time.monotonic() - began
    site.stop()
    began = time.monotonic()
    site.start()
    again = time.monotonic() - began
    try:
        time.sleep(5)
        at_rest = memory_of(site)
        for _ in range(_LOADS):
            for path in ("/", "/ota-yhteytta/", "/ei-tallaista/", "/admin/login/"):
                try:
                    load(f"{site.url}{path}", 16)
                except AssertionError:
                    # wrk counts the 404 responses as errors.
                    continue
        loaded = memory_of(site)
    finally:
        site.stop()
    return [
        at_most("first start ever", first, 15, " s"),
        at_most("start", again, 3, " s"),
        at_most("memory of all processes at rest", at_rest, 250, " MiB"),
        at_most("memory of all processes after load", loaded, 250, " MiB"),
    ]
