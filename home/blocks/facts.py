"""Figures that people look for."""

from django.utils.translation import gettext_lazy as _
from wagtail import blocks


class FactBlock(blocks.StructBlock):
    """A figure, its unit and what it tells."""

    value = blocks.CharBlock(label=_("Figure"), max_length=20, help_text=_("For example 3–4 or 45."))
    unit = blocks.CharBlock(label=_("Unit"), required=False, max_length=40, help_text=_("For example minutes."))
    label = blocks.CharBlock(label=_("What the figure tells"), max_length=120)

    class Meta:
        label = _("Fact")
        icon = "info-circle"


class FactsBlock(blocks.StructBlock):
    """Key figures at a glance."""

    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    facts = blocks.ListBlock(FactBlock(), label=_("Facts"), min_num=1)

    class Meta:
        label = _("Key facts")
        icon = "info-circle"
        description = _("Key figures, each with its unit and explanation.")
        template = "home/blocks/facts.html"
        preview_template = "home/blocks/preview.html"
        preview_value = {
            "heading": "Työnohjaus lukuina",
            "facts": [
                {"value": "3–4", "unit": "viikkoa", "label": "ohjauskertojen välillä"},
                {"value": "45", "unit": "minuuttia", "label": "yksi ohjaustunti"},
            ],
        }
