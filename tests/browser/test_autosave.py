"""Wagtail saves drafts by itself: nothing of hers is left out of it, and nothing is saved that she did not write."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.browser.katis_desk import KatisDesk
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite

TITLE = "Tietosuoja"
# In the answer to the first save, as if she had typed just then. The save itself is the real one.
_TYPE_MEANWHILE = """() => {
  const real = window.fetch;
  let saves = 0;
  window.fetch = async (address, options) => {
    const answer = await real(address, options);
    if (options?.headers?.Accept !== "application/json") return answer;
    document.body.dataset.saves = ++saves;
    if (saves === 1) {
      const title = document.querySelector("#id_title");
      title.value += " ja toinen";
      title.dispatchEvent(new Event("input", { bubbles: true }));
    }
    return answer;
  };
}"""
_PUT_BACK = (
    "from wagtail.models import Page\n"
    f"page = Page.objects.get(title={TITLE!r})\n"
    "page.revisions.all().delete()\n"
    "same = Page.objects.filter(pk=page.pk)\n"
    "same.update(draft_title=page.title, latest_revision=None, has_unpublished_changes=False)\n"
)
_DRAFT = f"from wagtail.models import Page; print(Page.objects.get(title={TITLE!r}).draft_title)"
_REVISIONS = "from wagtail.models import Page; print(Page.objects.get(title={title!r}).revisions.count())"


def open_editor(desk: KatisDesk, title: str) -> Page:
    page = desk.page
    page.goto("/admin/pages/")
    with next_document(page):
        page.get_by_role("link", name=title, exact=True).first.click()
    desk.wait_until_edits_are_watched()
    return page


@pytest.fixture
def put_back(site: RunningSite) -> Iterator[None]:
    yield
    site.run(_PUT_BACK)


@pytest.mark.usefixtures("put_back")
def test_what_came_while_saving_is_saved(desk: KatisDesk, site: RunningSite) -> None:
    page = open_editor(desk, TITLE)
    page.evaluate(_TYPE_MEANWHILE)
    page.locator("#id_title").fill("Yksi")
    expect(page.locator("body")).to_have_attribute("data-saves", "2")
    expect(page.locator("#page-edit-form")).to_have_attribute("data-w-unsaved-has-edits-value", "false")
    page.wait_for_timeout(2500)
    expect(page.locator("body")).to_have_attribute("data-saves", "2")
    assert site.run(_DRAFT).strip() == "Yksi ja toinen"


@pytest.mark.usefixtures("put_back")
def test_what_is_not_saved_is_asked_about(desk: KatisDesk) -> None:
    page = open_editor(desk, TITLE)
    page.evaluate(_TYPE_MEANWHILE)
    saves: list[Route] = []

    def refuse_the_second(route: Route) -> None:
        if route.request.method == "POST":
            saves.append(route)
        if len(saves) > 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/edit/", refuse_the_second)
    page.locator("#id_title").fill("Yksi")
    expect(page.locator("#id_title")).to_have_value("Yksi ja toinen")
    expect(page.locator("#page-edit-form")).to_have_attribute("data-w-unsaved-has-edits-value", "true")
    page.wait_for_timeout(2000)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.goto("/admin/")
    assert asked == ["beforeunload"]


@pytest.mark.parametrize("title", ["Alkukartoitus", TITLE])
def test_an_untouched_editor_makes_no_draft(desk: KatisDesk, site: RunningSite, title: str) -> None:
    # Of this page alone: what another test's page was saving may still be on its way.
    revisions = _REVISIONS.format(title=title)
    before = site.run(revisions)
    open_editor(desk, title)
    desk.page.locator(".public-DraftEditor-content:visible").first.click()
    desk.page.wait_for_timeout(3000)
    assert site.run(revisions) == before
