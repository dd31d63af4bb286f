"""Uploaded images: validation, conversion, and removal of metadata."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener
from wagtail.admin.forms.account import AvatarPreferencesForm
from wagtail.images import get_image_model
from wagtail.images.fields import WagtailImageField
from wagtail.images.forms import BaseImageForm
from wagtail.images.models import AbstractImage, Filter
from wagtail.models import UploadedFile

from home.images.models import ORIGINAL
from home.text_input import strip_invisible

logger = logging.getLogger(__name__)
# For HEIF files, the photos of iPhones.
register_heif_opener()
# In pixels. No page shows an image wider than this; a phone's photo of 12 megapixels is 4032 pixels wide.
LONGEST_SIDE = 2560
AVATAR_SIDE = 400
# The renditions that the admin uses in its lists and edit views.
_IN_ADMIN = ("max-165x165", "max-800x600", ORIGINAL)
_JPEG_ENDINGS = (".jpg", ".jpeg", ".jfif", ".jpe")
# The extensions of stored files, as Wagtail expects them.
_ENDINGS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",), "AVIF": (".avif",), "GIF": (".gif",)}
_SAVING: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 92, "optimize": True, "progressive": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 92},
    "AVIF": {"quality": 85},
    "GIF": {},
}
# All other metadata is removed; these two affect the appearance.
_KEPT = ("icc_profile", "transparency")
_SCREEN = {"1": "1", "L": "L", "P": "P", "RGB": "RGB", "RGBA": "RGBA", "LA": "LA", "PA": "RGBA"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an uploaded format (by Pillow's name) is stored, and its file extensions."""

    kept_as: str
    endings: tuple[str, ...]


_KINDS = {
    "JPEG": _Kind("JPEG", _JPEG_ENDINGS),
    # Several images in one file, from some phones.
    "MPO": _Kind("JPEG", (*_JPEG_ENDINGS, ".mpo")),
    "PNG": _Kind("PNG", (".png", ".apng")),
    "WEBP": _Kind("WEBP", (".webp",)),
    "AVIF": _Kind("AVIF", (".avif",)),
    "GIF": _Kind("GIF", (".gif",)),
    # Only Safari shows HEIF.
    "HEIF": _Kind("JPEG", (".heic", ".heif", ".hif")),
}
# Pillow's JPEG reader detects an MPO by itself.
_READ = tuple(kind for kind in _KINDS if kind != "MPO")


@contextmanager
def _as_validation_error(message: str) -> Iterator[None]:
    """Turn any exception into ValidationError(message).

    Image libraries raise anything for a malformed file: EOFError, KeyError, struct.error, errors of their own.
    """
    try:
        yield
    except ValidationError:
        raise
    except Image.DecompressionBombError as error:
        raise ValidationError(_too_many_pixels(), code="file_too_many_pixels") from error
    except Exception as error:
        logger.info("an uploaded picture was refused: %s", type(error).__name__)
        raise ValidationError(message, code="broken") from error


def _broken() -> str:
    return _("The picture is broken and can't be opened. Save it anew and try again.")


def _not_shown() -> str:
    return _(
        "The drawing (SVG) can't be shown: its width and height must be told, at least 1 pixel each. Save it anew in"
        " the program it was drawn with, or as PNG."
    )


def _too_many_pixels() -> str:
    return _("The picture has too many pixels: at most %(millions)d million fit. Make it smaller and try again.") % {
        "millions": settings.WAGTAILIMAGES_MAX_IMAGE_PIXELS // 1_000_000
    }


class PictureField(WagtailImageField):  # type: ignore[misc]
    """An image field whose cleaned value is the converted file without metadata (normalized_picture)."""

    def __init__(self, *args: Any, longest_side: int = LONGEST_SIDE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._longest_side = longest_side
        self.error_messages["file_too_many_pixels"] = _too_many_pixels()

    def to_python(self, data: Any) -> Any:
        is_drawing = _ending(data) == ".svg"
        with _as_validation_error(_not_shown() if is_drawing else _broken()):
            if hasattr(data, "seek"):
                self.check_image_file_size(data)
                if _is_kept(data):
                    data = normalized_picture(data, self._longest_side)
            file = super().to_python(data)
            if file is not None and is_drawing:
                _make_once(file)
            return file


class PictureForm(BaseImageForm):  # type: ignore[misc]
    """The form of every upload in the admin (WAGTAILIMAGES_IMAGE_FORM_BASE)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("file"):
            self.fields["file"] = PictureField(label=field.label, required=field.required, widget=field.widget)
        if self.instance._state.adding and not self.is_bound and self.instance.title:
            # With several uploads, Wagtail takes the file name as the title of one that needs an alternative text.
            # Propose the title without the file extension.
            self.initial["title"] = PurePath(self.instance.title).stem

    def clean_description(self) -> str:
        """Return the alternative text; "" where it has no visible character: it could not be read aloud."""
        text: str = self.cleaned_data["description"]
        return text if strip_invisible(text).strip() else ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if "file" not in self.changed_data:
            # Django would read the dimensions again, and the stored file may be missing or malformed.
            cleaned.pop("file", None)
        return cleaned

    def save(self, commit: bool = True) -> AbstractImage:
        # Wagtail deletes the old renditions after saving; on_commit generates the new ones after both.
        with transaction.atomic():
            image: AbstractImage = super().save(commit=commit)
        return image


class AvatarForm(AvatarPreferencesForm):  # type: ignore[misc]
    """The picture of an account, with the same checks and conversion as the images of the site."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label = self.fields["avatar"].label
        self.fields["avatar"] = PictureField(label=label, required=False, longest_side=AVATAR_SIDE)

    def clean_avatar(self) -> File | bool:
        """Return the new picture, False where it is removed, or the unchanged one."""
        file: Any = self.cleaned_data.get("avatar")
        if "avatar" not in self.changed_data or not file:
            return False if file is False else self._original_avatar
        if _ending(file) == ".svg":
            raise ValidationError(_("Choose a photo: a drawing (SVG) can't be the picture of an account."), code="svg")
        return file


def normalize_pending_upload(instance: UploadedFile, **_signal: Any) -> None:
    """Receiver of pre_save: convert an upload that Wagtail stores because another field of its form is invalid.

    Wagtail stores the original and uses it once the form is corrected. PictureForm has validated the file already.
    """
    file = instance.file
    is_picture = instance.for_content_type == ContentType.objects.get_for_model(get_image_model())
    if is_picture and file and not file._committed and _ending(file) != ".svg":
        instance.file = normalized_picture(file.file)


def _ending(file: File | None) -> str:
    return PurePath((file and file.name) or "").suffix.lower()


def _is_kept(file: File) -> bool:
    """Return whether the format is one of _KINDS and matches the file extension. Reads the header only.

    Anything else is an SVG, or is refused by Wagtail.
    """
    file.seek(0)
    try:
        with Image.open(file, formats=_READ) as opened:
            endings, pixels = _KINDS[opened.format or ""].endings, opened.width * opened.height
    except UnidentifiedImageError:
        return False
    finally:
        file.seek(0)
    if pixels > settings.WAGTAILIMAGES_MAX_IMAGE_PIXELS:
        raise ValidationError(_too_many_pixels(), code="file_too_many_pixels")
    return _ending(file) in endings


def _make_once(file: Any) -> None:
    """Generate the renditions of the admin once, to validate an SVG. Raises SourceImageIOError."""
    content = file.read()
    file.seek(0)
    picture = get_image_model()(file=File(BytesIO(content), name=file.name))
    for spec in _IN_ADMIN:
        picture.generate_rendition_file(Filter(spec=spec), source=File(BytesIO(content), name=file.name))


def normalized_picture(file: File, longest_side: int = LONGEST_SIDE) -> File:
    """Return a new file with one still, upright image of at most `longest_side` pixels, without metadata.

    Raises whatever Pillow raises for a malformed file.
    """
    file.seek(0)
    with Image.open(file, formats=_READ) as opened:
        kind = _KINDS[opened.format or ""].kept_as
        picture = _in_screen_colours(ImageOps.exif_transpose(opened))
    if kind == "JPEG" and picture.has_transparency_data:
        kind = "PNG"
    picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    picture.info = {name: value for name, value in picture.info.items() if name in _KEPT}
    out = BytesIO()
    profile = picture.info.get("icc_profile")
    picture.save(out, kind, **_SAVING[kind], **({"icc_profile": profile} if profile else {}))
    return SimpleUploadedFile(_name(file, kind), out.getvalue(), content_type=Image.MIME[kind])


def _name(file: File, kind: str) -> str:
    """Return the name of the uploaded file with the extension of its stored format."""
    name = file.name or ""
    first, *_more = endings = _ENDINGS[kind]
    return name if _ending(file) in endings else str(PurePath(name).with_suffix(first))


def _in_screen_colours(picture: Image.Image) -> Image.Image:
    """Convert CMYK to sRGB by its profile, and other modes that browsers don't show to RGB."""
    picture.load()
    mode = _SCREEN.get(picture.mode)
    if mode == picture.mode:
        return picture
    converted = _by_profile(picture) if picture.mode == "CMYK" else None
    if converted is None and picture.mode.startswith("I;16"):
        # Pillow's own conversion clips values above 255 of 65 535.
        converted = picture.point(lambda value: value / 256).convert("L")
    if converted is None:
        converted = picture.convert(mode or "RGB")
    converted.info.pop("icc_profile", None)
    return converted


def _by_profile(picture: Image.Image) -> Image.Image | None:
    """Return the image converted to sRGB by its colour profile; None where it has no readable profile."""
    profile = picture.info.get("icc_profile")
    if not profile:
        return None
    try:
        own, srgb = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, own, srgb, outputMode="RGB")
    except (OSError, ImageCms.PyCMSError):
        return None
