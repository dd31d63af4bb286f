"""The image model, and cropping."""

import math
from collections.abc import Collection
from io import BytesIO
from typing import Any, ClassVar

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db import models
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
    """Raise InvalidSvg, or what Willow raises for dimensions that it can't parse."""
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

    Each picture has an alternative text or is decoration. Pages and blocks hold the picture only.
    """

    # Wagtail's own field: its choosers and renditions take the alternative text from it.
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
        # Wagtail checks the permissions of its own model.
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
        """Report the missing alternative text at its field, not at the head of the form."""
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

        Wagtail's tags handle only a missing original, and its chooser none.
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
