"""No page of the admin asks more of the database when there is more in it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from intake.desk.dashboard import Part
from tests.intake.desk.pages import LIST, rows
from tests.tools.many_enquiries import fill
from tests.tools.measured import prefer_indexes, queries_of

FILTERS = [
    "status__exact=closed", "supervision_form__exact=group", "kind__exact=mapping", "verdict__exact=quarantined",
    "group_size=3-6", "delivery_mode=online", "area=satakunta", "payer=Minä itse",
    "status__exact=closed&area=satakunta",
    *(f"part={part}" for part in Part),
]  # fmt: skip
SEARCHES = ["q=korhonen", "q=050", "q=e", "q=zzzzzz", "q=K7P-4XC", "o=0", "o=-2", "p=2"]


@pytest.mark.parametrize("address", ["/admin/", LIST, *(f"{LIST}?{query}" for query in (*FILTERS, *SEARCHES))])
def test_more_enquiries_need_no_more_queries(kati: Client, address: str) -> None:
    fill(60)
    kati.get(address)
    few = queries_of(lambda: kati.get(address))
    fill(160)
    assert queries_of(lambda: kati.get(address)) == few


def test_list_reads_no_long_texts(kati: Client) -> None:
    fill(60)
    asked: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(listen):
        assert len(rows(kati.get(LIST))) == 50
    words = ('"intake_enquiry"."message"', '"intake_outgoingmail"."text"', '"intake_outgoingmail"."html"')
    assert not [sql for sql in asked for word in words if word in sql]


@pytest.mark.parametrize("query", ["", *FILTERS[:9]])
def test_a_filtered_page_is_found_by_index(kati: Client, query: str) -> None:
    fill(60)
    listed = kati.get(f"{LIST}?{query}").context["paginator"].object_list
    prefer_indexes()
    plan = listed.values("pk")[:50].explain()
    assert "Index Only Scan" in plan if connection.vendor == "postgresql" else "COVERING INDEX enquiry_" in plan


def test_unsent_mail_is_found_by_index(kati: Client) -> None:
    fill(60)
    listed = kati.get(LIST, {"part": Part.MAIL_UNSENT}).context["paginator"].object_list
    prefer_indexes()
    assert "mail_due" in listed.values("pk")[:50].explain()
