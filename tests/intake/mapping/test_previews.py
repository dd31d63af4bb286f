"""The previews in the mapping's editor: every page of the draft opens, and the editor's frame can show it."""

import pytest
from django.test import RequestFactory

from intake.models import MappingPage

pytestmark = pytest.mark.django_db


def preview(page: MappingPage, mode: str) -> tuple[int, str, str]:
    """Return the status, HTML and Content-Security-Policy of one preview, requested as by the editor."""
    request = RequestFactory().get("/")
    response = page.make_preview_request(request, mode, {"in_preview_panel": True})
    return response.status_code, response.text, response["Content-Security-Policy"]


def heading(html: str) -> str:
    return html.partition("<h1")[2].partition(">")[2].partition("</h1>")[0].replace("\u00ad", "").strip()


@pytest.mark.usefixtures("loaded_site")
def test_every_preview_mode_renders_and_is_frameable() -> None:
    page = MappingPage.objects.get()
    headings = []
    for mode, _label in page.preview_modes:
        status, html, rules = preview(page, mode)
        assert status == 200, mode
        assert "frame-ancestors 'self'" in rules, mode
        headings.append(heading(html))
    assert len(headings) == len(set(headings)) >= 6


@pytest.mark.usefixtures("loaded_site")
@pytest.mark.parametrize(
    "mode", ["step-99", "step-0", "step-", "muu", "step-٣x", "step-" + "9" * 5000, "ending-" + "9" * 5000]
)
def test_preview_of_a_missing_step_shows_the_start(mode: str) -> None:
    """The editor's list of previews may be outdated: Kati may have removed the step that she previews."""
    page = MappingPage.objects.get()
    status, html, rules = preview(page, mode)
    assert status == 200
    assert "frame-ancestors 'self'" in rules
    assert heading(html) == heading(preview(page, "")[1])
