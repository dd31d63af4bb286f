"""Moves the clock of a Python process by as many seconds as stand in the file CHAOS_CLOCK, whenever they change.

Python imports it at each start where its folder is in PYTHONPATH: in the processes of a site under `make chaos`. Only
what tells the time of day moves: as on a machine whose clock is set, time.sleep() and time.monotonic() go on.
"""

import os
import threading
import time
from pathlib import Path
from typing import Any

_FILE = os.environ.get("CHAOS_CLOCK", "")
_LOOK_EVERY = 0.1


class _Clock:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._moved_by = 0.0
        self._traveller: Any = None

    def look(self) -> None:
        wanted = float(self._file.read_text() or 0) if self._file.exists() else 0.0
        if wanted == self._moved_by:
            return
        if self._traveller is None:
            # Not before: it costs each start of a process a little.
            import time_machine

            self._traveller = time_machine.travel(time.time(), tick=True).start()
            # It ticks from the first time that it is asked.
            time.time()
        self._traveller.shift(wanted - self._moved_by)
        self._moved_by = wanted

    def watch(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.look()
            time.sleep(_LOOK_EVERY)


if _FILE:
    _clock = _Clock(Path(_FILE))
    _clock.look()
    _clock.watch()
    # A process keeps its clock, but no thread, when it forks.
    os.register_at_fork(after_in_child=_clock.watch)
