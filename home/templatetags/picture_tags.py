"""A picture of a page; see home.pictures.photo."""

from django import template
from django.utils import timezone
from wagtail.images.models import AbstractImage

from home.pictures.photo import Shown, shown

register = template.Library()


@register.simple_tag
def picture(image: AbstractImage | None, place: str) -> Shown | None:
    """`{% picture image "hero" as shown %}`; `place` is a key of SIZES. None where a page shows none."""
    return shown(image, place, now=timezone.now())
