"""What all tests share."""

import shutil

import django.test
import pytest
from django.conf import settings

from tests.loaded_rows import load_content_rows


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that uses no database has nothing new to tell on the second one."""
    for item in items:
        if not _uses_database(item):
            item.add_marker(pytest.mark.once)


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    case = getattr(item, "cls", None)
    return bool(
        item.get_closest_marker("django_db")
        or fixtures & {"db", "transactional_db", "live_server"}
        or (case is not None and issubclass(case, django.test.SimpleTestCase))
    )


def pytest_unconfigure() -> None:
    # Each test process made a data folder of its own (settings/test.py).
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture
def loaded_site(db: None) -> None:
    """The site with its first content, as a new installation has it."""
    load_content_rows()
