"""Wagtail's autosave with static/js/unsaved.js: every change is saved, and no draft is saved without a change."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Dialog, Page, Route, expect

from tests.browser.katis_desk import KatisDesk
from tests.browser.question_editor import open_more_actions, publish
from tests.browser.waits import eventually, first_held, next_document
from tests.tools.running_site import RunningSite

TITLE, QUESTIONS, NEW = "Tietosuoja", "Alkukartoitus", "Kokeilusivu"
# Changes the title when the first save returns, as if the editor typed just then. The save itself is real.
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
# Simulates a slow machine: Wagtail watches for changes from two seconds after its start, the editor is rendered later.
_DRAW_LATE = """addEventListener("w-draftail:init", (event) => {
  if (event.detail.isLate) return;
  event.stopImmediatePropagation();
  const again = new CustomEvent(event.type, { bubbles: true, detail: { ...event.detail, isLate: true } });
  setTimeout(() => event.target.dispatchEvent(again), 3000);
}, true)"""
# Fills a field as a browser extension does: without a key or click.
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
# The last step has no questions: allowed in a draft, but it can't be published.
_UNFINISHED = """
import json
from intake.mapping.page import MappingPage
from tests.intake.mapping.asking import row
page = MappingPage.objects.get()
page.questions = json.dumps([*page.questions.get_prep_value(), row("step", "tyhja", title="Tyhjä")])
page.save_revision()
"""
# Clicks the button during the half second that an autosave waits before sending.
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
def test_change_during_autosave_is_saved(desk: KatisDesk, site: RunningSite) -> None:
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
def test_leaving_after_failed_autosave_warns(desk: KatisDesk, site: RunningSite) -> None:
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
    """The question editor with a draft that fails validation when it is published."""
    site.run(_UNFINISHED)
    desk.open_editor(site, QUESTIONS)
    yield desk.page
    site.run(_PUT_BACK.format(title=QUESTIONS))


def test_no_autosave_after_manual_submit(desk: KatisDesk, unfinished: Page) -> None:
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
    # The typed text is saved now, and there is no false conflict with another window.
    expect(page.locator("#page-edit-form")).to_have_attribute("data-w-unsaved-has-edits-value", "false")
    with next_document(page):
        page.get_by_role("button", name="Tallenna luonnos").click()
    expect(page.locator(".messages")).to_contain_text("päivitetty")


def test_manual_submit_waits_for_running_autosave(desk: KatisDesk, unfinished: Page) -> None:
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
    # The refusal shows that the form was submitted with the clicked button, and that there was no newer version.
    expect(page.locator(".messages")).to_contain_text("Sivua ei voitu tallentaa")
    assert len(sent_by_hand) == 1
    expect(page.locator("#id_title")).to_have_value("Kartoitukset")
    page.locator("#id_title").fill("Kartoitus")
    expect(page.locator("#page-edit-form")).to_have_attribute("data-w-unsaved-has-edits-value", "false")
    expect(page.get_by_text("Automaattinen tallennus on keskeytetty").locator("visible=true")).to_have_count(0)
    page.unroute("**/edit/", note)


def test_publishing_during_autosave_creates_one_page(desk: KatisDesk, site: RunningSite) -> None:
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


def test_manual_submit_waits_ten_seconds_at_most(desk: KatisDesk, unfinished: Page) -> None:
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
def test_autosave_resumes_after_unanswered_submit(desk: KatisDesk, site: RunningSite) -> None:
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


def test_form_with_errors_is_autosaved(desk: KatisDesk, unfinished: Page, site: RunningSite) -> None:
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
    # Count only this page's revisions: a save of another test's page may still be running.
    revisions = _REVISIONS.format(title=title)
    before = site.run(revisions)
    if is_slow:
        desk.page.add_init_script(_DRAW_LATE)
    desk.open_editor(site, title)
    desk.page.locator(".public-DraftEditor-content:visible").first.click()
    # If rendering is delayed, wait twice as long.
    desk.page.wait_for_timeout(6000 if is_slow else 3000)
    assert site.run(revisions) == before
    desk.page.get_by_role("button", name="Tila päälle/pois").click()
    assert asked_on_leaving(desk.page) == []


@pytest.mark.usefixtures("put_back")
def test_text_typed_immediately_is_autosaved(desk: KatisDesk, site: RunningSite) -> None:
    page = desk.page
    desk.open_editor(site, TITLE)
    page.locator("#id_title").fill("Heti")
    eventually(lambda: site.run(_DRAFT.format(title=TITLE)).strip(), lambda title: title == "Heti")


@pytest.mark.usefixtures("put_back")
def test_change_by_editor_script_is_not_autosaved(desk: KatisDesk, site: RunningSite) -> None:
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
def test_immediate_autofill_is_autosaved(desk: KatisDesk, site: RunningSite) -> None:
    page = desk.page
    desk.open_editor(site, TITLE)
    page.evaluate(_FILL_IN)
    eventually(lambda: site.run(_DRAFT.format(title=TITLE)).strip(), lambda title: title == "Täytetty")


@pytest.mark.usefixtures("put_back")
def test_autofill_at_start_of_watching_is_autosaved(desk: KatisDesk, site: RunningSite) -> None:
    """Wagtail starts to watch a page's form twice; the second time it treated this change as saved."""
    page = desk.page
    page.add_init_script(f"addEventListener('w-unsaved:watch-edits', () => setTimeout({_FILL_IN}), {{ once: true }})")
    desk.open_editor(site, TITLE)
    eventually(lambda: site.run(_DRAFT.format(title=TITLE)).strip(), lambda title: title == "Täytetty")
