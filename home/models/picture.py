"""Wagtail's picture, with a mend: one whose file can't be used does not take the admin's screens with it."""

from typing import Any

from django.core.files.base import File
from wagtail.images.models import AbstractRendition, Filter, Image, SourceImageIOError


class Picture(Image):  # type: ignore[misc]
    """The picture model of the site (WAGTAILIMAGES_IMAGE_MODEL); its rows are Wagtail's own."""

    class Meta:
        proxy = True
        # Wagtail asks for those of its own model.
        default_permissions = ()

    def generate_rendition_file(self, filter: Filter, *, source: File | None = None) -> File:
        """Raises SourceImageIOError for whatever is wrong with the original: Wagtail knows only a missing one, while
        the libraries that read a cut or an odd one raise what they like."""
        try:
            return super().generate_rendition_file(filter, source=source)
        except Exception as error:
            raise SourceImageIOError(f"{filter.spec} can't be made of picture {self.pk}") from error

    def get_rendition(self, filter: Filter | str) -> AbstractRendition:
        """What the admin shows: an empty one for an original that can't be used, as Wagtail's own tags have it; its
        chooser has not. Pages do not ask here (home.pictures)."""
        try:
            return super().get_rendition(filter)
        except SourceImageIOError:
            empty: Any = self.get_rendition_model()(image=self, width=0, height=0)
            empty.file.name = "not-found"
            return empty
