"""`python -m tests.tools.guide_pictures`: retake the screenshots of the editor's guide on a temporary site.

Each picture shows a part of the admin in a window 1280 px wide, with invented people.
"""

from pathlib import Path

from playwright.sync_api import Browser, FloatRect, Locator, Page, ViewportSize

from tests.browser.katis_desk import LIST, KatisDesk
from tests.browser.mapping_visitor import MappingVisitor, Matter
from tests.browser.people import SUPERVISOR, sign_in
from tests.browser.question_editor import QuestionEditor
from tests.browser.visitor import Letter, Visitor
from tests.tools.pictures import browser_and_site, save
from tests.tools.readme_pictures import LETTER
from tests.tools.running_site import ROOT, RunningSite

FOLDER = ROOT / "docs" / "opas"
WINDOW: ViewportSize = {"width": 1280, "height": 900}
# Maximum size in bytes of all pictures together.
LARGEST = 1_500_000
# Width of the side menu, which most pictures omit.
MENU = 200

OTHERS = (
    Letter(
        name="Pekka Esimerkki",
        email="pekka@esimerkki.fi",
        message="Hei, haen työnohjausta itselleni. Onko aikoja vielä tälle keväälle?",
    ),
    Letter(
        name="Liisa Mallikas",
        email="liisa@esimerkki.fi",
        organisation="Mallilan koulu",
        message="Hei Kati, kiinnostaisi ryhmätyönohjaus neljälle opettajalle.",
    ),
)
SUSPICIOUS = Letter(
    name="Halpa Näkyvyys",
    email="tarjous@esimerkki.com",
    message="Hyvä yritys, katso http://yksi.example http://kaksi.example http://kolme.example ja http://nelja.example",
)

# A distant place and a large group, so that the summary has remarks to show.
MAPPING = Matter(
    letter=Letter(name="Raija Näyte", email="raija@esimerkki.fi", organisation="Näytelän kirjasto"),
    size="9",
    place="Tampere",
)
# Index of a question with a condition in the initial content.
GROUP_SIZE = 3

# Type of block → name of the picture of its example.
BLOCKS = {
    "text": "lohko-teksti",
    "image": "lohko-kuva",
    "benefits": "lohko-hyodyt",
    "steps": "lohko-vaiheet",
    "facts": "lohko-luvut",
    "faq": "lohko-kysymykset",
    "quote": "lohko-lainaus",
    "page_links": "lohko-linkit",
    "call_to_action": "lohko-kehotus",
    "contact_card": "lohko-kortti",
}
PREVIEW_ADDRESSES = (
    "from django.urls import reverse\n"
    "from home.models import HomePage\n"
    "for name, block in HomePage.body.field.stream_block.child_blocks.items():\n"
    "    print(name, reverse('wagtailadmin_block_preview') + '?id=' + block.definition_prefix)\n"
)


class Album:
    """Writes pictures and records their names; close() removes all others from the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: dict[str, int] = {}

    def keep(self, png: bytes, name: str) -> None:
        path = self.folder / f"{name}.png"
        self.taken[path.name] = save(png, path, largest=LARGEST)

    def close(self) -> None:
        """Remove earlier pictures. Raises RuntimeError if all pictures together are too large."""
        for path in self.folder.glob("*.png"):
            if path.name not in self.taken:
                path.unlink()
        total = sum(self.taken.values())
        print(f"{len(self.taken)} pictures, {total // 1000} kB")
        if total > LARGEST:
            raise RuntimeError(f"The pictures have {total} bytes, more than {LARGEST}.")


class Photographer:
    """Takes screenshots of `page`."""

    def __init__(self, page: Page, album: Album) -> None:
        self.page = page
        self.album = album

    def settle(self) -> None:
        self.page.wait_for_load_state("networkidle")
        # Wagtail renders menus, panels and the preview frame some time after its scripts have run.
        self.page.wait_for_timeout(700)

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.settle()

    def window(self, name: str, *, height: int, left: int = MENU, top: int = 0, width: int = 0) -> None:
        """Take a screenshot of a part of the window."""
        clip: FloatRect = {"x": left, "y": top, "width": width or WINDOW["width"] - left, "height": height}
        self.album.keep(self.page.screenshot(clip=clip), name)

    def around(self, name: str, *parts: Locator, margin: int = 24) -> None:
        """Scroll to the first of the parts, and take a screenshot of the area around all of them."""
        parts[0].scroll_into_view_if_needed()
        self.page.wait_for_timeout(300)
        boxes = [box for part in parts if (box := part.bounding_box())]
        assert len(boxes) == len(parts), f"{name}: a part is not on the page"
        left = max(0.0, min(box["x"] for box in boxes) - margin)
        top = max(0.0, min(box["y"] for box in boxes) - margin)
        right = min(float(WINDOW["width"]), max(box["x"] + box["width"] for box in boxes) + margin)
        bottom = min(float(WINDOW["height"]), max(box["y"] + box["height"] for box in boxes) + margin)
        clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        self.album.keep(self.page.screenshot(clip=clip), name)


def write_letters(browser: Browser, site: RunningSite) -> tuple[str, str]:
    """Send the messages through the form. Return the references of the one to show and of the suspicious one."""
    references = []
    for letter in (*OTHERS, SUSPICIOUS, LETTER):
        context = browser.new_context(base_url=site.url, locale="fi-FI")
        references.append(Visitor(context.new_page()).send_letter(letter))
        context.close()
    assert site.smtp
    site.smtp.wait_for_about(references[-1], 2)
    return references[-1], references[-2]


def send_mapping(browser: Browser, site: RunningSite) -> None:
    """Fill and send the mapping as a visitor does."""
    context = browser.new_context(base_url=site.url, locale="fi-FI")
    visitor = MappingVisitor(context.new_page())
    visitor.go_to_step(5, MAPPING)
    visitor.go_on("Kiitos, alkukartoituksesi on perillä")
    context.close()


def edit_questions(camera: Photographer) -> None:
    """Pictures of the mapping's questions, and of the settings of one."""
    editor = QuestionEditor(camera.page)
    editor.open()
    camera.settle()
    camera.around(
        "kartoitus-kysymykset",
        camera.page.get_by_role("link", name="Kokeile koko kartoitusta"),
        editor.block(GROUP_SIZE + 2),
    )
    settings = editor.settings(GROUP_SIZE)
    camera.page.wait_for_timeout(500)
    camera.around("kartoitus-ehto", settings.locator("[data-contentpath='when']"))


def photograph_mapping(camera: Photographer) -> None:
    """Pictures of the answers in the enquiry."""
    KatisDesk(camera.page).read(MAPPING.letter.name)
    camera.settle()
    camera.page.get_by_text("Poikkeaa tavallisesta").first.scroll_into_view_if_needed()
    camera.page.evaluate("scrollBy(0, 400)")
    camera.page.wait_for_timeout(300)
    camera.window("kartoitus-vastaukset", height=760)


def edit_service_page(camera: Photographer) -> None:
    """Pictures of the page editor, an older version, and the block chooser."""
    page = camera.page
    camera.open("/admin/pages/")
    camera.window("sivuluettelo", height=560)
    page.get_by_role("link", name="Yksilötyönohjaus", exact=True).first.click()
    page.wait_for_url("**/edit/")
    camera.settle()
    address = page.url
    page.get_by_role("button", name="Lisää toimintoja").last.click()
    camera.around(
        "julkaise",
        page.get_by_role("button", name="Julkaise", exact=True),
        page.get_by_role("link", name="Piilota", exact=True),
        page.get_by_role("button", name="Tallenna luonnos"),
    )
    page.get_by_role("button", name="Julkaise", exact=True).click()
    page.wait_for_load_state("networkidle")
    # Publish a second time, so that there is an older version.
    camera.open(address)
    page.get_by_role("button", name="Lisää toimintoja").last.click()
    page.get_by_role("button", name="Julkaise", exact=True).click()
    page.wait_for_load_state("networkidle")
    camera.open(address)
    page.get_by_role("button", name="Esikatselu päälle/pois").click()
    page.wait_for_timeout(2500)
    camera.window("esikatselu", height=760)
    page.get_by_role("button", name="Esikatselu päälle/pois").click()
    page.get_by_role("button", name="Lisää lohko").last.click()
    page.wait_for_timeout(700)
    camera.around("lohkovalikko", page.locator(".w-combobox-container").filter(visible=True).first)
    camera.open(address.replace("/edit/", "/history/"))
    page.locator("main tbody").get_by_role("button", name="Toimet").nth(1).click()
    page.get_by_role("link", name="Tarkasta tämä versio").filter(visible=True).wait_for()
    page.wait_for_timeout(500)  # the menu fades in
    camera.window("historia", height=480)


def photograph_blocks(camera: Photographer, site: RunningSite) -> None:
    """Pictures of each block's example in the admin's preview."""
    lines = site.run(PREVIEW_ADDRESSES).splitlines()
    addresses = dict(line.split() for line in lines if "?id=" in line)
    if addresses.keys() != BLOCKS.keys():
        raise RuntimeError(f"Blocks and their pictures differ: {addresses.keys() ^ BLOCKS.keys()}")
    for block, name in BLOCKS.items():
        camera.page.set_viewport_size({"width": 760, "height": 900})
        camera.open(addresses[block])
        camera.album.keep(camera.page.locator("main").screenshot(), name)
    camera.page.set_viewport_size(WINDOW)


def photograph_enquiries(camera: Photographer, reference: str, suspicious: str) -> None:
    """Pictures of the list, an enquiry, and a suspicious one."""
    desk = KatisDesk(camera.page)
    desk.read(OTHERS[1].name)
    desk.move_to("Odottaa vastausta")
    camera.open(LIST)
    camera.window("luettelo", height=620)
    desk.read(reference)
    camera.settle()
    camera.window("kirje", height=880)
    desk.read(suspicious)
    camera.settle()
    camera.window("epailyttava", height=250)


def take_pictures(browser: Browser, site: RunningSite, album: Album) -> None:
    send_mapping(browser, site)
    reference, suspicious = write_letters(browser, site)
    context = browser.new_context(
        base_url=site.url, viewport=WINDOW, locale="fi-FI", color_scheme="light", reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    camera = Photographer(page, album)
    camera.open("/admin/")
    camera.around("kirjautuminen", page.locator("main"), margin=0)
    sign_in(page, SUPERVISOR)
    page.wait_for_url(site.admin_url)
    camera.settle()
    camera.window("etusivu", left=0, height=760)
    camera.around("aloituslista", page.locator(".checklist h2"), page.locator(".checklist li").nth(3), margin=12)
    edit_service_page(camera)
    edit_questions(camera)
    photograph_blocks(camera, site)
    camera.open("/admin/images/multiple/add/")
    camera.window("kuvan-lisaaminen", height=300)
    camera.open("/admin/settings/home/pausenotice/")
    camera.window("tauko", height=600)
    photograph_enquiries(camera, reference, suspicious)
    photograph_mapping(camera)
    context.close()


if __name__ == "__main__":
    album = Album(FOLDER)
    with browser_and_site() as (browser, site):
        take_pictures(browser, site, album)
    album.close()
