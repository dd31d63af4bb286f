"""A visitor of the site; pictures go to a folder of the test's own."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from home.models import HomePage


@pytest.fixture(autouse=True)
def media_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def front_page(db: None) -> HomePage:
    """The front page as the migration makes it."""
    return HomePage.objects.get(slug="etusivu")


@pytest.fixture
def visitor(loaded_site: None) -> Client:
    """Somebody who reads the site with its first content."""
    return Client()
