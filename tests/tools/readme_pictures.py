"""`python -m tests.tools.readme_pictures`: retake the README's two screenshots on a temporary site."""

from playwright.sync_api import Browser

from tests.browser.katis_desk import KatisDesk
from tests.browser.people import SUPERVISOR, sign_in
from tests.browser.visitor import Letter, Visitor
from tests.tools.pictures import browser_and_site, save
from tests.tools.running_site import ROOT, RunningSite

FOLDER = ROOT / "docs" / "images"
SIZE = (1280, 900)
LARGEST = 200_000

LETTER = Letter(
    name="Maija Meikäläinen",
    email="maija.meikalainen@esimerkki.fi",
    phone="050 123 4567",
    organisation="Esimerkkilän päiväkoti",
    message=(
        "Hei Kati,\n\n"
        "olemme viiden hengen tiimi, ja syksy on ollut täynnä muutoksia. Jokainen tekee parhaansa, mutta yhteinen "
        "suunta on hukassa, ja asiat jäävät puhumatta, kun kiire vie.\n\n"
        "Toivoisimme tilaa pysähtyä ja miettiä, miten jaamme työt niin, että kaikki jaksavat. Työnohjausta meillä ei "
        "ole aiemmin ollut. Verkossa tapaaminen sopii hyvin.\n\n"
        "Ystävällisin terveisin\nMaija"
    ),
)
NOTE = "Soitettu: sopii kaikille torstaisin iltapäivällä."


def take_pictures(browser: Browser, site: RunningSite) -> None:
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": SIZE[0], "height": SIZE[1]},
        locale="fi-FI",
        color_scheme="light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/", wait_until="networkidle")
    save(page.screenshot(), FOLDER / "front-page.png", largest=LARGEST)

    assert site.smtp
    reference = Visitor(page).send_letter(LETTER)
    site.smtp.wait_for_about(reference, 2)
    page.goto("/admin/")
    sign_in(page, SUPERVISOR)
    page.wait_for_url(site.admin_url)
    desk = KatisDesk(page)
    desk.read(reference)
    desk.move_to("Käsittelyssä")
    page.get_by_label("Muistiinpano").fill(NOTE)
    page.get_by_role("button", name="Tallenna tila ja muistiinpano").click()
    page.wait_for_load_state("networkidle")
    # Reload, to remove the message that the note was saved.
    page.goto(page.url, wait_until="networkidle")
    save(page.screenshot(), FOLDER / "enquiry.png", largest=LARGEST)
    context.close()


if __name__ == "__main__":
    with browser_and_site() as (browser, site):
        take_pictures(browser, site)
