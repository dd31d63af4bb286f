"""The picture that stands beside a link to a page where somebody shares it."""

from dataclasses import dataclass

from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from wagtail.models import Page

from home.discovery.addresses import absolute

WIDTH, HEIGHT = 1200, 630
DEFAULT = "aijuu-tyonohjaus"

# A picture has its page's title written in it, so it is chosen by the title: a renamed page gets the default.
# Drawn by `python -m tests.tools.share_pictures`.
PICTURES: dict[str, Promise] = {
    DEFAULT: _("“Aijuu työnohjaus” and a drawing: two people look at the same path."),
    "yksilotyonohjaus": _("“Yksilötyönohjaus” and a drawing: two people side by side, the sun between them."),
    "ryhmatyonohjaus": _("“Ryhmätyönohjaus” and a drawing: five people around a round table."),
    "tyoyhteison-tyonohjaus": _("“Työyhteisön työnohjaus” and a drawing: people in front of their house."),
    "ota-yhteytta": _("“Ota yhteyttä” and a drawing: a letter rises from its envelope."),
    "alkukartoitus": _("“Alkukartoitus” and a drawing: a path runs across an unfolded map to a sun-coloured mark."),
    "tietosuoja": _("“Tietosuoja” and a drawing: an envelope, a keyhole in its seal."),
    "saavutettavuus": _("“Saavutettavuus” and a drawing: a wide path leads through an open door."),
}


@dataclass(frozen=True, slots=True)
class SharePicture:
    """A PNG of WIDTH × HEIGHT: its absolute address, and what it shows, in words."""

    url: str
    alt: str
    width: int = WIDTH
    height: int = HEIGHT


def share_picture(page: Page) -> SharePicture:
    """The picture drawn for a page of this title, else the site's own."""
    name = slugify(page.title)
    if name not in PICTURES:
        name = DEFAULT
    return SharePicture(url=absolute(static(f"img/share/{name}.png")), alt=str(PICTURES[name]))
