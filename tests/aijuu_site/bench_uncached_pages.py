"""`make bench`: what rendering a public page costs, in milliseconds of processor time and in queries.

Each view is measured beside a reference loop, because other load on the machine slows down both alike. The milliseconds
are computed from that ratio, for the speed of the fastest run of the loop.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import RequestFactory
from django.test.client import ClientHandler
from django.test.utils import CaptureQueriesContext

from tests.public_visits import visits

GOAL_MILLISECONDS, GOAL_QUERIES = 10.0, 8
VIEWS = 20


def opened(handler: ClientHandler, path: str) -> HttpResponseBase:
    """Return the response of Django's whole stack. Test client's get() would also record every rendered template."""
    environ = RequestFactory(headers={"accept-encoding": "gzip"}).get(path).environ
    response: HttpResponseBase = handler(environ)
    return response


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def loop() -> None:
    texts: dict[int, str] = {}
    for number in range(6000):
        texts[number & 255] = str(number)


def in_loops(view: Callable[[], object]) -> float:
    """Return how many times longer a warm view takes than the reference loop."""
    measured = []
    for _ in range(VIEWS):
        before, cost, after = seconds(loop), seconds(view), seconds(loop)
        measured.append(2 * cost / (before + after))
    return statistics.median(measured)


@pytest.mark.usefixtures("loaded_site")
def test_cost_of_each_public_page(capsys: pytest.CaptureFixture[str]) -> None:
    handler, rows = ClientHandler(), []
    milliseconds = min(seconds(loop) for _ in range(2000)) * 1000
    for visit in visits():
        assert opened(handler, visit.path).status_code == visit.status
        cost = in_loops(partial(opened, handler, visit.path)) * milliseconds
        with CaptureQueriesContext(connection) as queries:
            opened(handler, visit.path)
        met = "met" if cost <= GOAL_MILLISECONDS and len(queries) <= GOAL_QUERIES else "missed"
        rows.append(f"{visit.name:42} {cost:6.1f} ms {len(queries):2} queries  {met}")
    goal = f"A page rendered anew: at most {GOAL_MILLISECONDS:g} ms of the processor and {GOAL_QUERIES} queries"
    with capsys.disabled():
        print("", goal, *rows, sep="\n")
    assert len(set(rows)) == len(rows) > GOAL_QUERIES
