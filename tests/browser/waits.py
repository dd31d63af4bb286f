"""Helpers that wait before a test reads something, because a page may still be loading or a row still be written.

`expect(…)` retries by itself; these are for everything else.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

from playwright.sync_api import Page, Route

Value = TypeVar("Value")

# The longest wait for anything: the machine may be busy.
SECONDS = 30.0


@contextmanager
def next_document(page: Page, *, until: Literal["load", "domcontentloaded"] = "load") -> Iterator[None]:
    """Wait at the end of the block until the action in it has loaded another document in `page`."""
    # First wait for the current document, so that its load event is not mistaken for the next one.
    page.wait_for_load_state(until)
    with page.expect_event(until, timeout=SECONDS * 1000):
        yield


def first_held(page: Page, held: list[Route]) -> Route:
    """Wait until a handler of `page.route` has put a request into `held`; remove and return the first one.

    The wait is needed because a script shows that it is sending before it sends.
    """
    deadline = time.monotonic() + SECONDS
    while not held:
        assert time.monotonic() < deadline, f"Nothing was asked for within {SECONDS:.0f} s."
        page.wait_for_timeout(50)
    return held.pop(0)


def eventually(read: Callable[[], Value], is_there: Callable[[Value], bool]) -> Value:
    """Call `read` until `is_there` is true for its result; return the result. AssertionError after SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not is_there(value := read()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Still {value!r} after {SECONDS:.0f} s.")
        time.sleep(0.1)
    return value
