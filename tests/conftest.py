"""Hooks and fixtures of all tests."""

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
# With Python's default thresholds the garbage collector would run twenty to thirty times per test.
gc.set_threshold(50_000, 20, 20)
_WAS_SKIPPED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--statements",
        choices=("record", "cover"),
        help="record: write down the SQL of each test; cover: run the tests that make all of it (tests/statements.py)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Delete the records of an earlier run. Only the main process does so, before the test processes start."""
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
    # Don't record tests that SQLite skips: without a record they always run on PostgreSQL.
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
    """Mark with `once` the tests that don't depend on the kind of database.

    With --statements=cover, deselect these, and tests whose statements are covered by others (tests/statements.py).
    `once` are tests without a database, and tests that use the loaded site. Tests with real transactions and those
    marked `every_case` always run.
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
    """Exclude the objects of modules and tests from garbage collection: half a million, which are never freed."""
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
    """The folder with the migrated database that each test process copies."""
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
    """Whether Django keeps an existing test database: yes for SQLite, where it is already the copy of the prepared one.

    PostgreSQL's is created by Django from the template.
    """
    return connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, _prepared: Path) -> Iterator[None]:
    """Restore the migrated database after each test with real transactions; Django would leave it empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: restore_database(_prepared))
        yield


def pytest_unconfigure() -> None:
    # Each test process has created its own data folder (settings/test.py).
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def _loaded_content(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> LoadedContent:
    """The initial content. The first test process that needs it creates it; the others read it from a file."""
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
    """Clear the cache, where Wagtail keeps the URLs of sites: rolling back a test's transaction does not change it."""
    cache.clear()


@pytest.fixture
def loaded_site(db: None, _loaded_content: LoadedContent) -> None:
    """The site with its initial content, like a new installation."""
    _loaded_content.put_back()
