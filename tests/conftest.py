"""What all tests share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import django.test
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from tests.loaded_rows import LoadedContent
from tests.prepared_database import make_prepared_database, restore_database, template_name

# These are about words and pages: what is understood, shown or refused. The same queries are asked of the second
# database by the tests of what is stored, found and counted.
_ABOUT_WORDS_AND_PAGES = (
    "aijuu_site/test_headers.py",
    "aijuu_site/test_refusals.py",
    "aijuu_site/test_site_address.py",
    "aijuu_site/test_style_guide.py",
    "aijuu_site/test_well_known.py",
    "home/test_blocks.py",
    "home/test_discovery.py",
    "home/test_discovery_structured_data.py",
    "home/test_editor_checks.py",
    "home/test_faces.py",
    "home/pause/test_notice_on_pages.py",
    "home/test_panels.py",
    "home/images/test_pictures.py",
    "intake/mapping/test_editing_faults.py",
    "intake/contact/test_form_messages.py",
    "intake/test_henkilotunnus.py",
    "intake/test_phone_numbers.py",
    "intake/spam/test_source.py",
    "intake/spam/test_spam.py",
    "intake/test_typed_text.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that uses no database, or is not about what a database does, has nothing new to tell on the second one."""
    here = Path(__file__).parent
    for item in items:
        if not _uses_database(item) or item.path.relative_to(here).as_posix() in _ABOUT_WORDS_AND_PAGES:
            item.add_marker(pytest.mark.once)


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
def _loaded_content(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> LoadedContent:
    with django_db_blocker.unblock():
        return LoadedContent()


@pytest.fixture
def loaded_site(db: None, _loaded_content: LoadedContent) -> None:
    """The site with its first content, as a new installation has it."""
    _loaded_content.put_back()
