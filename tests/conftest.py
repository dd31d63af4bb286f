"""What all tests share."""

import fcntl
import gc
import os
import pickle
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import django.test
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from tests.examples import use_few_examples
from tests.loaded_rows import LoadedContent
from tests.prepared_database import make_prepared_database, restore_database, template_name
from tests.statements import chosen_tests, show_locks, watched_statements, write_down

use_few_examples()
# Python's own number makes it look for garbage twenty to thirty times a test.
gc.set_threshold(50_000, 20, 20)
_WAS_SKIPPED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--statements",
        choices=("record", "cover"),
        help="record: write down the SQL of each test; cover: run the tests that make all of it (tests/statements.py)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin the record anew, once for all test processes."""
    if config.getoption("--statements") != "record":
        return
    show_locks()
    if not hasattr(config, "workerinput"):
        for path in _record(config).iterdir():
            path.unlink()


def _record(config: pytest.Config) -> Path:
    return config.cache.mkdir("statements")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if item.config.getoption("--statements") != "record":
        return (yield)
    with watched_statements() as kinds:
        done = yield
    # What SQLite skips asks nothing there, and is for the other database.
    if not item.stash.get(_WAS_SKIPPED, False):
        write_down(_record(item.config), os.environ.get("PYTEST_XDIST_WORKER", "main"), item.nodeid, kinds)
    return done


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped:
        item.stash[_WAS_SKIPPED] = True
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark `once` what the second database can't answer differently, and leave out there what another test asks.

    The former is a test without a database, or one that reads the finished site. Tests with real transactions and
    those marked `every_case` are never left out.
    """
    for item in items:
        if not _uses_database(item) or "loaded_site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.once)
    if config.getoption("--statements") != "cover":
        return
    both = [item for item in items if not item.get_closest_marker("once")]
    asked = {item.nodeid for item in both if _commits(item) or item.get_closest_marker("every_case")}
    asked |= chosen_tests(_record(config), asked, {item.nodeid for item in both} - asked)
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in asked])
    items[:] = [item for item in items if item.nodeid in asked]


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the process: half a million objects of modules and tests."""
    gc.collect()
    gc.freeze()


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    return bool(mark and mark.kwargs.get("transaction")) or "transactional_db" in getattr(item, "fixturenames", ())


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    case = getattr(item, "cls", None)
    return bool(
        item.get_closest_marker("django_db")
        or fixtures & {"db", "transactional_db", "live_server"}
        or (case is not None and issubclass(case, django.test.SimpleTestCase))
    )


@pytest.fixture(scope="session")
def _prepared(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings_parallel_suffix: None,
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
) -> Path:
    """The folder of the migrated database, which each test process copies."""
    folder = request.config.cache.mkdir("databases")
    with django_db_blocker.unblock():
        make_prepared_database(folder)
    return folder


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, _prepared: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = template_name()
        return
    with django_db_blocker.unblock():
        restore_database(_prepared)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """SQLite's copy is there before Django looks for it; PostgreSQL's is made by Django, from the template."""
    return connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, _prepared: Path) -> Iterator[None]:
    """After a test with real transactions the database is as migrated again; Django would leave it empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: restore_database(_prepared))
        yield


def pytest_unconfigure() -> None:
    # Each test process made a data folder of its own (settings/test.py).
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def _loaded_content(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> LoadedContent:
    """Made by the first test process of a run that needs it; the others read what it made."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    made = folder / "loaded-content"
    with (folder / "loaded-content.lock").open("w") as lock, django_db_blocker.unblock():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = made.with_suffix(".unfinished")
            unfinished.write_bytes(pickle.dumps(LoadedContent()))
            unfinished.rename(made)
        content: LoadedContent = pickle.loads(made.read_bytes())  # noqa: S301
        return content


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Wagtail keeps the addresses of sites in the cache, which no test's end rolls back."""
    cache.clear()


@pytest.fixture
def loaded_site(db: None, _loaded_content: LoadedContent) -> None:
    """The site with its first content, as a new installation has it."""
    _loaded_content.put_back()
