"""A picture with what belongs to it."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.images import get_image_model

from home.blocks.choosers import PictureWithWords


class FigureValue(blocks.StructValue):
    """Knows what the picture says to those who do not see it."""

    @property
    def alt(self) -> str:
        """The alternative text; "" for a decorative picture (WCAG 1.1.1)."""
        image = self.get("image")
        return "" if image is None or image.decorative else image.contextual_alt_text or ""


class FigureBlock(blocks.StructBlock):
    """A picture with its alternative text (or marked decorative), caption and credit."""

    image = PictureWithWords(label=_("Image"))
    caption = blocks.CharBlock(label=_("Caption"), required=False, max_length=250)
    credit = blocks.CharBlock(
        label=_("Credit"), required=False, max_length=120, help_text=_("Who made the picture, if it must be told.")
    )

    class Meta:
        label = _("Image")
        icon = "image"
        description = _("A picture with alternative text, caption and credit.")
        template = "home/blocks/image.html"
        preview_template = "home/blocks/preview.html"
        value_class = FigureValue

    def get_preview_value(self) -> Any:
        """The newest picture of the site itself: an example that Kati knows. Without pictures only the caption."""
        newest = get_image_model().objects.order_by("-created_at").first()
        if newest is not None:
            newest.contextual_alt_text = ""
            newest.decorative = True
        return self.normalize(
            {"image": newest, "caption": "Työnohjauksen avulla löydetään yhteinen tavoite ja ratkaisuja.", "credit": ""}
        )
