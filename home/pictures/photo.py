"""What a page offers of a photo: the kinds and widths that are ready, and a crop where the layout asks for one."""

from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from wagtail.images.models import AbstractImage, AbstractRendition

from home.pictures.files import AS_IT_IS, CROPS, WHOLE, is_tall, kinds, missing_specs, ready_files, specs

# Up to here the head of a page stands in one column.
PHONE = "(max-width: 39.99rem)"
# How wide the layout shows a picture (static/css/site.css); a browser test compares.
SIZES = {
    "figure": "(min-width: 44rem) 40rem, calc(100vw - 2.5rem)",
    "hero": "(min-width: 64rem) min(52vw, 42rem), (min-width: 48rem) 46vw, min(34rem, 100vw - 2.5rem)",
    "opening": "(min-width: 64rem) 18rem, (min-width: 40rem) 15rem, 18rem",
}
# Where a tall photo is cropped, and on which screens: "" for all, since the front page shows none taller than a screen.
_CROPPED = {"hero": "", "opening": PHONE}
# The tallest that a figure of the text is shown, and the widest (static/css/site.css).
_TALLEST_REM, _WIDEST_REM = 44, 40


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


def photo(image: AbstractImage, place: str) -> Photo | None:
    """What is ready of a raster `image`, for a `place` of SIZES; None while nothing is. Makes nothing: reading a page
    costs nobody time and changes nothing."""
    prefetch_related_objects([image], "renditions")
    *modern, last = kinds(image)
    plain = ready_files(image, specs(WHOLE, last))
    if not plain:
        return None
    is_cropped = place in _CROPPED and is_tall(image)
    wanted = [(CROPS, _CROPPED[place], kind) for kind in (*modern, last)] if is_cropped else []
    wanted += [(WHOLE, "", kind) for kind in modern]
    found = [(_all_files(image, specs(shapes, kind)), media, kind) for shapes, media, kind in wanted]
    middle, largest = plain[min(1, len(plain) - 1)], plain[-1]
    return Photo(
        sources=tuple(_source(files, media, kind) for files, media, kind in found if files),
        src=middle.url,
        srcset=_srcset(plain),
        sizes=_sizes(image, place),
        width=largest.width,
        height=largest.height,
    )


def drawing(image: AbstractImage) -> AbstractRendition | None:
    """The file of an SVG; None while it is not ready."""
    prefetch_related_objects([image], "renditions")
    return next(iter(ready_files(image, [AS_IT_IS])), None)


def _all_files(image: AbstractImage, wanted: list[str]) -> list[AbstractRendition]:
    """All of them or none: a browser takes the first kind that it knows, and would miss a width that is not ready."""
    return [] if set(wanted) & set(missing_specs(image)) else ready_files(image, wanted)


def _sizes(image: AbstractImage, place: str) -> str:
    """The widths of SIZES; a tall figure is as wide as its greatest height leaves it."""
    width = _TALLEST_REM * image.width / image.height
    return f"min({width:.4g}rem, 100vw - 2.5rem)" if place == "figure" and width < _WIDEST_REM else SIZES[place]


def _source(files: list[AbstractRendition], media: str, kind: str) -> Source:
    largest = files[-1]
    return Source(type=f"image/{kind}", srcset=_srcset(files), media=media, width=largest.width, height=largest.height)


def _srcset(files: list[AbstractRendition]) -> str:
    return ", ".join(f"{one.url} {one.width}w" for one in files)
