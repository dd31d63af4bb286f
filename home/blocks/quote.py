"""Somebody's own words."""

from django.utils.translation import gettext_lazy as _
from wagtail import blocks


class QuoteBlock(blocks.StructBlock):
    """A quotation and who said it."""

    text = blocks.TextBlock(label=_("Quotation"), rows=3, max_length=600, help_text=_("Without quotation marks."))
    attribution = blocks.CharBlock(label=_("Who said it"), required=False, max_length=120)

    class Meta:
        label = _("Quotation")
        icon = "openquote"
        description = _("A quotation that stands out from the text, and who said it.")
        template = "home/blocks/quote.html"
        preview_template = "home/blocks/preview.html"
        preview_value = {
            "text": "Työnohjaus on oman työn tutkimista, arviointia ja kehittämistä.",
            "attribution": "Kati, Aijuu työnohjaus",
        }
