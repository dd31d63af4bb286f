"""Fixtures: a visitor, the front page, and a media folder for each test."""

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
    """The front page created by the migration."""
    return HomePage.objects.get(slug="etusivu")


@pytest.fixture
def visitor(loaded_site: None) -> Client:
    """A client of the site with its initial content."""
    return Client()
