"""No admin page needs more queries when the database has more rows."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from aijuu_site.accounts.models import User
from intake.desk.dashboard import Part, count_parts, in_words
from intake.desk.list import MOST_LISTED
from intake.waiting.models import ReturnPlan
from intake.waiting.return_plan import next_mailboxes
from tests.intake.desk.pages import LIST, found_by, rows
from tests.tools.many_enquiries import fill
from tests.tools.measured import prefer_indexes, queries_of

FILTERS = [
    "status__exact=closed", "supervision_form__exact=group", "kind__exact=mapping", "verdict__exact=quarantined",
    "group_size=3-6", "delivery_mode=online", "area=satakunta", "payer=Minä itse",
    "status__exact=closed&area=satakunta",
]  # fmt: skip
# One of each kind: a field, a column of the mapping, a list of values, a part, searches with few and with many hits.
QUERIES = [
    "status__exact=closed", "payer=Minä itse", "delivery_mode=online", f"part={Part.MAIL_UNSENT}", "q=korhonen", "q=e",
    "o=-2", "p=2",
]  # fmt: skip


@pytest.mark.once
def test_more_enquiries_need_no_more_queries(kati: Client) -> None:
    addresses = ["/admin/", LIST, *(f"{LIST}?{query}" for query in QUERIES)]

    def queries() -> dict[str, int]:
        return {address: queries_of(partial(kati.get, address)) for address in addresses}

    fill(60)
    # The first requests fill the caches of the process.
    kati.get(LIST)
    kati.get("/admin/")
    few = queries()
    fill(120)
    assert queries() == few


def statements(call: Callable[[], object]) -> list[str]:
    executed: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        executed.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(listen):
        call()
    return executed


def test_list_count_is_limited_to_its_last_page(kati: Client) -> None:
    fill(20)
    for query in ("", "status__exact=closed", "delivery_mode=online", "part=mail_unsent", "q=zzzzzz"):
        counts = [sql for sql in statements(partial(kati.get, f"{LIST}?{query}")) if "COUNT(*)" in sql]
        assert bool([sql for sql in counts if f"LIMIT {MOST_LISTED + 1})" in sql]) is (query != "q=zzzzzz"), query
        # Neither a part nor the whole list counts all enquiries.
        all_of_them = 'FROM "intake_enquiry" WHERE NOT "intake_enquiry"."is_proof"'
        assert not [sql for sql in counts if sql.endswith(all_of_them)], query


def test_dashboard_count_is_limited(kati: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(160)
    shown = {part: number for part, number in count_parts().items() if number > 2}
    assert len(shown) == len(Part)
    assert [in_words(number, most=1000) for number in (999, 1000, 1001)] == ["999", "1\xa0000", "yli 1\xa0000"]
    monkeypatch.setattr("intake.desk.dashboard.MOST_COUNTED", 2)
    assert set(count_parts().values()) == {3}
    text = kati.get("/admin/").content.decode()
    for words in (
        "yli 2 uutta yhteydenottoa",
        "yli 2 kesken",
        "yli 2 epäilyttävää",
        "lähettämättä yli 2 yhteydenotossa",
    ):
        assert words in text


def test_refused_return_notices_are_found_by_index_range(db: None) -> None:
    fill(60)
    prefer_indexes()
    [sought] = [sql for sql in statements(lambda: next_mailboxes(ReturnPlan())) if '"deduplication_key" AS' in sql]
    assert '"deduplication_key" > ' in sought
    assert "ORDER BY" not in sought


def test_list_query_omits_long_text_columns(kati: Client) -> None:
    fill(60)
    shown: list[Any] = []
    executed = statements(lambda: shown.extend(rows(kati.get(LIST))))
    assert len(shown) == 50
    words = ('"intake_enquiry"."message"', '"intake_outgoingmail"."text"', '"intake_outgoingmail"."html"')
    assert not [sql for sql in executed for word in words if word in sql]


def test_filtered_list_uses_an_index(kati: Client) -> None:
    fill(60)
    prefer_indexes()
    supervisor = User.objects.get()
    for query in ("", *FILTERS):
        plan = found_by(supervisor, query).values("pk")[:50].explain()
        only = "Index Only Scan" if connection.vendor == "postgresql" else "COVERING INDEX enquiry_"
        assert only in plan, query
    assert "mail_due" in found_by(supervisor, f"part={Part.MAIL_UNSENT}").values("pk")[:50].explain()
