"""Setting up and using a second step at login: an app, recovery codes, and a passkey in the browser."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.aijuu_site.accounts.second_step_visits import code_of
from tests.browser.conftest import DESK, PHONE, Watch
from tests.browser.people import SUPERVISOR, sign_in
from tests.browser.waits import SECONDS, next_document
from tests.tools.running_site import RunningSite, free_port

OWN = "/admin/account/login/"


@pytest.fixture(scope="module")
def named_site(started_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site under a host name, which passkeys need. Browsers treat this one as secure without https."""
    data_dir = tmp_path_factory.mktemp("named") / "data"
    shutil.copytree(started_once, data_dir)
    port = free_port()
    site = RunningSite(data_dir, port=port, overrides={"SITE_URL": f"http://localhost:{port}"})
    site.start()
    yield site
    assert site.stop() == 0, "\n".join(site.output)


@pytest.fixture
def page(chromium: Browser, named_site: RunningSite) -> Iterator[Page]:
    url = named_site.environment["SITE_URL"]
    context = chromium.new_context(base_url=url, viewport=DESK, locale="fi-FI", reduced_motion="reduce")
    context.set_default_timeout(SECONDS * 1000)
    page, watch = context.new_page(), Watch(url)
    watch.attach(page)
    yield page
    context.close()
    assert not watch.problems, "\n".join(watch.problems)


def give_password(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/admin/")
    sign_in(page, SUPERVISOR)


def give_code(page: Page, code: str) -> None:
    page.locator("input[name=code]").fill(code)
    with next_document(page):
        page.locator("input[name=code]").press("Enter")


def answer_question(page: Page) -> None:
    page.locator("input[name=confirm_password]").fill(SUPERVISOR.password)
    with next_document(page):
        page.get_by_role("button", name="Vahvista", exact=True).click()


def device_with_reader(page: Page) -> Callable[[], object]:
    """Add a virtual fingerprint reader that always approves. Return a function that deletes its keys."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True}
    reader = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    return lambda: devtools.send("WebAuthn.clearCredentials", {"authenticatorId": reader})


def test_app_recovery_code_and_passkey_sign_in(page: Page) -> None:
    forget_keys = device_with_reader(page)
    give_password(page)
    page.goto("/admin/account/")
    with next_document(page):
        page.get_by_role("link", name="Näytä ja muuta").click()
    with next_document(page):
        page.get_by_role("link", name="Ota koodisovellus käyttöön").click()
    answer_question(page)
    page.get_by_text("Kuvan lukeminen ei onnistu").click()
    secret = page.locator("code").inner_text().replace(" ", "")
    give_code(page, code_of(secret))
    code = page.locator("main code").first.inner_text()
    with next_document(page):
        page.get_by_role("link", name="Takaisin").click()
    expect(page.get_by_text("10 koodia on käyttämättä")).to_be_visible()

    # The password alone opens no page.
    give_password(page)
    expect(page.get_by_role("heading", name="Vahvista kirjautuminen")).to_be_visible()
    page.goto("/admin/yhteydenotot/")
    expect(page.locator("input[name=username]")).to_be_visible()
    give_password(page)
    give_code(page, "000000")
    expect(page.get_by_text("Koodi tai avain ei kelvannut. Yritä uudelleen.")).to_be_visible()
    give_code(page, code_of(secret))
    expect(page.get_by_role("navigation", name="Päävalikko")).to_be_visible()

    give_password(page)
    give_code(page, code)
    page.goto(f"{OWN}passkeys/add/")
    answer_question(page)
    page.set_viewport_size(PHONE)
    page.get_by_label("Nimi, josta tunnistat sen").fill("Kannettava")
    with next_document(page):
        page.get_by_role("button", name="Luo pääsyavain").click()
    expect(page.get_by_text("Kannettava (luotu")).to_be_visible()
    expect(page.get_by_text("9 koodia on käyttämättä")).to_be_visible()

    give_password(page)
    with next_document(page):
        page.get_by_role("button", name="Kirjaudu pääsyavaimella").click()
    expect(page).to_have_url(f"{page.url.partition('/admin/')[0]}/admin/")
    page.goto(f"{OWN}passkeys/add/")
    expect(page.get_by_role("heading", name="Vahvista, että se olet sinä")).to_be_visible()
    with next_document(page):
        page.get_by_role("button", name="Vahvista pääsyavaimella").click()
    expect(page.get_by_role("heading", name="Luo pääsyavain")).to_be_visible()

    # On a device without a passkey for this account, the other second steps still work.
    forget_keys()
    give_password(page)
    page.get_by_role("button", name="Kirjaudu pääsyavaimella").click()
    expect(page.get_by_text("Pääsyavain ei toiminut tällä kertaa.")).to_be_visible()
    expect(page.locator("input[name=code]")).to_be_visible()
