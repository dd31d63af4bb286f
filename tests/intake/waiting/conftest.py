"""A mail server in this process, for the tests of what the worker sends to the list."""

from typing import Any

import pytest

from tests.intake.waiting import post_office
from tests.intake.waiting.post_office import PostOffice


@pytest.fixture
def server(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> PostOffice:
    """A new one, empty, that takes every mail."""
    settings.EMAIL_BACKEND = "tests.intake.waiting.post_office.Backend"
    office = PostOffice()
    monkeypatch.setattr(post_office, "SERVER", office)
    return office
