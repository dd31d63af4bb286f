"""The processes use little memory: they return free memory to the system and share what is loaded before the fork."""

import socket
import subprocess
import sys
from functools import partial
from typing import Any

import pytest

from aijuu_site.serving import start

_FREED = """
import time
from pathlib import Path

from aijuu_site.serving.memory import keep_heap_small, trim_regularly


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


keep_heap_small()
# Too small for pages of their own; every hundredth stays, so that glibc can't shorten its heap.
blocks = [bytes(50_000) for _number in range(2_000)]
del blocks[1::100]
kept = blocks[::100]
full = resident()
del blocks
trim_regularly({seconds})
until = time.monotonic() + {wait}
while resident() > full - 60 and time.monotonic() < until:
    time.sleep(0.05)
print(full - resident())
"""


def returned_mebibytes(*, seconds: float, wait: float) -> float:
    """Return how many of about 95 free MiB a process has returned to the system."""
    script = _FREED.format(seconds=seconds, wait=wait)
    output = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    return float(output)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_free_memory_is_returned_to_system() -> None:
    assert returned_mebibytes(seconds=1000, wait=0.5) < 60
    assert returned_mebibytes(seconds=0.05, wait=30) >= 60


_BIG_BLOCKS = """
import re
from pathlib import Path

from aijuu_site.serving.memory import keep_heap_small


def heap():
    start, end = re.search(r"^(\\w+)-(\\w+) .*\\[heap\\]$", Path("/proc/self/maps").read_text(), re.MULTILINE).groups()
    return (int(end, 16) - int(start, 16)) / 2**20


{first}
before = heap()
bytes(16 * 2**20)
block = bytes(8 * 2**20)
print(heap() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_big_blocks_stay_out_of_the_heap() -> None:
    def grown(first: str) -> float:
        script = _BIG_BLOCKS.format(first=first)
        return float(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)

    assert grown("") >= 8
    assert grown("keep_heap_small()") < 1


_FILES = """
import re, ssl
from pathlib import Path

import brotli
import PIL.Image, PIL._imaging

from aijuu_site.serving.memory import forget_files


def of_files():
    return sum(map(int, re.findall(r"^Pss_File: +(\\d+)", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)))


def at_work():
    return len(brotli.compress(bytes(range(256)) * 99)), PIL.Image.new("L", (9, 9)).resize((3, 3)).tobytes()


before, done = of_files(), at_work()
forget_files()
after = of_files()
assert at_work() == done
ssl.create_default_context()
print(before - after, after)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux' own memory map")
def test_forget_files_releases_library_pages() -> None:
    output = subprocess.run([sys.executable, "-c", _FILES], check=True, capture_output=True, text=True).stdout
    gone, left = map(int, output.split())
    assert gone > left, output


@pytest.mark.usefixtures("loaded_site")
def test_warm_up_renders_menu_pages_and_login(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    asked: set[str] = set()
    monkeypatch.setattr(start, "call", lambda _application, environ: asked.add(environ["PATH_INFO"]))
    # The connections and the garbage collector belong to the test process.
    monkeypatch.setattr(start, "close_connections", lambda: None)
    monkeypatch.setattr(start.gc, "freeze", lambda: None)
    start.warm_up()
    assert {"/", "/ota-yhteytta/", "/alkukartoitus/", f"{settings.ADMIN_PATH}login/"} <= asked


def test_start_runs_memory_steps_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Supervised:
        def __init__(self, **_parts: Any) -> None:
            done.append("fork")

        def run(self, *, is_answering: Any, on_ready: Any) -> int:
            on_ready()
            return 0

    for name in ("keep_heap_small", "warm_up", "forget_files"):
        monkeypatch.setattr(start, name, partial(done.append, name))
    monkeypatch.setattr(start, "Supervisor", Supervised)
    monkeypatch.setattr(start, "_say", lambda _line: None)
    with socket.socket() as listener:
        assert start.main(listener) == 0
    # The first two run before the fork, so all processes profit. forget_files runs after it in the supervisor only.
    assert done == ["keep_heap_small", "warm_up", "fork", "forget_files"]
