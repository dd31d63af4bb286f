"""The admin on a phone: save buttons stay visible, lists are readable, nothing is cut off."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.conftest import DESK, PHONE, NewPage
from tests.browser.katis_desk import LIST, REMOVE_ALL, KatisDesk
from tests.browser.people import Account, sign_in
from tests.tools.running_site import RunningSite

LONG_NAMES = (
    "from tests.intake.enquiries import received\n"
    "received(name='X' * 100)\n"
    "received(name='Maksimilian-Aleksanteri ' * 4 + 'von')\n"
    # The longest values of every column.
    "import uuid\nfrom datetime import timedelta\nfrom django.utils import timezone\n"
    "from intake.models import Enquiry, InitialMapping\nnow = timezone.now()\n"
    "old = received(name='Satakunnanhyvinvointialueen Työyhteisö', now=now - timedelta(days=1200))\n"
    "old.mails.update(state='queued')\n"
    "Enquiry.objects.filter(pk=old.pk).update(verdict='quarantined', status='awaiting_reply')\n"
    "InitialMapping.objects.create(\n"
    "    enquiry=old, started_at=now, created_at=now, expires_at=now, submission_id=uuid.uuid4()\n"
    ")\n"
)
PAUSE, CONTACT = "/admin/settings/home/pausenotice/1/", "/admin/settings/home/contactdetails/1/"
INTAKE = "/admin/settings/intake/intakesettings/1/"

# Elements of the main part that extend beyond the window, except those that should: a sliding panel, and column
# headings for screen readers only.
CUT_OFF = """() => [...document.querySelectorAll('main *')].filter(element => {
  const box = element.getBoundingClientRect();
  return element.checkVisibility({visibilityProperty: true}) && box.width > 1 && box.height > 1
    && (box.right > innerWidth + 1 || box.left < -1) && !element.closest('.w-minimap, .Draftail-BlockToolbar, thead');
}).map(element => element.outerHTML.slice(0, 80))"""

ROOM_AROUND_WORDS = """button => {
  const words = document.createRange();
  words.selectNodeContents(button.lastChild);
  const [inner, outer] = [words.getBoundingClientRect(), button.getBoundingClientRect()];
  return [inner.top - outer.top, outer.bottom - inner.bottom];
}"""


@pytest.fixture
def phone(new_page: NewPage, kati_signed_in: StorageState) -> Page:
    return new_page(viewport=PHONE, storage_state=kati_signed_in)


@pytest.fixture
def long_names(site: RunningSite) -> Iterator[None]:
    """Three enquiries with long values, and no others."""
    site.run(REMOVE_ALL + LONG_NAMES)
    yield
    site.run(REMOVE_ALL)


def page_editor(site: RunningSite, kind: str) -> str:
    number = site.run(f"from wagtail.models import Page\nprint(Page.objects.get(content_type__model={kind!r}).pk)")
    return f"/admin/pages/{number.strip()}/edit/"


def assert_what_saves_is_in_reach(phone: Page) -> None:
    button = phone.locator("form > .footer button").first
    for share in (0, 0.5, 1):
        phone.locator("main").evaluate("(main, share) => main.scrollTo(0, main.scrollHeight * share)", share)
        expect(button).to_be_in_viewport(ratio=1)


def test_page_save_button_is_always_visible(phone: Page, site: RunningSite) -> None:
    for kind in ("homepage", "mappingpage"):
        phone.goto(page_editor(site, kind))
        assert_what_saves_is_in_reach(phone)


def test_settings_fit_with_save_button_visible(phone: Page) -> None:
    for place in (PAUSE, CONTACT, INTAKE):
        phone.goto(place)
        expect(phone.locator("form > .footer button").first).to_be_visible()
        assert phone.evaluate(CUT_OFF) == [], place
        for select in phone.locator("main select").all():
            assert select.evaluate("select => select.scrollWidth <= select.clientWidth"), select.inner_text()
        assert_what_saves_is_in_reach(phone)


def test_page_list_titles_fit_on_one_line(phone: Page, site: RunningSite) -> None:
    phone.goto(page_editor(site, "homepage").removesuffix("edit/"))
    titles = phone.locator("tbody td.title a span")
    assert titles.count() > 4
    for title in titles.all():
        box, lines = title.bounding_box(), title.evaluate("span => span.getClientRects().length")
        assert box, title
        assert lines == 1, title.inner_text()
        assert box["x"] + box["width"] <= PHONE["width"]
    assert phone.evaluate(CUT_OFF) == []


@pytest.mark.usefixtures("long_names")
def test_enquiry_list_fits_every_width(desk: KatisDesk) -> None:
    """1223 and 1224 are on both sides of the breakpoint at which the rows become a table."""
    for width in (320, 390, 600, 768, 1024, 1130, 1223, 1224, 1280, 1440, 1920):
        desk.page.set_viewport_size({**DESK, "width": width})
        desk.page.goto(LIST)
        expect(desk.rows).to_have_count(3)
        assert desk.page.evaluate(CUT_OFF) == [], width


def test_export_button_text_is_vertically_centred(desk: KatisDesk) -> None:
    for width in (390, 1280):
        desk.page.set_viewport_size({**DESK, "width": width})
        desk.page.goto(LIST)
        above, below = desk.page.get_by_role("link", name="Lataa XLSX").evaluate(ROOM_AROUND_WORDS)
        assert abs(above - below) <= 3, width


@pytest.mark.usefixtures("long_names")
def test_first_new_enquiry_visible_without_scrolling(phone: Page) -> None:
    for words in ("part=new", "status__exact=new"):
        phone.goto(f"{LIST}?{words}")
        expect(phone.locator("tr[data-object-pk]").first.get_by_role("link")).to_be_in_viewport(ratio=1)


@pytest.mark.usefixtures("long_names")
def test_filters_open_without_a_script(new_page: NewPage, kati_signed_in: StorageState) -> None:
    # Not on a phone, where Wagtail's menu needs its script.
    page = new_page(viewport=DESK, storage_state=kati_signed_in, java_script_enabled=False)
    page.goto(f"{LIST}?part=new")
    page.get_by_text("Suodata luetteloa").click()
    page.get_by_text("Tila", exact=True).first.click()
    page.get_by_role("link", name="Päättynyt").click()
    expect(page).to_have_url(re.compile("status__exact=closed"))


def test_user_list_names_are_not_squeezed(new_page: NewPage, site: RunningSite) -> None:
    phone = new_page(viewport=PHONE)
    phone.goto("/admin/users/")
    sign_in(phone, Account(site.admin_email, "", site.admin_password))
    names = phone.locator("td.name.title a")
    expect(names.first).to_be_visible()
    for name in names.all():
        box = name.bounding_box()
        assert box is not None
        # At most two lines: in a squeezed column, each letter was on its own line.
        assert box["height"] < 60
    assert phone.evaluate(CUT_OFF) == []
