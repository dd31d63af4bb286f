"""The blocks of a page's body."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import BlockGroup
from wagtail.images import get_image_model
from wagtail.images.blocks import ImageChooserBlock
from wagtail.models import Page

from home.editors_text import PROSE_FEATURES, valid_id
from home.pause.rules import FormMode
from home.site_pages import current_request, site_pages, visitor_url


class _ValidIds:
    """Mixin for a chooser block: an invalid primary key becomes None, in stored data and in forms."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(valid_id(value))  # type: ignore[misc]

    def bulk_to_python(self, values: Iterable[Any]) -> Any:
        return super().bulk_to_python([valid_id(value) for value in values])  # type: ignore[misc]

    def value_from_form(self, value: Any) -> Any:
        return super().value_from_form(value if isinstance(value, self.model_class) else valid_id(value))  # type: ignore[misc, attr-defined]


class PageChoice(_ValidIds, blocks.PageChooserBlock):  # type: ignore[misc]
    def bulk_to_python(self, values: Iterable[Any]) -> Any:
        request = current_request()
        if request is None:
            return super().bulk_to_python(values)
        return site_pages(request).objects([valid_id(value) for value in values])

    def deconstruct(self) -> tuple[str, Any, Any]:
        # The stored data is the same as that of Wagtail's block, so migrations refer to Wagtail's block.
        _path, args, kwargs = super().deconstruct()
        return "wagtail.blocks.PageChooserBlock", args, kwargs


class PictureChoice(_ValidIds, ImageChooserBlock):  # type: ignore[misc]
    def deconstruct(self) -> tuple[str, Any, Any]:
        _path, args, kwargs = super().deconstruct()
        return "wagtail.images.blocks.ImageChooserBlock", args, kwargs


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


class CallToActionValue(blocks.StructValue):
    """The value of a call to action."""

    def href(self, contact_url: str) -> str:
        """Return the URL of the chosen page; `contact_url` where none is chosen, or it is deleted or unpublished."""
        return visitor_url(self.get("page")) or str(contact_url)

    def leads_to_application(self, contact_url: str) -> bool:
        """Return whether the link leads to the contact page or to another page that accepts applications."""
        page = self.get("page")
        if page is None or self.href(contact_url) == contact_url:
            return True
        return bool(getattr(page.specific_class, "accepts_applications", False))


class CallToActionBlock(blocks.StructBlock):
    """A sentence and a link to a page, or to the contact page when none is chosen."""

    text = blocks.TextBlock(label=_("Text"), required=False, rows=2, max_length=300)
    label = blocks.CharBlock(label=_("Text of the link"), max_length=60, default="Ota yhteyttä")
    page = PageChoice(label=_("Page"), required=False, help_text=_("Leave empty to lead to the contact page."))

    class Meta:
        label = _("Call to action")
        icon = "link"
        description = _("A large link to the next step: the contact page or another page.")
        template = "home/blocks/call_to_action.html"
        preview_template = "home/blocks/preview.html"
        value_class = CallToActionValue
        preview_value = {
            "text": "Ota rohkeasti yhteyttä, niin pohditaan yhdessä.",
            "label": "Ota yhteyttä",
            "page": None,
        }

    def get_context(self, value: CallToActionValue, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        contact_url = str(context.get("contact_url", ""))
        context["href"], context["label"], context["text"] = value.href(contact_url), value["label"], value["text"]
        pause = context.get("pause")
        is_elsewhere = pause is not None and pause.form_mode != FormMode.AS_USUAL
        # In any form mode but AS_USUAL, the sentence and the button name what the contact page offers.
        if contact_url and context["href"] and is_elsewhere and value.leads_to_application(contact_url):
            context |= {"href": contact_url, "label": pause.contact_label, "text": pause.contact_sentence}
        request = context.get("request")
        if request is not None and context["href"] == request.path:
            # The link would lead to the page itself, so the text is shown without a link.
            context["href"] = ""
        return context


class ContactCardBlock(blocks.StructBlock):
    """A card with the contact details of the settings."""

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


class FactBlock(blocks.StructBlock):
    """A figure, its unit and its meaning."""

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


class QuestionBlock(blocks.StructBlock):
    """A question and its answer. The anchor stays when the question is reworded."""

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
    """Questions that open to show their answers (<details>, no JavaScript)."""

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


class FigureBlock(blocks.StructBlock):
    """A picture with caption and credit."""

    image = PictureChoice(label=_("Image"), help_text=_("Its alternative text is under “Edit this image”."))
    caption = blocks.CharBlock(label=_("Caption"), required=False, max_length=250)
    credit = blocks.CharBlock(
        label=_("Credit"), required=False, max_length=120, help_text=_("Who made the picture, if it must be told.")
    )

    class Meta:
        label = _("Image")
        icon = "image"
        description = _("A picture with caption and credit.")
        template = "home/blocks/image.html"
        preview_template = "home/blocks/preview.html"

    def get_preview_value(self) -> Any:
        """Return an example with the newest image; only with a caption where the site has no image."""
        newest = get_image_model().objects.order_by("-created_at").first()
        return self.normalize(
            {"image": newest, "caption": "Työnohjauksen avulla löydetään yhteinen tavoite ja ratkaisuja.", "credit": ""}
        )


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


class StepBlock(blocks.StructBlock):
    """One step of a process."""

    title = blocks.CharBlock(label=_("Step"), max_length=80)
    text = blocks.TextBlock(label=_("Description"), required=False, rows=2, max_length=300)

    class Meta:
        label = _("Step")
        icon = "arrow-right"


class StepsBlock(blocks.StructBlock):
    """Numbered steps, as an ordered list (WCAG 1.3.1, 1.3.2)."""

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


class TextBlock(blocks.StructBlock):
    """A text with an optional heading (h2). The margin can have key facts and a picture or a drawing."""

    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    line = blocks.TextBlock(
        label=_("First line, set large"),
        required=False,
        rows=2,
        max_length=160,
        help_text=_("One short sentence. Use it once on a page: what everybody should remember."),
    )
    text = blocks.RichTextBlock(label=_("Text"), features=PROSE_FEATURES)
    facts = blocks.ListBlock(FactBlock(), label=_("Key facts beside the text"), default=[], min_num=0)
    image = PictureChoice(label=_("Picture beside the text"), required=False)
    # Drawings are inline SVG, so they need no request (templates/components/drawing_art.html).
    drawing = blocks.ChoiceBlock(
        [("art", _("Art: a picture and a brush"))],
        label=_("Drawing beside the text"),
        required=False,
        help_text=_("A drawing of the site. A picture that is chosen is shown instead of it."),
    )

    class Meta:
        label = _("Text")
        icon = "pilcrow"
        description = _("A heading and running text, with lists and links; key facts and a picture in the margin.")
        form_layout = BlockGroup(children=["heading", "text"], settings=["line", "facts", "image", "drawing"])
        template = "home/blocks/text.html"
        preview_template = "home/blocks/preview.html"
        preview_value = {
            "heading": "Ohjaajana Kati",
            "line": "",
            "text": "<p>Työnohjaus lähtee ohjattavan ja hänen työyhteisönsä tarpeista.</p>",
            "facts": [{"value": "3–4", "unit": "viikkoa", "label": "Ohjauskertojen väli"}],
            "image": None,
            "drawing": None,
        }


class PageLinkBlock(blocks.StructBlock):
    """A link to a page, with a few words about it."""

    page = PageChoice(label=_("Page"), required=False)
    text = blocks.TextBlock(label=_("For whom or what"), required=False, rows=2, max_length=200)

    class Meta:
        label = _("Page")
        icon = "link"


class PageLinksBlock(blocks.StructBlock):
    """A list of pages, each with a few words. A page that visitors can't open is left out."""

    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    pages = blocks.ListBlock(PageLinkBlock(), label=_("Pages"), min_num=1)

    class Meta:
        label = _("Links to pages")
        icon = "list-ul"
        description = _("Pages of the site under one another, each with a few words about it.")
        template = "home/blocks/page_links.html"
        preview_template = "home/blocks/preview.html"

    def get_preview_value(self) -> Any:
        """Return an example with up to three pages of the menu."""
        pages = Page.objects.live().filter(show_in_menus=True).order_by("path")[:3]
        rows = [{"page": page, "text": "Muutama sana siitä, kenelle sivu on."} for page in pages]
        return self.normalize({"heading": "Työnohjauksen muodot", "pages": rows})

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        links = [(item["page"], visitor_url(item["page"]), item["text"]) for item in value["pages"]]
        context["links"] = [{"title": page.title, "url": url, "text": text} for page, url, text in links if url]
        return context


class BodyStreamBlock(blocks.StreamBlock):
    """The blocks of every page's body."""

    text = TextBlock()
    image = FigureBlock()
    benefits = BenefitsBlock()
    steps = StepsBlock()
    facts = FactsBlock()
    faq = FaqBlock()
    quote = QuoteBlock()
    page_links = PageLinksBlock()
    call_to_action = CallToActionBlock()
    contact_card = ContactCardBlock()

    class Meta:
        template = "home/blocks/body.html"
