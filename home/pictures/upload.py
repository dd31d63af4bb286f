"""What is kept of an uploaded photo: the picture itself, upright and in screen colours, and nothing about its making.

A phone writes the place, the time and the device into a photo (EXIF); none of it may reach the site's files.
"""

from io import BytesIO
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageCms, ImageOps
from wagtail.images.fields import WagtailImageField
from wagtail.images.forms import BaseImageForm

# More than any screen shows of a page's widest picture; a phone's photo of 12 megapixels is 4032 wide.
LONGEST_SIDE = 2560
_SAVING: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 92, "optimize": True, "progressive": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 92},
    "AVIF": {"quality": 85},
    "GIF": {},
}
# The rest of what a file says of itself stays behind; these two belong to the look.
_KEPT = ("icc_profile", "transparency")
_SCREEN = {"1": "1", "L": "L", "P": "P", "RGB": "RGB", "RGBA": "RGBA", "LA": "LA", "PA": "RGBA"}


_UNREADABLE = (OSError, SyntaxError, ValueError, ImageCms.PyCMSError)


def _broken() -> ValidationError:
    return ValidationError(_("The picture is broken and can't be opened. Save it anew and try again."), code="broken")


class PictureField(WagtailImageField):  # type: ignore[misc]
    """Wagtail's field lets the error of a file that ends too early through, and the answer would be a 500."""

    def to_python(self, data: Any) -> Any:
        try:
            return super().to_python(data)
        except _UNREADABLE as error:
            raise _broken() from error


class PictureForm(BaseImageForm):  # type: ignore[misc]
    """The form of every upload in the admin (WAGTAILIMAGES_IMAGE_FORM_BASE)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("file"):
            self.fields["file"] = PictureField(label=field.label, required=field.required, widget=field.widget)

    def clean_file(self) -> File:
        file: File = self.cleaned_data["file"]
        if "file" not in self.changed_data or not file or (file.name or "").lower().endswith(".svg"):
            return file
        try:
            return bare_picture(file)
        except _UNREADABLE as error:
            raise _broken() from error


def bare_picture(file: File) -> File:
    """A new file of the same name and kind: one still picture, turned upright, at most LONGEST_SIDE, without metadata.

    OSError, SyntaxError or ValueError for a file that can't be read to its end.
    """
    file.seek(0)
    with Image.open(file) as opened:
        kind = opened.format or ""
        mime_type = Image.MIME[kind]
        picture = _in_screen_colours(ImageOps.exif_transpose(opened))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    picture.info = {name: value for name, value in picture.info.items() if name in _KEPT}
    out = BytesIO()
    profile = picture.info.get("icc_profile")
    picture.save(out, kind, **_SAVING[kind], **({"icc_profile": profile} if profile else {}))
    return SimpleUploadedFile(file.name or "", out.getvalue(), content_type=mime_type)


def _in_screen_colours(picture: Image.Image) -> Image.Image:
    """Printing colours (CMYK) become sRGB by the profile that came along; what is rarer becomes plain RGB."""
    picture.load()
    mode = _SCREEN.get(picture.mode)
    if mode == picture.mode:
        return picture
    profile = picture.info.get("icc_profile")
    if picture.mode == "CMYK" and profile:
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(
            picture, ImageCms.ImageCmsProfile(BytesIO(profile)), srgb, outputMode="RGB"
        )
        if converted is None:
            raise ValueError("the colours can't be converted")
        converted.info.pop("icc_profile", None)
        return converted
    converted = picture.convert(mode or "RGB")
    converted.info.pop("icc_profile", None)
    return converted
