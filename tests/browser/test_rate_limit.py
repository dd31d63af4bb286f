"""Over the rate limit: the text is kept, and the page offers another way of contact."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import NewPage
from tests.browser.visitor import Letter, Visitor
from tests.tools.public_views import Condition, Stage
from tests.tools.running_site import RunningSite


@pytest.fixture
def over_limit(site: RunningSite) -> Iterator[None]:
    """The limit is reached: all allowed posts came from this address. test_real_start.py tests the count itself."""
    with Stage(site) as stage:
        stage.arrange(Condition.OVER_LIMIT)
        yield


@pytest.mark.usefixtures("over_limit")
def test_rate_limit_keeps_text_and_shows_wait(new_page: NewPage) -> None:
    page = new_page()
    visitor = Visitor(page)
    letter = Letter()
    visitor.open_form()
    visitor.write(letter)
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        visitor.send()
    assert answer.value.status == 429
    expect(visitor.summary).to_be_focused()
    expect(visitor.summary).to_contain_text("soita 050 534 8567")
    expect(visitor.summary).to_have_text(re.compile(r"Odota (59|60) minuuttia"))
    visitor.expect_words_kept(letter)
    assert_accessible(page)

    plain = Visitor(new_page(java_script_enabled=False))
    plain.open_form()
    plain.write(letter)
    plain.send()
    expect(plain.summary).to_contain_text("soita 050 534 8567")
    plain.expect_words_kept(letter)
