"""What all tests share."""

import shutil

import pytest
from django.conf import settings
from django.core.management import call_command


def pytest_unconfigure() -> None:
    # Each test process made a data folder of its own (settings/test.py).
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture
def loaded_site(db: None) -> None:
    """The site with its first content, as a new installation has it."""
    call_command("load_content", verbosity=0)
