"""A picture of a page; see home.pictures.photo."""

from django import template
from wagtail.images.models import AbstractImage, AbstractRendition

from home.pictures import photo as photos

register = template.Library()


@register.simple_tag
def photo(image: AbstractImage, place: str) -> photos.Photo | None:
    """`{% photo image "hero" as photo %}`; `place` is a key of photos.SIZES. None for a drawing."""
    return None if image.is_svg() else photos.photo(image, place or "figure")


@register.simple_tag
def drawing(image: AbstractImage) -> AbstractRendition | None:
    """`{% drawing image as drawing %}`; None for a photo."""
    return photos.drawing(image) if image.is_svg() else None
