"""The first view of the front page: how many files it names."""

import re
from pathlib import Path

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

CSS = Path(__file__).resolve().parent.parent.parent / "static" / "css" / "site.css"
MOST = 6


def test_the_front_page_needs_at_most_six_requests(visitor: Client) -> None:
    html = visitor.get("/").text
    links = re.findall(r'<link rel="(preload|stylesheet|icon)" href="([^"]+)"', html)
    needed = {address for _rel, address in links}
    needed |= set(re.findall(r'<(?:img|script)[^>]* src="([^"]+)"', html))
    in_css = {Path(name).name for name in re.findall(r'url\("?([^)"]+)"?\)', CSS.read_text(encoding="utf-8"))}
    needed |= in_css - {Path(address).name for address in needed}
    assert {rel for rel, _address in links} == {"preload", "stylesheet", "icon"}
    assert 1 + len(needed) <= MOST, sorted(needed)
