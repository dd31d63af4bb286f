"""`make bench`: CPU time of each admin page with 100 000 enquiries, compared with 1 000.

A page shows the same number of rows in both cases. Making the enquiries takes some minutes.
"""

import resource
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from intake.choices import Status
from intake.desk.dashboard import Part
from intake.desk.list import MOST_LISTED
from intake.models import Enquiry
from tests.intake.desk.pages import LIST, address
from tests.tools.many_enquiries import fill, settle
from tests.tools.measured import Cost, cost

FEW, MANY, GOAL = 1_000, 100_000, 1.5
# A new process of the site has imported and rendered as much as this one has before the export.
MOST_MEMORY_KIB = 60 * 1024


@dataclass(frozen=True)
class Page:
    name: str
    url: Callable[[], str]


def closed_one() -> Enquiry:
    """Return an enquiry that exists at both sizes and whose e-mail address matches no other enquiry."""
    return Enquiry.objects.filter(status=Status.CLOSED).order_by("pk")[10]


def listed(query: str) -> Callable[[], str]:
    return lambda: f"{LIST}?{query}"


PAGES = [
    Page("dashboard", lambda: "/admin/"),
    Page("list", lambda: LIST),
    Page("its last full page", lambda: f"{LIST}?p={min(Enquiry.objects.count(), MOST_LISTED) // 50}"),
    *(Page(part.value, listed(f"part={part}")) for part in Part),
    *(
        Page(query, listed(query))
        for query in (
            "status__exact=new",
            "status__exact=closed",
            "supervision_form__exact=group",
            "kind__exact=mapping",
            "verdict__exact=quarantined",
            "group_size=3-6",
            "delivery_mode=online",
            "area=satakunta",
            "payer=Minä itse",
        )
    ),
    Page("search by address", lambda: f"{LIST}?q={closed_one().email}"),
    Page("search without a hit", listed("q=qwertyzz")),
    Page("search by reference", lambda: f"{LIST}?q={closed_one().reference}"),
    Page("search by phone", listed("q=050 9999 9999")),
    Page("enquiry", lambda: address("inspect", closed_one())),
]


def costs(kati: Client) -> dict[str, Cost]:
    found = {}
    for page in PAGES:
        url = page.url()

        def get(url: str = url) -> None:
            assert kati.get(url).status_code == 200

        get()
        found[page.name] = cost(get)
    return found


@pytest.mark.django_db(transaction=True)
def test_pages_cost_little_more_with_many_enquiries(kati: Client, capsys: pytest.CaptureFixture[str]) -> None:
    fill(FEW)
    settle()
    few = costs(kati)
    fill(MANY)
    settle()
    many = costs(kati)
    missed = []
    with capsys.disabled():
        print(f"\n{'page':32} {FEW:>9} {MANY:>9} {'ratio':>6}  goal {GOAL}")
        for name, of_few in few.items():
            ratio = many[name].seconds / of_few.seconds
            met = ratio <= GOAL and many[name].queries == of_few.queries
            missed += [] if met else [name]
            print(
                f"{name:32} {of_few.seconds * 1000:6.1f} ms {many[name].seconds * 1000:6.1f} ms {ratio:6.2f}  "
                f"{'met' if met else 'missed'}"
            )
        for kind in ("csv", "xlsx"):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            size = 0

            def export(kind: str = kind) -> None:
                nonlocal size
                size = sum(len(part) for part in kati.get(LIST, {"export": kind}))

            seconds = cost(export, times=1).seconds
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            met = memory <= MOST_MEMORY_KIB
            missed += [] if met else [kind]
            print(
                f"export of {MANY} as {kind}: {seconds:.1f} s of the processor, {size / 2**20:.0f} MiB, "
                f"{memory / 1024:.0f} MiB more memory  {'met' if met else 'missed'}"
            )
    assert not missed
