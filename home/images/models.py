"""The image model, its cropping and renditions, and the markup that a page needs for them."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from typing import Any, ClassVar

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.db.models import prefetch_related_objects
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext_lazy as _
from wagtail.images.image_operations import FillOperation, ImageTransform
from wagtail.images.models import AbstractImage, AbstractRendition, Filter, SourceImageIOError
from wagtail.images.rect import Rect
from willow.image import SvgImageFile
from willow.svg import SvgWrapper

_ROOT = "{http://www.w3.org/2000/svg}svg"


class InvalidSvg(ValueError):
    """The root is not <svg>, or the dimensions are missing."""


def check_svg(content: bytes) -> None:
    """Raise InvalidSvg for an unusable drawing. For dimensions that it can't parse, Willow raises its own exception."""
    drawing = SvgWrapper(SvgImageFile(BytesIO(content)).dom)
    if drawing.root.tag != _ROOT:
        raise InvalidSvg("the root is no <svg>")
    shown, inner = (drawing.width, drawing.height), (drawing.view_box.width, drawing.view_box.height)
    if not all(math.isfinite(side) and side >= 1 for side in shown):
        raise InvalidSvg("a side is less than a pixel")
    if not all(math.isfinite(side) and side > 0 for side in inner):
        raise InvalidSvg("the viewBox is empty")


class FillFromTop(FillOperation):  # type: ignore[misc]
    """Wagtail's `fill-…`, but a portrait without a focal point is cropped from the top, so that heads stay visible."""

    def run(self, transform: ImageTransform, image: AbstractImage) -> ImageTransform:
        width, height = transform.size
        kept = max(1, round(width * self.height / self.width))
        if not image.has_focal_point() and width < height and kept < height:
            transform = transform.crop(Rect(0, 0, width, kept))
        return super().run(transform, image)


class Picture(AbstractImage):  # type: ignore[misc]
    """The image model of the site (WAGTAILIMAGES_IMAGE_MODEL).

    Each picture has an alternative text or is decoration. Pages and blocks store no alternative text of their own.
    """

    # Wagtail's field, with other options: Wagtail's choosers and renditions take the alternative text from it.
    description = models.CharField(
        _("alternative text"),
        max_length=250,
        blank=True,
        default="",
        help_text=_(
            "What the picture tells, in a few words, for example “Kati sits at a table and listens”. It is read aloud"
            " to those who do not see the picture."
        ),
    )
    # Not `decorative`: AbstractImage sets an attribute of that name on every object.
    is_decorative = models.BooleanField(
        _("the picture is only decoration"),
        default=False,
        help_text=_(
            "Tick this if the picture tells nothing that the text does not. It is then passed over when a page is read"
            " aloud."
        ),
    )

    admin_form_fields = (
        *("title", "file", "description", "is_decorative", "collection", "tags"),
        *("focal_point_x", "focal_point_y", "focal_point_width", "focal_point_height"),
    )

    class Meta:
        # No permissions of its own: Wagtail checks those of its image model.
        default_permissions = ()
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~models.Q(description="") | models.Q(is_decorative=True),
                name="picture_alt_text_or_decorative",
                violation_error_message=_("Write an alternative text, or tick that the picture is only decoration."),
            )
        ]

    @property
    def default_alt_text(self) -> str:
        """The alternative text of every <img>; "" for decoration (WCAG 1.1.1)."""
        return "" if self.is_decorative else self.description

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Report a missing alternative text at its field, not at the top of the form."""
        try:
            super().validate_constraints(exclude)
        except ValidationError as error:
            raise ValidationError({"description": error.messages}) from error

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        # A stored file is skipped: Django would read its dimensions again, and the file may be missing.
        stored = {"file"} if self.file and self.file._committed else set()
        super().clean_fields(exclude={*(exclude or ()), *stored})

    def generate_rendition_file(self, filter: Filter, *, source: File | None = None) -> File:
        """Raise SourceImageIOError for any problem with the original. Wagtail does so only for a missing file."""
        try:
            content = source.read() if source else self._content()
            if self.is_svg():
                check_svg(content)
            return super().generate_rendition_file(filter, source=File(BytesIO(content), name=self.file.name))
        except Exception as error:
            raise SourceImageIOError(f"{filter.spec} can't be made of picture {self.pk}") from error

    def _content(self) -> bytes:
        with self.file.storage.open(self.file.name, "rb") as file:
            content: bytes = file.read()
        return content

    def get_rendition(self, filter: Filter | str) -> AbstractRendition:
        """Return the rendition, or a placeholder image where the original can't be read. Used by the admin only.

        Wagtail's template tags handle only a missing original, and its chooser handles no error.
        """
        try:
            return super().get_rendition(filter)
        except SourceImageIOError:
            placeholder: Any = self.get_rendition_model()(image=self, width=120, height=90)
            placeholder.file.storage, placeholder.file.name = staticfiles_storage, "img/lost.svg"
            return placeholder


class PictureRendition(AbstractRendition):  # type: ignore[misc]
    """A file made of a picture."""

    image = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="renditions")

    class Meta:
        default_permissions = ()
        unique_together = (("image", "filter_spec", "focal_point_key"),)


WIDTHS = (480, 960, 1600)
# Portraits at the top of a page are cropped to 4:5, so that they don't fill the screen (FillFromTop).
CROPS: tuple[str, ...] = ("fill-480x600", "fill-960x1200")
# An SVG is served unchanged.
ORIGINAL = "original"
WHOLE = tuple(f"width-{width}" for width in WIDTHS)
_PORTRAIT = 5 / 4
# Formats with transparency, whose fallback is PNG in place of JPEG.
_MAYBE_TRANSPARENT = (".png", ".gif", ".webp", ".avif")
# Up to this width the top of a page has one column.
PHONE = "(max-width: 39.99rem)"
# The `sizes` attribute for each place in the layout (static/css/site.css); a browser test compares them.
SIZES = {
    "figure": "(min-width: 48rem) 35.5rem, calc(100vw - 2.5rem)",
    "hero": "(min-width: 64rem) min(45vw, 34.5rem), (min-width: 48rem) 46vw, min(34rem, 100vw - 2.5rem)",
    "opening": "(min-width: 64rem) 22rem, (min-width: 40rem) 15rem, 18rem",
    "opening-small": "(min-width: 40rem) 15rem, 5.5rem",
    "margin": "min(20rem, 100vw - 2.5rem)",
}
# The places where a tall photo is cropped, with the media query: "" for every screen.
_CROPPED = {"hero": "", "opening": PHONE, "opening-small": PHONE}
# The maximum height and width of a figure in the text (static/css/site.css).
_TALLEST_REM, _WIDEST_REM = 44, 40
# How long a page shows a placeholder for a new image: its renditions take seconds, or minutes in the worker.
_AWAITED = timedelta(minutes=30)
# A focal point within this fraction of the height is near the top.
_UPPER = 0.4


def log_name(image: AbstractImage) -> str:
    """Return a name of the image for the log and the dashboard."""
    return f"#{image.pk} {' '.join(image.title.split())}"


def kinds(image: AbstractImage) -> tuple[str, str, str]:
    """Return the file formats, smallest first. The last one is the fallback for every browser."""
    return "avif", "webp", "png" if image.file.name.lower().endswith(_MAYBE_TRANSPARENT) else "jpeg"


def is_tall(image: AbstractImage) -> bool:
    """Return whether the image is taller than the crop for phones."""
    return bool(image.height > image.width * _PORTRAIT)


def wanted_specs(image: AbstractImage) -> list[str]:
    """Return every rendition of `image`, the fallback format first."""
    if image.is_svg():
        return [ORIGINAL]
    shapes = [*WHOLE, *CROPS] if is_tall(image) else WHOLE
    return [spec for kind in reversed(kinds(image)) for spec in specs(shapes, kind)]


def plain_specs(image: AbstractImage) -> list[str]:
    """Return the renditions in the fallback format. They are quick to generate and enough for every browser."""
    return [ORIGINAL] if image.is_svg() else specs(WHOLE, kinds(image)[-1])


def missing_specs(image: AbstractImage) -> list[str]:
    """Return the wanted renditions that don't exist for the current focal point."""
    stored = stored_files(image)
    return [spec for spec in wanted_specs(image) if spec not in stored]


def ready_files(stored: Mapping[str, AbstractRendition], wanted: Iterable[str]) -> list[AbstractRendition]:
    """Return the `stored` renditions (stored_files) whose spec is `wanted`, in that order, each width once.

    Several specs give the same width where the image is small, because it is never enlarged.
    """
    return list({stored[spec].width: stored[spec] for spec in wanted if spec in stored}.values())


def stored_files(image: AbstractImage) -> dict[str, AbstractRendition]:
    """Return the wanted renditions that exist for the current focal point by their spec. Generates none."""
    keys = {spec: _filter(spec).get_cache_key(image) for spec in wanted_specs(image)}
    # Read from the database: Wagtail's cache of renditions may have rows that another process has deleted.
    return {
        one.filter_spec: one
        for one in image.renditions.all()
        if one.focal_point_key == keys.get(one.filter_spec) and is_usable(one.file)
    }


def is_stored(file: FieldFile) -> bool:
    """Return whether the file exists and is not empty. (A full disk leaves empty files.)

    Raises ConnectionError where a remote storage does not answer: the file may exist.
    """
    try:
        return bool(file and file.size)
    except ConnectionError:
        raise
    except OSError:
        return False


def is_usable(file: FieldFile) -> bool:
    """Return whether a page may link to the file: a local file must exist, one in a remote storage is not checked.

    A remote storage may be slow or not answer. A job removes rows with a lost file
    (home.images.preparation.missing_files).
    """
    return is_stored(file) if isinstance(file.storage, FileSystemStorage) else bool(file)


@lru_cache(maxsize=256)
def _filter(spec: str) -> Filter:
    # Wagtail parses the spec of each new filter again.
    return Filter(spec=spec)


def specs(shapes: Iterable[str], kind: str) -> list[str]:
    """Return Wagtail's filter specs."""
    return [f"{shape}|format-{kind}" for shape in shapes]


@dataclass(frozen=True, slots=True)
class Source:
    """A <source> of a <picture>. `media` is "" for every screen."""

    type: str
    srcset: str
    media: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Photo:
    """The data of a <picture>: its sources, smallest format first, and the fallback <img>."""

    sources: tuple[Source, ...]
    src: str
    srcset: str
    sizes: str
    width: int
    height: int
    # Which part stays visible where the layout crops the height: "top", "bottom", or "" for the middle.
    kept: str


@dataclass(frozen=True, slots=True)
class PageImage:
    """An image on a page: a photo or an SVG. Both are None while the first renditions are being generated."""

    photo: Photo | None = None
    drawing: AbstractRendition | None = None


def page_image(image: AbstractImage | None, place: str, *, now: datetime) -> PageImage | None:
    """Return what a page shows of `image` in a `place` of SIZES; None where nothing can be shown, now or soon."""
    if image is None:
        return None
    ready = PageImage(drawing=drawing(image)) if image.is_svg() else PageImage(photo=photo(image, place))
    return ready if ready.photo or ready.drawing or _is_awaited(image, now) else None


def _is_awaited(image: AbstractImage, now: datetime) -> bool:
    """Return whether renditions are likely to exist soon: the image is new and its original is readable."""
    # Reading the original is slow, but happens only until the first rendition exists.
    if image.created_at <= now - _AWAITED:
        return False
    try:
        image.generate_rendition_file(Filter(spec=plain_specs(image)[0]))
    except SourceImageIOError:
        return False
    return True


def photo(image: AbstractImage, place: str) -> Photo | None:
    """Return the existing renditions of a raster `image` for a `place` of SIZES; None where there are none.

    Generates nothing: a page view must neither be slow nor write.
    """
    prefetch_related_objects([image], "renditions")
    *modern, last = kinds(image)
    stored = stored_files(image)
    plain = ready_files(stored, specs(WHOLE, last))
    if not plain:
        return None
    is_cropped = place in _CROPPED and is_tall(image)
    wanted = [(CROPS, _CROPPED[place], kind) for kind in (*modern, last)] if is_cropped else []
    wanted += [(WHOLE, "", kind) for kind in modern]
    found = [(_all_files(stored, specs(shapes, kind)), media, kind) for shapes, media, kind in wanted]
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
    """Return the rendition of an SVG; None where it does not exist yet."""
    prefetch_related_objects([image], "renditions")
    return stored_files(image).get(ORIGINAL)


def _all_files(stored: Mapping[str, AbstractRendition], wanted: list[str]) -> list[AbstractRendition]:
    # All or none: a browser uses the first format that it knows, even if a width of that format is missing.
    return ready_files(stored, wanted) if stored.keys() >= set(wanted) else []


def _kept(file: AbstractRendition) -> str:
    """Return which part must stay visible: around the focal point, or the top of a portrait without one."""
    image: AbstractImage = file.image
    if not image.has_focal_point():
        return "top" if image.width < image.height else ""
    where = file.focal_point.centroid_y / file.height
    return "top" if where < _UPPER else "bottom" if where > 1 - _UPPER else ""


def _sizes(image: AbstractImage, place: str) -> str:
    """Return the `sizes` attribute. The maximum height limits the width of a tall figure."""
    width = _TALLEST_REM * image.width / image.height
    return f"min({width:.4g}rem, 100vw - 2.5rem)" if place == "figure" and width < _WIDEST_REM else SIZES[place]


def _source(files: list[AbstractRendition], media: str, kind: str) -> Source:
    largest = files[-1]
    return Source(type=f"image/{kind}", srcset=_srcset(files), media=media, width=largest.width, height=largest.height)


def _srcset(files: list[AbstractRendition]) -> str:
    return ", ".join(f"{one.url} {one.width}w" for one in files)
