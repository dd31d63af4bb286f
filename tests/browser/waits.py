"""Waiting for what is read: a page that is being left, or a row that is still being written, tells nothing.

`expect(…)` tries again by itself. What it can't see goes through one of these.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

from playwright.sync_api import Page, Route

Value = TypeVar("Value")

# The longest wait for anything: both cores may have other work.
SECONDS = 30.0


@contextmanager
def next_document(page: Page, *, until: Literal["load", "domcontentloaded"] = "load") -> Iterator[None]:
    """Do inside what opens another document of `page`; it has loaded when this is left."""
    # The load of the one before is not taken for it.
    page.wait_for_load_state(until)
    with page.expect_event(until, timeout=SECONDS * 1000):
        yield


def first_held(page: Page, held: list[Route]) -> Route:
    """Take the first of the requests that a handler of `page.route` puts into `held`; wait until there is one.

    A script that says it is sending has not sent yet.
    """
    deadline = time.monotonic() + SECONDS
    while not held:
        assert time.monotonic() < deadline, f"Nothing was asked for within {SECONDS:.0f} s."
        page.wait_for_timeout(50)
    return held.pop(0)


def eventually(read: Callable[[], Value], is_there: Callable[[Value], bool]) -> Value:
    """Call `read` until `is_there` holds for what it returns; return that. AssertionError when time is up."""
    deadline = time.monotonic() + SECONDS
    while not is_there(value := read()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Still {value!r} after {SECONDS:.0f} s.")
        time.sleep(0.1)
    return value
