"""What is kept of an uploaded photo: the picture itself, upright and in screen colours, and nothing about its making.

A phone writes the place, the time and the device into a photo (EXIF); none of it may reach the site's files.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from wagtail.admin.forms.account import AvatarPreferencesForm
from wagtail.images import get_image_model
from wagtail.images.fields import WagtailImageField
from wagtail.images.forms import BaseImageForm
from wagtail.images.models import AbstractImage
from wagtail.models import UploadedFile

# More than any screen shows of a page's widest picture; a phone's photo of 12 megapixels is 4032 wide.
LONGEST_SIDE = 2560
AVATAR_SIDE = 400
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


@contextmanager
def _told_in_the_form() -> Iterator[None]:
    """Turn what goes wrong with an odd file into words beside its field."""
    try:
        yield
    except _UNREADABLE as error:
        broken = _("The picture is broken and can't be opened. Save it anew and try again.")
        raise ValidationError(broken, code="broken") from error
    except Image.DecompressionBombError as error:
        raise ValidationError(_too_many_pixels(), code="file_too_many_pixels") from error


def _refuse_too_many_pixels(file: File) -> None:
    """Wagtail unpacks a picture before it looks how large it is; its header says so too."""
    file.seek(0)
    try:
        with Image.open(file) as opened:
            pixels = opened.width * opened.height
            if pixels <= settings.WAGTAILIMAGES_MAX_IMAGE_PIXELS:
                pixels *= getattr(opened, "n_frames", 1)
    except UnidentifiedImageError:
        # A drawing, or what Wagtail refuses by itself.
        return
    finally:
        file.seek(0)
    if pixels > settings.WAGTAILIMAGES_MAX_IMAGE_PIXELS:
        raise ValidationError(_too_many_pixels(), code="file_too_many_pixels")


def _too_many_pixels() -> str:
    return _("The picture has too many pixels: at most %(millions)d million fit. Make it smaller and try again.") % {
        "millions": settings.WAGTAILIMAGES_MAX_IMAGE_PIXELS // 1_000_000
    }


class PictureField(WagtailImageField):  # type: ignore[misc]
    """Wagtail's field lets the errors of a file that ends too early, or that is far too large, through: a 500."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.error_messages["file_too_many_pixels"] = _too_many_pixels()

    def to_python(self, data: Any) -> Any:
        with _told_in_the_form():
            if hasattr(data, "seek"):
                _refuse_too_many_pixels(data)
            return super().to_python(data)


class PictureForm(BaseImageForm):  # type: ignore[misc]
    """The form of every upload in the admin (WAGTAILIMAGES_IMAGE_FORM_BASE)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("file"):
            self.fields["file"] = PictureField(label=field.label, required=field.required, widget=field.widget)

    def clean_file(self) -> File:
        file: File = self.cleaned_data["file"]
        if "file" not in self.changed_data or not file or _is_drawing(file):
            return file
        with _told_in_the_form():
            return bare_picture(file)

    def save(self, commit: bool = True) -> AbstractImage:
        # A replaced picture loses its old renditions after it has been saved; the new ones are made after both.
        with transaction.atomic():
            image: AbstractImage = super().save(commit=commit)
        return image


class AvatarForm(AvatarPreferencesForm):  # type: ignore[misc]
    """The picture of an account: as small and as bare as the site's own pictures, and refused like them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["avatar"] = PictureField(label=self.fields["avatar"].label, required=False)

    def clean_avatar(self) -> File | bool:
        """The new picture; False where it is taken away; else the one that was there."""
        file: Any = self.cleaned_data.get("avatar")
        if "avatar" not in self.changed_data or not file:
            return False if file is False else self._original_avatar
        if _is_drawing(file):
            raise ValidationError(_("Choose a photo: a drawing (SVG) can't be the picture of an account."), code="svg")
        with _told_in_the_form():
            return bare_picture(file, longest_side=AVATAR_SIDE)


def bare_waiting_upload(instance: UploadedFile, **_signal: Any) -> None:
    """Wagtail puts a file aside as it came when only another field of its form is wrong, and takes it from there when
    the form has been mended. The file itself has passed PictureForm by then."""
    file = instance.file
    is_picture = instance.for_content_type == ContentType.objects.get_for_model(get_image_model())
    if is_picture and file and not file._committed and not _is_drawing(file):
        instance.file = bare_picture(file.file)


def _is_drawing(file: File) -> bool:
    return (file.name or "").lower().endswith(".svg")


def bare_picture(file: File, longest_side: int = LONGEST_SIDE) -> File:
    """A new file of the same name and kind: one still picture, upright, at most `longest_side`, without metadata.

    OSError, SyntaxError or ValueError for a file that can't be read to its end.
    """
    file.seek(0)
    with Image.open(file) as opened:
        kind = opened.format or ""
        mime_type = Image.MIME[kind]
        picture = _in_screen_colours(ImageOps.exif_transpose(opened))
    picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
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
