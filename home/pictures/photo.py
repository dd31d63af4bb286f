"""What a page offers of a photo: the kinds and widths that are ready, and a crop where the layout asks for one."""

from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from wagtail.images.models import AbstractImage, AbstractRendition

from home.pictures.files import CROPS, WHOLE, is_tall, kinds, ready_files, specs
from home.pictures.preparation import prepare

# Up to here the head of a page stands in one column.
PHONE = "(max-width: 39.99rem)"
# How wide the layout shows a picture (static/css/site.css); a browser test compares.
SIZES = {
    "figure": "(min-width: 44rem) 40rem, calc(100vw - 2.5rem)",
    "hero": "(min-width: 64rem) min(52vw, 42rem), (min-width: 48rem) 46vw, min(34rem, 100vw - 2.5rem)",
    "opening": "(min-width: 64rem) 18rem, (min-width: 40rem) 15rem, 18rem",
}
_CROPPED_PLACES = frozenset({"hero", "opening"})


@dataclass(frozen=True, slots=True)
class Source:
    """A <source> of a <picture>; `media` "" for every screen."""

    type: str
    srcset: str
    media: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Photo:
    """The <picture>: its sources, best kind first, and the <img> for browsers that know neither kind."""

    sources: tuple[Source, ...]
    src: str
    srcset: str
    sizes: str
    width: int
    height: int


def photo(image: AbstractImage, place: str) -> Photo:
    """What is ready of a raster `image`, for a `place` of SIZES. When something is missing, its making is started, and
    a plain file of one width stands in: that alone is made while the page waits."""
    prefetch_related_objects([image], "renditions")
    *modern, last = kinds(image)
    wanted = [(CROPS, PHONE, kind) for kind in (*modern, last)] if place in _CROPPED_PLACES and is_tall(image) else []
    wanted += [(WHOLE, "", kind) for kind in modern]
    found = [(ready_files(image, shapes, kind), media, kind) for shapes, media, kind in wanted]
    plain = ready_files(image, WHOLE, last)
    if plain is None or any(files is None for files, _media, _kind in found):
        prepare(image)
    if plain is None:
        plain = [image.get_rendition(specs(WHOLE[1:2], last)[0])]
    middle, largest = plain[min(1, len(plain) - 1)], plain[-1]
    return Photo(
        sources=tuple(_source(files, media, kind) for files, media, kind in found if files),
        src=middle.url,
        srcset=_srcset(plain),
        sizes=SIZES[place],
        width=largest.width,
        height=largest.height,
    )


def _source(files: list[AbstractRendition], media: str, kind: str) -> Source:
    largest = files[-1]
    return Source(type=f"image/{kind}", srcset=_srcset(files), media=media, width=largest.width, height=largest.height)


def _srcset(files: list[AbstractRendition]) -> str:
    return ", ".join(f"{one.url} {one.width}w" for one in files)
