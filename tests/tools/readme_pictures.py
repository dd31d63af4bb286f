"""`python -m tests.tools.readme_pictures`: take the README's two pictures anew from a site of its own."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.katis_desk import KatisDesk
from tests.browser.people import MAKE_PEOPLE, SUPERVISOR, sign_in
from tests.browser.visitor import Letter, Visitor
from tests.tools.chromium import ADVICE, chromium_path
from tests.tools.running_site import ROOT, RunningSite
from tests.tools.smtp_server import SmtpServer

FOLDER = ROOT / "docs" / "images"
SIZE = (1280, 900)
COLOURS = 128
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


def _save(png: bytes, name: str) -> None:
    """Write a PNG of few colours: flat surfaces and letters lose nothing by it. RuntimeError where it is too large."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    size = path.stat().st_size
    if size > LARGEST:
        raise RuntimeError(f"{path.name} has {size} bytes, more than {LARGEST}.")
    print(f"{path.relative_to(ROOT)}: {size // 1000} kB")


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
    _save(page.screenshot(), "front-page.png")

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
    # Once more, without the word that the note was saved.
    page.goto(page.url, wait_until="networkidle")
    _save(page.screenshot(), "enquiry.png")
    context.close()


def main() -> int:
    path = chromium_path()
    if path is None:
        print(ADVICE, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, SmtpServer() as smtp, sync_playwright() as playwright:
        site = RunningSite(Path(folder), smtp=smtp)
        site.start()
        try:
            site.run(MAKE_PEOPLE)
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            take_pictures(browser, site)
            browser.close()
        finally:
            site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
