"""The next step, as a button-like link."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import blocks

from home.blocks.choosers import PageChoice
from home.pause import FormMode
from home.references import open_address


class CallToActionValue(blocks.StructValue):
    """Knows where the link leads."""

    def href(self, contact_url: str) -> str:
        """The chosen page's address; `contact_url` when none is chosen, or that one is gone or hidden."""
        return open_address(self.get("page")) or str(contact_url)

    def leads_to_us(self, contact_url: str) -> bool:
        """Whether the link leads to the contact page, or to another page where one applies."""
        page = self.get("page")
        if page is None or self.href(contact_url) == contact_url:
            return True
        return bool(getattr(page.specific_class, "takes_applications", False))


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
        # The contact page does something else in this pause: sentence and button say so.
        if contact_url and context["href"] and is_elsewhere and value.leads_to_us(contact_url):
            context |= {"href": contact_url, "label": pause.contact_label, "text": pause.contact_sentence}
        request = context.get("request")
        if request is not None and context["href"] == request.path:
            # Whoever reads it is there already: the words stay, without a link that leads nowhere.
            context["href"] = ""
        return context
