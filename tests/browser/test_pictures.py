"""Photos on the running site: the file matches the displayed size, and loading it causes no layout shift."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.browser.conftest import NewPage
from tests.browser.waits import eventually, next_document
from tests.tools.running_site import RunningSite

WIDTHS = (320, 390, 1280)
HEIGHT = 844
# The title of the uploaded photo, and the slug of its page.
UPLOADED = "lahetetty"
# Portrait, landscape, transparent, and one smaller than its space. Smooth colours, since noise takes long to encode.
_MAKE = """
from io import BytesIO
from PIL import Image
from django.conf import settings
from django.core.files.base import ContentFile
from wagtail.images import get_image_model
from home.models import HomePage, ServicePage

settings.PREPARE_PICTURES_IN_BACKGROUND = False

def photo(name, width, height, transparent=False):
    sky = Image.radial_gradient("L").resize((width, height))
    ground = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", (ground, sky, sky))
    if transparent:
        picture.putalpha(sky.point(lambda value: 255 if value < 128 else 0))
    out = BytesIO()
    picture.save(out, "PNG" if transparent else "JPEG")
    file = ContentFile(out.getvalue(), name)
    return get_image_model().objects.create(description="Kati", title="koekuva", file=file)

photos = [
    photo("pysty.jpg", 1000, 1500),
    photo("vaaka.jpg", 1700, 1150),
    photo("lapinakyva.png", 900, 700, transparent=True),
    photo("pieni.jpg", 300, 200),
]
front = HomePage.objects.get()
for number, image in enumerate(photos):
    text = dict(type="text", value=dict(heading="Alku", text="<p>Teksti on tässä.</p>" * 40))
    value = dict(image=image.pk, caption="Kuvateksti", credit="Kuva: K")
    body = [text, dict(type="image", value=value)]
    page = ServicePage(title="Kuva", slug=f"kuva-{number}", image=image, body=body)
    front.add_child(instance=page)
print(front.image_id, *[image.pk for image in photos])
"""
_SET_HERO = """
from home.models import HomePage
page = HomePage.objects.get()
page.image_id = {image}
page.save()
"""
_REMOVE = """
from wagtail.images import get_image_model
from home.models import ServicePage
for page in ServicePage.objects.filter(slug__startswith={slug!r}):
    page.delete()
get_image_model().objects.filter(title={title!r}).delete()
"""
# With widths in srcset, naturalWidth is the width from `sizes` in CSS pixels, not the width of the file.
_MEASURE = """
async () => {
  const shown = [];
  for (const img of document.querySelectorAll("main picture img")) {
    img.scrollIntoView({block: "center"});
    await new Promise((done) => img.complete && img.naturalWidth ? done() : img.addEventListener("load", done));
    const file = await createImageBitmap(await (await fetch(img.currentSrc)).blob());
    const box = img.getBoundingClientRect();
    const offers = [...img.parentElement.querySelectorAll("source, img")].map((one) => one.srcset);
    const chosen = offers.find((one) => one.includes(new URL(img.currentSrc).pathname));
    const widths = chosen.split(", ").map((one) => parseInt(one.split(" ")[1]));
    shown.push({
      address: img.currentSrc, promised: img.naturalWidth, file: file.width, widths: widths,
      width: box.width, height: box.height, ratio: file.width / file.height,
      loading: img.getAttribute("loading"), priority: img.getAttribute("fetchpriority"),
    });
  }
  return shown;
}
"""
_BOXES = """
() => [...document.querySelectorAll("main picture img")].map((img) => {
  const box = img.getBoundingClientRect();
  return [box.width, box.height];
}).flat()
"""


@dataclass(frozen=True)
class Photos:
    """The primary keys of the pictures: the front page's drawing, and the generated photos by kind."""

    drawing: int
    portrait: int
    landscape: int
    transparent: int
    small: int


@pytest.fixture(scope="module")
def photos(_session_site: RunningSite) -> Iterator[Photos]:
    """Create pages /kuva-0/ … /kuva-3/, each with one photo at its top and in its text, in the order of Photos.

    Once for all tests of this module: encoding the pictures takes most of their time.
    """
    drawing, *made = (int(number) for number in _session_site.run(_MAKE).split())
    yield Photos(drawing, *made)
    _session_site.run(_REMOVE.format(title="koekuva", slug="kuva-"))


def screens(new_page: NewPage) -> list[tuple[Page, int, int]]:
    """Pages with each width and pixel density of WIDTHS."""
    return [
        (new_page(viewport=ViewportSize(width=width, height=HEIGHT), device_scale_factor=density), width, density)
        for width in WIDTHS
        for density in (1, 2)
    ]


def check(one: dict[str, Any], *, where: str, width: int, density: int) -> None:
    """Assert that a picture fits the screen on which it is shown."""
    assert one["address"].endswith(".avif"), where
    # `sizes` must be right: the browser chooses the file by it before it knows the layout.
    if len(one["widths"]) > 1:
        assert 0.9 <= one["promised"] / one["width"] <= 1.2, f"{where}: {one}"
    needed = one["width"] * density
    assert one["file"] >= min(needed * 0.9, max(one["widths"])), f"{where}: {one}"
    # The available widths are a factor of two apart.
    assert one["file"] <= max(needed * 2.2, min(one["widths"])), f"{where}: {one}"
    # CSS hardly crops the file further, and does not stretch it.
    assert abs(one["width"] / one["height"] / one["ratio"] - 1) < 0.12, f"{where}: {one}"
    # A portrait does not fill a phone's screen.
    assert one["height"] <= 0.9 * HEIGHT, f"{where}: {one}"


def test_image_file_matches_displayed_size(photos: Photos, site: RunningSite, new_page: NewPage) -> None:
    shown = screens(new_page)
    for page, width, density in shown:
        for number in range(4):
            page.goto(f"/kuva-{number}/")
            head, figure = page.evaluate(_MEASURE)
            where = f"/kuva-{number}/ at {width} px, density {density}"
            for one in (head, figure):
                check(one, where=where, width=width, density=density)
            assert (head["loading"], head["priority"]) == (None, "high")
            assert (figure["loading"], figure["priority"]) == ("lazy", None)
    try:
        for kind in (photos.portrait, photos.landscape):
            site.run(_SET_HERO.format(image=kind))
            for page, width, density in shown:
                page.goto("/")
                hero, *_rest = page.evaluate(_MEASURE)
                check(hero, where=f"hero at {width} px, density {density}", width=width, density=density)
                assert (hero["loading"], hero["priority"]) == (None, "high")
    finally:
        site.run(_SET_HERO.format(image=photos.drawing))


class _Held:
    """A route handler that holds requests for pictures until they are released."""

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self.is_open = False

    def take(self, route: Route) -> None:
        if self.is_open:
            route.continue_()
        else:
            self.routes.append(route)

    def let_go(self) -> None:
        self.is_open = True
        for route in self.routes:
            route.continue_()


@pytest.mark.usefixtures("photos")
def test_loading_photo_causes_no_layout_shift(new_page: NewPage) -> None:
    for width in (320, 1280):
        page = new_page(viewport={"width": width, "height": 844})
        for number in range(4):
            held = _Held()
            page.route("**/media/**", held.take)
            page.goto(f"/kuva-{number}/", wait_until="commit")
            expect(page.locator("main picture img")).to_have_count(2)
            # Not Playwright's wait_for_function, which needs eval; the Content-Security-Policy forbids that.
            page.evaluate(
                "async () => { const link = document.querySelector('link[rel=stylesheet]');"
                "if (!link.sheet) await new Promise((loaded) => link.addEventListener('load', loaded));"
                "await document.fonts.ready }"
            )
            assert page.evaluate("document.styleSheets.length") > 0
            before = page.evaluate(_BOXES)
            held.let_go()
            page.evaluate(_MEASURE)
            # The file's aspect ratio may differ from the attributes by a fraction of a pixel.
            assert page.evaluate(_BOXES) == pytest.approx(before, abs=1), f"/kuva-{number}/ at {width} px"
            page.unroute_all(behavior="wait")


def offers_avif(page: Page, path: str) -> bool:
    page.goto(path)
    return page.locator("main picture source[type='image/avif']").count() > 0


def test_uploaded_photo_renditions_are_made_automatically(
    editor: Page, page: Page, site: RunningSite, tmp_path: Path
) -> None:
    photo = tmp_path / "kuva.jpg"
    # A gradient, since noise would take long to encode.
    Image.radial_gradient("L").resize((1200, 900)).convert("RGB").save(photo)
    try:
        editor.goto("/admin/images/add/")
        editor.locator("input[name=title]").fill(UPLOADED)
        editor.get_by_label("Vaihtoehtoinen teksti").fill("Kati kuuntelee")
        editor.locator("input[type=file]").set_input_files(photo)
        with next_document(editor):
            editor.get_by_role("button", name="Lähetä").click()
        site.run(_SHOW_UPLOADED)
        eventually(lambda: offers_avif(page, f"/{UPLOADED}/"), bool)
        (one,) = page.evaluate(_MEASURE)
        assert one["address"].endswith(".avif")
        expect(page.get_by_role("img", name="Kati kuuntelee")).to_be_visible()
    finally:
        site.run(_REMOVE.format(title=UPLOADED, slug=UPLOADED))


def test_many_uploads_ask_for_alt_texts(editor: Page, site: RunningSite, tmp_path: Path) -> None:
    photos = [tmp_path / f"{UPLOADED}.jpg", tmp_path / f"{UPLOADED}.png"]
    for photo in photos:
        Image.effect_noise((120, 90), 40).convert("RGB").save(photo)
    try:
        editor.goto("/admin/images/multiple/add/")
        editor.locator("#fileupload").set_input_files(photos)
        uploads = editor.locator("#upload-list > li:has(form)")
        expect(uploads).to_have_count(2)
        first = uploads.first
        first.get_by_role("button", name="Päivitä").click()
        field = first.get_by_label("Vaihtoehtoinen teksti")
        expect(field).to_have_attribute("aria-invalid", "true")
        field.fill("Kati kuuntelee")
        first.get_by_role("button", name="Päivitä").click()
        expect(uploads).to_have_count(1)
        first.get_by_role("checkbox").check()
        first.get_by_role("button", name="Päivitä").click()
        expect(uploads).to_have_count(0)
        assert sorted(site.run(_STORED).splitlines()) == [f"{UPLOADED}:  True", f"{UPLOADED}: Kati kuuntelee False"]
    finally:
        site.run(_REMOVE.format(title=UPLOADED, slug=UPLOADED))


_STORED = f"""
from wagtail.images import get_image_model
for image in get_image_model().objects.filter(title={UPLOADED!r}):
    print(f"{{image.title}}: {{image.description}} {{image.is_decorative}}")
"""
_SHOW_UPLOADED = f"""
from wagtail.images import get_image_model
from home.models import HomePage, ServicePage
image = get_image_model().objects.get(title={UPLOADED!r})
HomePage.objects.get().add_child(instance=ServicePage(title="Kuva", slug={UPLOADED!r}, image=image))
"""
