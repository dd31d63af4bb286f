"""Wagtail saves drafts by itself: nothing of hers is left out of it, and nothing is saved that she did not write."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Dialog, Page, Route, expect

from tests.browser.katis_desk import KatisDesk
from tests.browser.question_editor import open_more_actions, publish
from tests.browser.waits import eventually, first_held, next_document
from tests.tools.running_site import RunningSite

TITLE, QUESTIONS, NEW = "Tietosuoja", "Alkukartoitus", "Kokeilusivu"
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
# As on a slow machine: Wagtail looks for changes from two seconds after its start, and the editor is drawn after that.
_DRAW_LATE = """addEventListener("w-draftail:init", (event) => {
  if (event.detail.isLate) return;
  event.stopImmediatePropagation();
  const again = new CustomEvent(event.type, { bubbles: true, detail: { ...event.detail, isLate: true } });
  setTimeout(() => event.target.dispatchEvent(again), 3000);
}, true)"""
# As an extension of the browser does it: no key, no click.
_FILL_IN = """() => {
  const title = document.querySelector("#id_title");
  title.value = "Täytetty";
  title.dispatchEvent(new Event("input", { bubbles: true }));
}"""
_PUT_BACK = (
    "from wagtail.models import Page\n"
    "page = Page.objects.get(title={title!r})\n"
    "page.revisions.all().delete()\n"
    "same = Page.objects.filter(pk=page.pk)\n"
    "same.update(draft_title=page.title, latest_revision=None, has_unpublished_changes=False)\n"
)
_TAKE_NEW_AWAY = f"""
from wagtail.models import Page
new = Page.objects.filter(title={NEW!r})
print([page.live for page in new])
for page in new:
    page.delete()
"""
# The questions end with a step that has none: a draft may, but it can't be published.
_UNFINISHED = """
import json
from intake.mapping.page import MappingPage
from tests.intake.mapping.asking import row
page = MappingPage.objects.get()
page.questions = json.dumps([*page.questions.get_prep_value(), row("step", "tyhja", title="Tyhjä")])
page.save_revision()
"""
# Her click comes while what Wagtail would save by itself waits for its half second.
_PUBLISH_MEANWHILE = """() => addEventListener(
  "w-autosave:save",
  () => setTimeout(() => document.querySelector("[name='action-publish']").click()),
  { once: true },
)"""
_DRAFT = "from wagtail.models import Page; print(Page.objects.get(title={title!r}).draft_title)"
_REVISIONS = "from wagtail.models import Page; print(Page.objects.get(title={title!r}).revisions.count())"


def asked_on_leaving(page: Page) -> list[str]:
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.goto("/admin/")
    return asked


@pytest.fixture
def put_back(site: RunningSite) -> Iterator[None]:
    yield
    site.run(_PUT_BACK.format(title=TITLE))


@pytest.mark.usefixtures("put_back")
def test_what_came_while_saving_is_saved(desk: KatisDesk, site: RunningSite) -> None:
    page = desk.page
    desk.open_editor(site, TITLE)
    page.evaluate(_TYPE_MEANWHILE)
    page.locator("#id_title").fill("Yksi")
    expect(page.locator("body")).to_have_attribute("data-saves", "2")
    expect(page.locator("#page-edit-form")).to_have_attribute("data-w-unsaved-has-edits-value", "false")
    page.wait_for_timeout(2500)
    expect(page.locator("body")).to_have_attribute("data-saves", "2")
    assert site.run(_DRAFT.format(title=TITLE)).strip() == "Yksi ja toinen"


@pytest.mark.usefixtures("put_back")
def test_what_is_not_saved_is_asked_about(desk: KatisDesk, site: RunningSite) -> None:
    page = desk.page
    desk.open_editor(site, TITLE)
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
    assert asked_on_leaving(page) == ["beforeunload"]


@pytest.fixture
def unfinished(desk: KatisDesk, site: RunningSite) -> Iterator[Page]:
    """The questions in her editor, with a mistake that shows when they are published."""
    site.run(_UNFINISHED)
    desk.open_editor(site, QUESTIONS)
    yield desk.page
    site.run(_PUT_BACK.format(title=QUESTIONS))


def test_nothing_is_saved_after_what_is_sent_by_hand(desk: KatisDesk, unfinished: Page) -> None:
    page = unfinished
    held: list[tuple[Route, APIResponse]] = []
    saved_by_itself: list[str] = []

    def hold(route: Route) -> None:
        if route.request.is_navigation_request():
            held.append((route, route.fetch()))
        else:
            saved_by_itself.append(route.request.url)
            route.continue_()

    def held_after_a_while() -> int:
        page.wait_for_timeout(1500)
        return len(held)

    page.route("**/edit/", hold)
    page.evaluate(_PUBLISH_MEANWHILE)
    page.locator("#id_title").fill("Kartoitus")
    eventually(held_after_a_while, bool)
    assert saved_by_itself == []
    with next_document(page):
        held[0][0].fulfill(response=held[0][1])
    page.unroute("**/edit/", hold)
    expect(page.locator(".messages")).to_contain_text("Sivua ei voitu tallentaa")
    # What she typed is saved now, and nothing is held for another window's.
    expect(page.locator("#page-edit-form")).to_have_attribute("data-w-unsaved-has-edits-value", "false")
    with next_document(page):
        page.get_by_role("button", name="Tallenna luonnos").click()
    expect(page.locator(".messages")).to_contain_text("päivitetty")


def test_what_is_sent_by_hand_waits_for_a_save_on_its_way(desk: KatisDesk, unfinished: Page) -> None:
    page = unfinished
    on_its_way: list[Route] = []
    sent_by_hand: list[Route] = []

    def note(route: Route) -> None:
        if route.request.is_navigation_request():
            sent_by_hand.append(route)
        route.fallback()

    page.route("**/edit/", lambda route: on_its_way.append(route), times=1)
    page.route("**/edit/", note)
    page.locator("#id_title").fill("Kartoitus")
    saving = first_held(page, on_its_way)
    page.locator("#id_title").fill("Kartoitukset")
    open_more_actions(page)
    with next_document(page):
        page.get_by_role("button", name="Julkaise", exact=True).click()
        page.wait_for_timeout(1500)
        assert sent_by_hand == []
        saving.continue_()
    # That the form was told which button was pressed, the refusal shows; the server knows nothing newer.
    expect(page.locator(".messages")).to_contain_text("Sivua ei voitu tallentaa")
    assert len(sent_by_hand) == 1
    expect(page.locator("#id_title")).to_have_value("Kartoitukset")
    page.locator("#id_title").fill("Kartoitus")
    expect(page.locator("#page-edit-form")).to_have_attribute("data-w-unsaved-has-edits-value", "false")
    expect(page.get_by_text("Automaattinen tallennus on keskeytetty").locator("visible=true")).to_have_count(0)
    page.unroute("**/edit/", note)


def test_a_new_page_published_while_it_is_saved_is_one_page(desk: KatisDesk, site: RunningSite) -> None:
    page = desk.page
    parent = site.run("from home.pages import HomePage\nprint(HomePage.objects.get().pk)").strip()
    page.goto(f"/admin/pages/add/home/contentpage/{parent}/", wait_until="networkidle")
    on_its_way: list[Route] = []
    page.route("**/add/home/contentpage/**", lambda route: on_its_way.append(route), times=1)
    page.locator("#id_title").press_sequentially(NEW)
    saving = first_held(page, on_its_way)
    open_more_actions(page)
    with next_document(page):
        page.get_by_role("button", name="Julkaise", exact=True).click()
        page.wait_for_timeout(500)
        saving.continue_()
    expect(page.locator(".messages")).to_contain_text(f"Sivu '{NEW}' julkaistu")
    assert site.run(_TAKE_NEW_AWAY).strip() == "[True]"


def test_what_is_sent_by_hand_waits_no_longer_than_ten_seconds(desk: KatisDesk, unfinished: Page) -> None:
    page = unfinished
    on_its_way: list[Route] = []
    page.route("**/edit/", lambda route: on_its_way.append(route), times=1)
    page.locator("#id_title").fill("Kartoitus")
    never = first_held(page, on_its_way)
    open_more_actions(page)
    with next_document(page):
        page.get_by_role("button", name="Julkaise", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("Sivua ei voitu tallentaa")
    never.abort()


@pytest.mark.usefixtures("put_back")
def test_saving_by_itself_goes_on_where_nothing_answers(desk: KatisDesk, site: RunningSite) -> None:
    desk.page.clock.install()
    page = desk.page
    desk.open_editor(site, TITLE)
    stopped: list[Route] = []

    def stop(route: Route) -> None:
        if route.request.is_navigation_request():
            stopped.append(route)
            route.abort("aborted")
        else:
            route.continue_()

    page.route("**/edit/", stop)
    page.locator("#id_title").fill("Yksi")
    page.get_by_role("button", name="Tallenna luonnos").click()
    first_held(page, stopped)
    page.wait_for_timeout(2500)
    assert site.run(_DRAFT.format(title=TITLE)).strip() == TITLE
    page.unroute("**/edit/", stop)
    page.clock.fast_forward(30_000)
    eventually(lambda: site.run(_DRAFT.format(title=TITLE)).strip(), lambda title: title == "Yksi")


def test_a_page_with_mistakes_is_saved_as_any_other(desk: KatisDesk, unfinished: Page, site: RunningSite) -> None:
    page = unfinished
    publish(page)
    expect(page.locator(".messages")).to_contain_text("Sivua ei voitu tallentaa")
    expect(page.locator("#page-edit-form")).to_have_attribute("data-w-unsaved-has-edits-value", "false")
    page.locator("#id_title").fill("Kartoitus")
    eventually(lambda: site.run(_DRAFT.format(title=QUESTIONS)).strip(), lambda title: title == "Kartoitus")


@pytest.mark.parametrize(
    ("title", "is_slow"),
    [(QUESTIONS, False), (TITLE, False), (TITLE, True)],
    ids=["questions", "text", "text that is drawn late"],
)
def test_an_untouched_editor_makes_no_draft(desk: KatisDesk, site: RunningSite, title: str, *, is_slow: bool) -> None:
    # Of this page alone: what another test's page was saving may still be on its way.
    revisions = _REVISIONS.format(title=title)
    before = site.run(revisions)
    if is_slow:
        desk.page.add_init_script(_DRAW_LATE)
    desk.open_editor(site, title)
    desk.page.locator(".public-DraftEditor-content:visible").first.click()
    # As long again as the drawing takes, where it is late.
    desk.page.wait_for_timeout(6000 if is_slow else 3000)
    assert site.run(revisions) == before
    desk.page.get_by_role("button", name="Tila päälle/pois").click()
    assert asked_on_leaving(desk.page) == []


@pytest.mark.usefixtures("put_back")
def test_what_was_written_at_once_is_saved(desk: KatisDesk, site: RunningSite) -> None:
    page = desk.page
    desk.open_editor(site, TITLE)
    page.locator("#id_title").fill("Heti")
    eventually(lambda: site.run(_DRAFT.format(title=TITLE)).strip(), lambda title: title == "Heti")


@pytest.mark.usefixtures("put_back")
def test_what_the_editor_itself_writes_is_no_change(desk: KatisDesk, site: RunningSite) -> None:
    page = desk.page
    desk.open_editor(site, TITLE)
    revisions = _REVISIONS.format(title=TITLE)
    before = site.run(revisions)
    page.evaluate("() => { document.querySelector('[name=intro]').value += ' '; }")
    page.wait_for_timeout(3000)
    assert site.run(revisions) == before
    page.locator("#id_title").fill("Yksi")
    eventually(lambda: site.run(_DRAFT.format(title=TITLE)).strip(), lambda title: title == "Yksi")


@pytest.mark.usefixtures("put_back")
def test_what_a_program_fills_in_at_once_is_saved(desk: KatisDesk, site: RunningSite) -> None:
    page = desk.page
    desk.open_editor(site, TITLE)
    page.evaluate(_FILL_IN)
    eventually(lambda: site.run(_DRAFT.format(title=TITLE)).strip(), lambda title: title == "Täytetty")


@pytest.mark.usefixtures("put_back")
def test_what_a_program_fills_in_as_watching_begins_is_saved(desk: KatisDesk, site: RunningSite) -> None:
    """Wagtail begins twice to look for changes in the form of a page; the second time it took this for saved."""
    page = desk.page
    page.add_init_script(f"addEventListener('w-unsaved:watch-edits', () => setTimeout({_FILL_IN}), {{ once: true }})")
    desk.open_editor(site, TITLE)
    eventually(lambda: site.run(_DRAFT.format(title=TITLE)).strip(), lambda title: title == "Täytetty")
