"""Over the limit of posts from one address: nothing is lost, and there is another way."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import NewPage, Watch
from tests.browser.visitor import Letter, Visitor
from tests.tools.running_site import RunningSite


@pytest.fixture
def strict_site(started_once: Path, watch: Watch, tmp_path: Path) -> Iterator[RunningSite]:
    """A site of its own that takes two posts an hour from one address."""
    data_dir = tmp_path / "data"
    shutil.copytree(started_once, data_dir)
    site = RunningSite(data_dir, overrides={"FORM_RATE_LIMIT": "2"})
    site.start()
    watch.hosts.add(urlsplit(site.url).netloc)
    yield site
    assert site.stop() == 0, "\n".join(site.output)


def test_rate_limit_keeps_text_and_shows_wait(strict_site: RunningSite, new_page: NewPage) -> None:
    page = new_page(base_url=strict_site.url)
    visitor = Visitor(page)
    for _ in range(2):
        visitor.open_form()
        visitor.write(Letter())
        visitor.send()
        visitor.wait_for_thanks()
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

    plain = Visitor(new_page(base_url=strict_site.url, java_script_enabled=False))
    plain.open_form()
    plain.write(letter)
    plain.send()
    expect(plain.summary).to_contain_text("soita 050 534 8567")
    plain.expect_words_kept(letter)
