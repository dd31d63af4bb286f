"""The process as numbered stations."""

from django.utils.translation import gettext_lazy as _
from wagtail import blocks


class StepBlock(blocks.StructBlock):
    """One station of the way."""

    title = blocks.CharBlock(label=_("Step"), max_length=80)
    text = blocks.TextBlock(label=_("Description"), required=False, rows=2, max_length=300)

    class Meta:
        label = _("Step")
        icon = "arrow-right"


class StepsBlock(blocks.StructBlock):
    """A figure of numbered steps; an ordered list underneath, so that it reads aloud in order (WCAG 1.3.1, 1.3.2)."""

    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    intro = blocks.TextBlock(label=_("Introduction"), required=False, rows=2, max_length=400)
    steps = blocks.ListBlock(StepBlock(), label=_("Steps"), min_num=2)

    class Meta:
        label = _("Process steps")
        icon = "list-ol"
        description = _("A figure of a process: numbered steps from the first to the last.")
        template = "home/blocks/steps.html"
        preview_template = "home/blocks/preview.html"
        preview_value = {
            "heading": "Näin työnohjaus etenee",
            "intro": "Aijuun työnohjausprosessi etenee seuraavan kuvion mukaisesti:",
            "steps": [
                {"title": "Yhteydenotto", "text": "Kerro muutamalla sanalla, mitä mietit."},
                {"title": "Tilanteen kartoittaminen", "text": "Sopivin työnohjauksen muoto löytyy yhdessä."},
                {"title": "Tavoite", "text": ""},
            ],
        }
