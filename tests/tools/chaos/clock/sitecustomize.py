"""Moves the clock of a Python process by the number of seconds in the file CHAOS_CLOCK, whenever that changes.

Python imports this module at each start if its folder is in PYTHONPATH: in the processes of a site under `make chaos`.
Only the time of day changes; time.sleep() and time.monotonic() are not affected, as when a machine's clock is set.
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
            # Imported only when needed, since it slows down the start of each process.
            import time_machine

            self._traveller = time_machine.travel(time.time(), tick=True).start()
            # time_machine starts its clock at the first call.
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
    # After a fork the moved clock remains, but the watching thread has to be started again.
    os.register_at_fork(after_in_child=_clock.watch)
