"""Running text under a heading."""

from django.utils.translation import gettext_lazy as _
from wagtail import blocks

from home.rich_text import PROSE_FEATURES


class TextBlock(blocks.StructBlock):
    """An optional heading (h2) and the text that belongs to it."""

    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    text = blocks.RichTextBlock(label=_("Text"), features=PROSE_FEATURES)

    class Meta:
        label = _("Text")
        icon = "pilcrow"
        description = _("A heading and running text, with lists and links.")
        template = "home/blocks/text.html"
        preview_template = "home/blocks/preview.html"
        preview_value = {
            "heading": "Ohjaajana Kati",
            "text": "<p>Työnohjaus lähtee ohjattavan ja hänen työyhteisönsä tarpeista.</p>",
        }
