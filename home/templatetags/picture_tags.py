"""A photo of a page; see home.pictures.photo."""

from django import template
from wagtail.images.models import AbstractImage

from home.pictures import photo as photos

register = template.Library()


@register.simple_tag
def photo(image: AbstractImage, place: str) -> photos.Photo:
    """`{% photo image "hero" as photo %}` for a raster picture; `place` is a key of photos.SIZES."""
    return photos.photo(image, place or "figure")
