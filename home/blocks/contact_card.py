"""How to reach Kati."""

from django.utils.translation import gettext_lazy as _
from wagtail import blocks


class ContactCardBlock(blocks.StructBlock):
    """A card with the details of the site's settings: written in one place, shown here."""

    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    text = blocks.TextBlock(label=_("Text"), required=False, rows=3, max_length=400)

    class Meta:
        label = _("Contact card")
        icon = "mail"
        description = _("Name, e-mail, phone and areas from the contact details of the site.")
        template = "home/blocks/contact_card.html"
        preview_template = "home/blocks/preview.html"
        preview_value = {
            "heading": "Ota rohkeasti yhteyttä",
            "text": "Sopivin työnohjauksen muoto löytyy tilanteen kartoittamisella.",
        }
