"""Which files there are of a picture: three kinds, a few widths, and crops for a portrait."""

from collections.abc import Iterable

from django.db.models.fields.files import FieldFile
from wagtail.images.models import AbstractImage, AbstractRendition, Filter

WIDTHS = (480, 960, 1600)
# A portrait at the head of a page would fill a screen: there it is cropped to 4:5 (home.pictures.cropping).
CROPS: tuple[str, ...] = ("fill-480x600", "fill-960x1200")
# A drawing goes out as it came.
AS_IT_IS = "original"
WHOLE = tuple(f"width-{width}" for width in WIDTHS)
_PORTRAIT = 5 / 4
# Kinds that may be transparent, so that their last resort can't be JPEG.
_MAYBE_TRANSPARENT = (".png", ".gif", ".webp", ".avif")


def name_of(image: AbstractImage) -> str:
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
        return [AS_IT_IS]
    shapes = [*WHOLE, *CROPS] if is_tall(image) else WHOLE
    return [spec for kind in reversed(kinds(image)) for spec in specs(shapes, kind)]


def plain_specs(image: AbstractImage) -> list[str]:
    """The files with which a page is whole in every browser; quickly made."""
    return [AS_IT_IS] if image.is_svg() else specs(WHOLE, kinds(image)[-1])


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
