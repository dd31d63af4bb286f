"""`python -m tests.tools.share_pictures`: generate the pictures for sharing and the icons in static/img/.

Each picture shows a page's title in the site's font beside a drawing from tests/tools/drawings/.
"""

import base64
import io
from html import escape
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.tools.pictures import check_size, opened_browser, save
from tests.tools.running_site import ROOT

DRAWINGS = Path(__file__).resolve().parent / "drawings"
STATIC = ROOT / "static"
HERO = ROOT / "home" / "content" / "images" / "hero.svg"
FONT = STATIC / "fonts" / "atkinson-hyperlegible-next.woff2"
FAVICON = STATIC / "img" / "favicon.svg"

SIZE = (1200, 630)
LARGEST = 60_000
COLOURS = 96
PAPER, INK, SPRUCE = "#fbf7f0", "#17343a", "#1f5c57"

# The file names are the slugs of the titles; home.seo finds the files by them.
TITLES = {
    "aijuu-tyonohjaus": "Aijuu työnohjaus",
    "yksilotyonohjaus": "Yksilö\u00adtyön\u00adohjaus",
    "ryhmatyonohjaus": "Ryhmä\u00adtyön\u00adohjaus",
    "tyoyhteison-tyonohjaus": "Työ\u00adyhteisön työn\u00adohjaus",
    "ota-yhteytta": "Ota yhteyttä",
    "alkukartoitus": "Alku\u00adkartoitus",
    "tietosuoja": "Tietosuoja",
    "saavutettavuus": "Saavutet\u00adtavuus",
}
SITE = "aijuu-tyonohjaus"

_SHARE = """<!doctype html><html lang="fi"><meta charset="utf-8"><style>
@font-face {{ font-family: A; src: url("data:font/woff2;base64,{font}"); font-weight: 400 700; }}
* {{ margin: 0; box-sizing: border-box; }}
body {{ width: {width}px; height: {height}px; overflow: hidden; background: {paper}; color: {ink};
  font: 400 34px/1.35 A; position: relative; }}
.words {{ position: absolute; inset: 0 auto 0 72px; width: 560px; display: flex; flex-direction: column;
  justify-content: center; }}
h1 {{ font-size: 84px; line-height: 1.06; font-weight: 650; letter-spacing: -0.015em; hyphens: manual; }}
.name {{ display: flex; align-items: center; gap: 18px; margin-bottom: 34px; color: {spruce}; font-weight: 650; }}
.name svg {{ width: 64px; height: 64px; }}
p.more {{ margin-top: 30px; max-width: 500px; }}
.drawing {{ position: absolute; inset: 0 0 0 auto; height: 100%; }}
.drawing svg {{ display: block; height: 100%; }}
.wide {{ inset: 74px -60px auto auto; height: auto; }}
.wide svg {{ width: 660px; height: auto; }}
</style><div class="drawing {kind}">{drawing}</div>
<div class="words"><p class="name">{mark}{name}</p><h1>{title}</h1>{more}</div></html>"""

_ICON = """<!doctype html><style>* {{ margin: 0; }} body {{ width: {size}px; height: {size}px;
  display: grid; place-items: center; background: {background}; }} svg {{ width: {share}%; }}</style>{mark}"""


def _drawing(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _share_html(name: str, title: str) -> str:
    is_site = name == SITE
    return _SHARE.format(
        font=base64.b64encode(FONT.read_bytes()).decode(),
        width=SIZE[0],
        height=SIZE[1],
        paper=PAPER,
        ink=INK,
        spruce=SPRUCE,
        kind="wide" if is_site else "",
        drawing=_drawing(HERO if is_site else DRAWINGS / f"{name}.svg"),
        mark=_drawing(FAVICON),
        # In the picture of the site itself the name is the title already.
        name="" if is_site else "Aijuu työnohjaus",
        title=escape(title),
        more="<p class='more'>Työnohjauksen avulla löydetään yhteinen tavoite ja ratkaisuja.</p>" if is_site else "",
    )


def _shot(page: Page, html: str, size: tuple[int, int], *, transparent: bool = False) -> Image.Image:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.set_content(html)
    page.evaluate("document.fonts.ready")
    return Image.open(io.BytesIO(page.screenshot(omit_background=transparent)))


def draw_share_pictures(page: Page) -> None:
    for name, title in TITLES.items():
        picture = _shot(page, _share_html(name, title), SIZE)
        save(picture, STATIC / "img" / "share" / f"{name}.png", largest=LARGEST, colours=COLOURS)


def _icon(page: Page, size: int, share: int, background: str) -> Image.Image:
    html = _ICON.format(size=size, share=share, background=background, mark=_drawing(FAVICON))
    return _shot(page, html, (size, size), transparent=background == "transparent")


def draw_icons(page: Page) -> None:
    folder = STATIC / "img" / "icons"
    folder.mkdir(parents=True, exist_ok=True)
    # A mask may cut off a fifth on each side; a home screen rounds the corners and needs an opaque background.
    for name, size, share, background in (
        ("apple-touch-icon.png", 180, 80, PAPER),
        ("icon-192.png", 192, 100, "transparent"),
        ("icon-512.png", 512, 100, "transparent"),
        ("icon-maskable-512.png", 512, 62, PAPER),
    ):
        _icon(page, size, share, background).save(folder / name, optimize=True)
        check_size(folder / name, LARGEST)
    small = _icon(page, 32, 100, "transparent")
    small.save(folder / "favicon.ico", sizes=[small.size])
    check_size(folder / "favicon.ico", LARGEST)


if __name__ == "__main__":
    with opened_browser() as browser:
        page = browser.new_page()
        draw_share_pictures(page)
        draw_icons(page)
