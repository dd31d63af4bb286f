"""Two instances of the site with own data folders and one PostgreSQL, as on two machines behind a load balancer."""

import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup

from tests.browser.test_kept_pages import NOTICE, PAUSE, RENAME, ask
from tests.browser.waits import SECONDS
from tests.intake.visiting import Letter, letter
from tests.prepared_database import fill_with_migrated
from tests.tools.postgres import temporary_postgres
from tests.tools.running_site import RunningSite
from tests.tools.smtp_server import SmtpServer

CONTACT = "/ota-yhteytta/"
LIMIT = 4
COUNT = "from intake.models import Enquiry\nprint(Enquiry.objects.filter(name={name!r}).count())\n"


@pytest.fixture(scope="module")
def machines(
    request: pytest.FixtureRequest, started_once: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningSite, RunningSite]]:
    folder = tmp_path_factory.mktemp("machines")
    with temporary_postgres() as url, SmtpServer() as smtp:
        shared = {
            "DATABASE_URL": url,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "FORM_RATE_LIMIT": str(LIMIT),
            "WEB_PROCESSES": "1",
            "TRUSTED_PROXIES": "1",
        }
        sites = tuple(_site(folder / name, smtp, shared, started_once) for name in ("one", "two"))
        fill_with_migrated(url, request.config.cache.mkdir("postgres"), sites[0].environment)
        for site in sites:
            # Both get the same SITE_URL, that of the load balancer.
            site.overrides["SITE_URL"] = sites[0].url
            site.start()
        yield sites  # type: ignore[misc]
        assert [site.stop() for site in sites] == [0, 0]


def _site(data_dir: Path, smtp: SmtpServer, shared: dict[str, str], started_once: Path) -> RunningSite:
    data_dir.mkdir()
    # Copied, since collecting static files takes as long as the rest of a start.
    shutil.copytree(started_once / "static", data_dir / "static")
    shutil.copy(started_once / "static.stamp", data_dir)
    return RunningSite(data_dir, smtp=smtp, overrides=dict(shared))


def seen_on(site: RunningSite, path: str, address: RunningSite) -> str:
    return ask(site, path, Host=f"127.0.0.1:{address.port}")[1]


def seconds_until(site: RunningSite, words: str, path: str, address: RunningSite, *, shown: bool = True) -> float:
    began = time.monotonic()
    while (words in seen_on(site, path, address)) is not shown:
        assert time.monotonic() - began < SECONDS
        time.sleep(0.02)
    return time.monotonic() - began


def post(site: RunningSite, words: Letter, address: RunningSite, *, visitor: str) -> int:
    """Post the form as the load balancer forwards it from the network address `visitor`. Return the status."""
    origin = f"http://127.0.0.1:{address.port}"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Host": f"127.0.0.1:{address.port}",
        "Origin": origin,
        "Sec-Fetch-Site": "same-origin",
        "X-Forwarded-For": visitor,
    }
    with closing(HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        connection.request("POST", CONTACT, urlencode(words, doseq=True), headers)
        return connection.getresponse().status


def form_token(site: RunningSite, address: RunningSite) -> str:
    field = BeautifulSoup(seen_on(site, CONTACT, address), "html.parser").select_one("input[name=form_token]")
    assert field is not None
    return str(field["value"])


def test_published_on_one_is_seen_on_the_other(machines: tuple[RunningSite, RunningSite]) -> None:
    one, two = machines
    for site in machines:
        assert "Tietosuoja" in seen_on(site, "/tietosuoja/", one)
    one.run(RENAME.format(title="Tietosi turvassa"))
    # On the publishing machine the change is visible at the next view.
    assert "Tietosi turvassa" in seen_on(one, "/tietosuoja/", one)
    seconds_until(two, "Tietosi turvassa", "/tietosuoja/", one)
    two.run(PAUSE.format(active=False))
    assert NOTICE not in seen_on(two, "/", one)
    seconds_until(one, NOTICE, "/", one, shown=False)


def test_one_letter_sent_to_both_is_stored_once(machines: tuple[RunningSite, RunningSite]) -> None:
    one, _two = machines
    words = letter(name="Kaksi Konetta", form_token=form_token(one, one))
    # A form sent faster would be suspicious.
    time.sleep(3)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda site=site: answers.append(post(site, words, one, visitor="192.0.2.1")))
        for site in (*machines, *machines)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * 4
    assert one.run(COUNT.format(name="Kaksi Konetta")).strip() == "1"


def test_limit_counts_over_both(machines: tuple[RunningSite, RunningSite]) -> None:
    one, _two = machines
    answers = []
    for number in range(LIMIT + 2):
        words = letter(name="Raja", message=f"Kirje numero {number}", form_token=form_token(one, one))
        answers.append(post(machines[number % 2], words, one, visitor="192.0.2.2"))
    assert answers[-1] == 429
    stored = int(one.run(COUNT.format(name="Raja")))
    assert stored <= LIMIT
    assert answers.count(303) == stored
