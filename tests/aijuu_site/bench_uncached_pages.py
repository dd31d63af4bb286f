"""`make bench`: what a public page costs when it is rendered anew: milliseconds of the processor, and queries."""

import statistics
import time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.public_visits import Visit, visits

GOAL_MILLISECONDS, GOAL_QUERIES = 10.0, 8
VIEWS = 20


def milliseconds(visit: Visit) -> float:
    """Return the median of the processor time of a view by the whole Django, once it is warm."""
    client, spent = Client(), []
    for _ in range(VIEWS):
        start = time.process_time()
        assert client.get(visit.path, headers={"accept-encoding": "gzip"}).status_code == visit.status
        spent.append(time.process_time() - start)
    return statistics.median(spent[VIEWS // 4 :]) * 1000


@pytest.mark.usefixtures("loaded_site")
def test_cost_of_each_public_page(capsys: pytest.CaptureFixture[str]) -> None:
    rows = []
    for visit in visits():
        cost = milliseconds(visit)
        with CaptureQueriesContext(connection) as queries:
            Client().get(visit.path)
        met = "met" if cost <= GOAL_MILLISECONDS and len(queries) <= GOAL_QUERIES else "missed"
        rows.append(f"{visit.name:42} {cost:6.1f} ms {len(queries):2} queries  {met}")
    goal = f"A page rendered anew: at most {GOAL_MILLISECONDS:g} ms of the processor and {GOAL_QUERIES} queries"
    with capsys.disabled():
        print("", goal, *rows, sep="\n")
    assert len(set(rows)) == len(rows) > GOAL_QUERIES
