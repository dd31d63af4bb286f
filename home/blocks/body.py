"""The body of every page."""

from wagtail import blocks

from home.blocks.benefits import BenefitsBlock
from home.blocks.call_to_action import CallToActionBlock
from home.blocks.contact_card import ContactCardBlock
from home.blocks.facts import FactsBlock
from home.blocks.faq import FaqBlock
from home.blocks.image import FigureBlock
from home.blocks.quote import QuoteBlock
from home.blocks.steps import StepsBlock
from home.blocks.text import TextBlock


class BodyStreamBlock(blocks.StreamBlock):
    """The same choice on every page: questions, for one, can stand anywhere."""

    text = TextBlock()
    image = FigureBlock()
    benefits = BenefitsBlock()
    steps = StepsBlock()
    facts = FactsBlock()
    faq = FaqBlock()
    quote = QuoteBlock()
    call_to_action = CallToActionBlock()
    contact_card = ContactCardBlock()

    class Meta:
        template = "home/blocks/body.html"
