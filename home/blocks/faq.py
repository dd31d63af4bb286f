"""Questions and answers. Their anchors come from home.anchors when a page is saved."""

from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import BlockGroup

from home.rich_text import PROSE_FEATURES


class QuestionBlock(blocks.StructBlock):
    """A question, its answer and the anchor that survives a rewording."""

    question = blocks.CharBlock(label=_("Question"), max_length=200)
    answer = blocks.RichTextBlock(label=_("Answer"), features=PROSE_FEATURES)
    anchor = blocks.CharBlock(
        label=_("Address on the page"),
        required=False,
        max_length=80,
        help_text=_("Made of the question when the page is saved for the first time; stays when the question changes."),
    )

    class Meta:
        label = _("Question")
        icon = "help"
        form_layout = BlockGroup(children=["question", "answer"], settings=["anchor"])


class FaqBlock(blocks.StructBlock):
    """Questions that open to their answers, without JavaScript too."""

    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    questions = blocks.ListBlock(QuestionBlock(), label=_("Questions"), min_num=0)
    anchor = blocks.CharBlock(
        label=_("Address on the page"),
        required=False,
        max_length=80,
        help_text=_("Made of the heading when the page is saved for the first time; stays when the heading changes."),
    )

    class Meta:
        label = _("Questions and answers")
        icon = "help"
        description = _("Questions that open to their answers. Each question can be linked to.")
        template = "home/blocks/faq.html"
        preview_template = "home/blocks/preview.html"
        form_layout = BlockGroup(children=["heading", "questions"], settings=["anchor"])
        preview_value = {
            "heading": "Tietoa työnohjauksesta",
            "anchor": "tietoa-tyonohjauksesta",
            "questions": [
                {
                    "question": "Kenelle työnohjaus sopii?",
                    "answer": "<p>Kaikille, jotka haluavat oppia ja kehittyä työssään.</p>",
                    "anchor": "kenelle-tyonohjaus-sopii",
                },
                {
                    "question": "Mitä työnohjauksessa käytännössä tapahtuu?",
                    "answer": "<p>Työnohjaus on useita tapaamisia sisältävä prosessi.</p>",
                    "anchor": "mita-tyonohjauksessa-kaytannossa-tapahtuu",
                },
            ],
        }
