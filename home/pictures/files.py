"""Which files there can be of a photo: three kinds, a few widths, and crops for a portrait."""

from collections.abc import Iterable

from wagtail.images.models import AbstractImage, AbstractRendition, Filter

WIDTHS = (480, 960, 1600)
# A portrait at the head of a page would fill a screen: there it is cropped to 4:5 round its focal point.
CROPS: tuple[str, ...] = ("fill-480x600", "fill-960x1200")
WHOLE = tuple(f"width-{width}" for width in WIDTHS)
_PORTRAIT = 5 / 4
# Kinds that may be transparent, so that their last resort can't be JPEG.
_MAYBE_TRANSPARENT = (".png", ".gif", ".webp", ".avif")


def kinds(image: AbstractImage) -> tuple[str, str, str]:
    """The kinds of file, the smallest first; every browser shows the last one."""
    return "avif", "webp", "png" if image.file.name.lower().endswith(_MAYBE_TRANSPARENT) else "jpeg"


def is_tall(image: AbstractImage) -> bool:
    """Whether it is taller than the crop for phones."""
    return bool(image.height > image.width * _PORTRAIT)


def make_files(image: AbstractImage) -> None:
    """Make every file of `image` that is missing. Takes seconds."""
    shapes = [*WHOLE, *CROPS] if is_tall(image) else WHOLE
    # The last kind first: it is the one that a page can't do without.
    for kind in reversed(kinds(image)):
        image.get_renditions(*specs(shapes, kind))


def ready_files(image: AbstractImage, shapes: Iterable[str], kind: str) -> list[AbstractRendition] | None:
    """The files of these shapes, the smallest first and no width twice (a small picture is never made larger);
    None when one is missing. Makes none."""
    filters = [Filter(spec=spec) for spec in specs(shapes, kind)]
    found = image.find_existing_renditions(*filters)
    if len(found) < len(filters):
        return None
    return list({found[one].width: found[one] for one in filters}.values())


def specs(shapes: Iterable[str], kind: str) -> list[str]:
    """As Wagtail writes them."""
    return [f"{shape}|format-{kind}" for shape in shapes]
