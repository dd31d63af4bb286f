"""What all tests share."""

import shutil
from pathlib import Path

import django.test
import pytest
from django.conf import settings

from tests.loaded_rows import load_content_rows

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
    _put_first(items)


def _put_first(items: list[pytest.Item]) -> None:
    """What needs the rows that migrations make comes before the first test that empties the database after itself."""
    needy = [item for item in items if item.get_closest_marker("as_migrated")]
    others = [item for item in items if item not in needy]
    first = next((number for number, item in enumerate(others) if _empties_database(item)), len(others))
    items[:] = [*others[:first], *needy, *others[first:]]


def _empties_database(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    asks = mark is not None and bool(mark.kwargs.get("transaction"))
    return asks or "transactional_db" in getattr(item, "fixturenames", ())


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
