"""What work supervision is good for, as a list."""

from django.utils.translation import gettext_lazy as _
from wagtail import blocks


class BenefitsBlock(blocks.StructBlock):
    """A heading and a list of short benefits."""

    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    items = blocks.ListBlock(blocks.CharBlock(label=_("Benefit"), max_length=250), label=_("Benefits"), min_num=1)

    class Meta:
        label = _("Benefits")
        icon = "list-ul"
        description = _("A list of benefits, one short line each.")
        template = "home/blocks/benefits.html"
        preview_template = "home/blocks/preview.html"
        preview_value = {
            "heading": "Mitä hyötyä työnohjauksesta on?",
            "items": [
                "selkeämmät tavoitteet",
                "tehtävien ja roolien jäsentyminen",
                "parempi työilmapiiri ja jaksaminen",
            ],
        }
