"""The files of an image, and what a page offers of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import prefetch_related_objects
from django.db.models.fields.files import FieldFile
from wagtail.images.models import AbstractImage, AbstractRendition, Filter, SourceImageIOError

WIDTHS = (480, 960, 1600)
# A portrait at the head of a page would fill a screen: there it is cropped to 4:5 (home.images.models).
CROPS: tuple[str, ...] = ("fill-480x600", "fill-960x1200")
# A drawing goes out as it came.
ORIGINAL = "original"
WHOLE = tuple(f"width-{width}" for width in WIDTHS)
_PORTRAIT = 5 / 4
# Kinds that may be transparent, so that their last resort can't be JPEG.
_MAYBE_TRANSPARENT = (".png", ".gif", ".webp", ".avif")


def log_name(image: AbstractImage) -> str:
    """What the log and the dashboard call a picture."""
    return f"#{image.pk} {' '.join(image.title.split())}"


def kinds(image: AbstractImage) -> tuple[str, str, str]:
    """The kinds of file, the smallest first; every browser shows the last one."""
    return "avif", "webp", "png" if image.file.name.lower().endswith(_MAYBE_TRANSPARENT) else "jpeg"


def is_tall(image: AbstractImage) -> bool:
    """Whether it is taller than the crop for phones."""
    return bool(image.height > image.width * _PORTRAIT)


def wanted_specs(image: AbstractImage) -> list[str]:
    """Every file of `image`, those first that a page can't do without."""
    if image.is_svg():
        return [ORIGINAL]
    shapes = [*WHOLE, *CROPS] if is_tall(image) else WHOLE
    return [spec for kind in reversed(kinds(image)) for spec in specs(shapes, kind)]


def plain_specs(image: AbstractImage) -> list[str]:
    """The files with which a page is whole in every browser; quickly made."""
    return [ORIGINAL] if image.is_svg() else specs(WHOLE, kinds(image)[-1])


def missing_specs(image: AbstractImage) -> list[str]:
    """What is wanted and not there, for the focal point that `image` has."""
    there = _files_there(image)
    return [spec for spec in wanted_specs(image) if _key(image, spec) not in there]


def ready_files(image: AbstractImage, wanted: Iterable[str]) -> list[AbstractRendition]:
    """The files that are there, in the order of `wanted` and no width twice (a small picture is never made larger).
    Makes none."""
    there = _files_there(image)
    found = [there[key] for key in (_key(image, spec) for spec in wanted) if key in there]
    return list({one.width: one for one in found}.values())


def _files_there(image: AbstractImage) -> dict[tuple[str, str], AbstractRendition]:
    """From the database, and not from Wagtail's cache of renditions: what another process removed stays in that."""
    return {(one.filter_spec, one.focal_point_key): one for one in image.renditions.all() if is_stored(one.file)}


def is_stored(file: FieldFile) -> bool:
    """Whether there is such a file; one without content, as a full disk leaves it, is none."""
    try:
        return bool(file and file.size)
    except OSError:
        return False


def _key(image: AbstractImage, spec: str) -> tuple[str, str]:
    return spec, Filter(spec=spec).get_cache_key(image)


def specs(shapes: Iterable[str], kind: str) -> list[str]:
    """As Wagtail writes them."""
    return [f"{shape}|format-{kind}" for shape in shapes]


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
# The files of a new picture are there in seconds, by the worker in minutes.
_AWAITED = timedelta(minutes=30)
# A focal point above this part of the height is near the top.
_UPPER = 0.4


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
    # Where the layout shows less than all of its height: "top", "bottom", or "" for the middle.
    kept: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a page: its photo or its drawing; neither while the files of a new one are being made."""

    photo: Photo | None = None
    drawing: AbstractRendition | None = None


def shown(image: AbstractImage | None, place: str, *, now: datetime) -> Shown | None:
    """What a page shows of `image` in a `place` of SIZES; None where there is nothing, and nothing comes."""
    if image is None:
        return None
    ready = Shown(drawing=drawing(image)) if image.is_svg() else Shown(photo=photo(image, place))
    return ready if ready.photo or ready.drawing or _is_awaited(image, now) else None


def _is_awaited(image: AbstractImage, now: datetime) -> bool:
    """Whether its files may be here soon. An old one without files has lost them; of a new one the original is tried,
    which costs time, but only until the first file is made."""
    if image.created_at <= now - _AWAITED:
        return False
    try:
        image.generate_rendition_file(Filter(spec=plain_specs(image)[0]))
    except SourceImageIOError:
        return False
    return True


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
    files = found[0][0] if is_cropped and found[0][0] else plain
    middle, largest = plain[min(1, len(plain) - 1)], plain[-1]
    return Photo(
        sources=tuple(_source(files, media, kind) for files, media, kind in found if files),
        src=middle.url,
        srcset=_srcset(plain),
        sizes=_sizes(image, place),
        width=largest.width,
        height=largest.height,
        kept=_kept(files[-1]),
    )


def drawing(image: AbstractImage) -> AbstractRendition | None:
    """The file of an SVG; None while it is not ready."""
    prefetch_related_objects([image], "renditions")
    return next(iter(ready_files(image, [ORIGINAL])), None)


def _all_files(image: AbstractImage, wanted: list[str]) -> list[AbstractRendition]:
    """All of them or none: a browser takes the first kind that it knows, and would miss a width that is not ready."""
    return [] if set(wanted) & set(missing_specs(image)) else ready_files(image, wanted)


def _kept(file: AbstractRendition) -> str:
    """What must not be cut off: the part round the focal point, and without one the upper part of a portrait."""
    image: AbstractImage = file.image
    if not image.has_focal_point():
        return "top" if image.width < image.height else ""
    where = file.focal_point.centroid_y / file.height
    return "top" if where < _UPPER else "bottom" if where > 1 - _UPPER else ""


def _sizes(image: AbstractImage, place: str) -> str:
    """The widths of SIZES; a tall figure is as wide as its greatest height leaves it."""
    width = _TALLEST_REM * image.width / image.height
    return f"min({width:.4g}rem, 100vw - 2.5rem)" if place == "figure" and width < _WIDEST_REM else SIZES[place]


def _source(files: list[AbstractRendition], media: str, kind: str) -> Source:
    largest = files[-1]
    return Source(type=f"image/{kind}", srcset=_srcset(files), media=media, width=largest.width, height=largest.height)


def _srcset(files: list[AbstractRendition]) -> str:
    return ", ".join(f"{one.url} {one.width}w" for one in files)
