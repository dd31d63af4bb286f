"""Template tags and filters of the public pages."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.forms import BoundField
from django.forms.boundfield import BoundWidget
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from wagtail.images.models import AbstractImage
from wagtail.models import Page
from wagtail.rich_text import RichText, expand_db_html

from home import editors_text as email_obfuscation
from home import seo as addresses
from home.editing import ATTRIBUTE, page_findings
from home.editors_text import editors_html, editors_text, without_empty_links
from home.images.models import PageImage, page_image
from home.important_pages import consequences_without
from home.menus import build_breadcrumbs
from home.pages import BasePage
from home.seo import page_head as head_of
from home.typography import remembered, unbroken_html, unbroken_text
from home.typography import soft_hyphens as with_soft_hyphens

register = template.Library()
_BARE_LINK = re.compile(r'<a href="(https?://[^"]+)">\1</a>')
_OWN_LINK = re.compile(r'<a (?=href="(/[^"/#][^"#]*)["#])')


@register.inclusion_tag("components/breadcrumbs.html", takes_context=True)
def breadcrumbs(context: template.Context, here: str = "") -> dict[str, Any]:
    """`{% breadcrumbs %}` for the page of the context. `here` is the title of a view below the page.

    Renders nothing without a page, as on an error page.
    """
    page, request = context.get("page"), context.get("request")
    items = build_breadcrumbs(request, page, here) if request is not None and isinstance(page, Page) else []
    return {"breadcrumbs": items}


@register.filter(name="email_link")
def email_link_filter(address: str | None) -> SafeString:
    """`{{ contact_details.email|email_link }}`"""
    return email_obfuscation.email_link(address or "")


@register.simple_tag(name="email_link")
def email_link_tag(address: str | None) -> SafeString:
    """`{% email_link contact_details.email %}`"""
    return email_obfuscation.email_link(address or "")


@register.filter
def hide_emails(html: Any) -> SafeString:
    """`{{ value.text|hide_emails }}`: write the e-mail addresses in rich text as character references."""
    if isinstance(html, RichText):
        # The same as in the template of rich text, whose rendering takes longer than all functions that it calls.
        html = typeset_html(expand_db_html(html.source))
    return mark_safe(email_obfuscation.hide_emails(conditional_escape(html)))  # noqa: S308


@register.simple_tag(takes_context=True)
def page_title(context: dict[str, Any]) -> str:
    """`{% page_title %}` for <title>; "" without a page."""
    page = context.get("page")
    return addresses.page_title(page, context["pause"]) if isinstance(page, Page) else ""


@register.inclusion_tag("components/page_head.html", takes_context=True)
def page_head(context: dict[str, Any]) -> dict[str, Any]:
    """`{% page_head %}`. Renders nothing without a page, and nothing in a preview."""
    page, request = context.get("page"), context.get("request")
    if not isinstance(page, Page) or request is None or getattr(request, "is_preview", False):
        return {"head": None}
    return {
        "head": head_of(page, request, details=context["contact_details"], pause=context["pause"]),
    }


@register.filter
def page_address(page: Page) -> str:
    """`{{ page|page_address }}`: the URL for the printed page; "" for anything but a page."""
    return addresses.page_address(page) if isinstance(page, Page) else ""


@register.simple_tag(takes_context=True)
def content_findings(context: dict[str, Any]) -> SafeString:
    """`<body{% content_findings %}>`: the findings as an attribute in the preview panel; nothing for visitors."""
    page, request = context.get("page"), context.get("request")
    if not isinstance(page, Page) or not getattr(request, "in_preview_panel", False):
        return mark_safe("")
    return format_html(' {}="{}"', mark_safe(ATTRIBUTE), " ".join(finding.key for finding in page_findings(page)))  # noqa: S308


@register.filter
def soft_hyphens(text: str | None) -> str:
    """`{{ page.title|typeset|soft_hyphens }}` for the plain text of a heading. The result is not marked safe."""
    if isinstance(text, SafeString):
        # HTML with an e-mail address as character references, which must not be hyphenated.
        return text
    return with_soft_hyphens(str(text)) if text else ""


@register.inclusion_tag("home/page_alarm/warning.html")
def page_warning(page: Page) -> dict[str, Any]:
    return {"stops": consequences_without(page)}


@register.inclusion_tag("home/page_alarm/warning.html")
def pages_warning(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Do the same as page_warning for the items of a bulk action."""
    return {"stops": consequences_without(*(item["item"] for item in items))}


@register.simple_tag(takes_context=True)
def picture(context: dict[str, Any], image: AbstractImage | None, place: str) -> PageImage | None:
    """`{% picture image "hero" as shown %}`. `place` is a key of SIZES. None where there is nothing to show."""
    if not image:
        # None, or "" where the example of a block lacks the field.
        return None
    page = context.get("page")
    if isinstance(page, BasePage):
        # `pictures` reads the renditions of all pictures of the page in one query.
        image = next((one for one in page.pictures if one == image), image)
    return page_image(image, place, now=timezone.now())


@register.filter
def mark_bare_links(html: Any) -> SafeString:
    """Mark links for the print style sheet, which prints the URL after a link.

    A link whose text is its URL gets the class `bare-link`, which suppresses that. A link within the site gets
    `data-address` with the host name: aijuu.fi/yksilotyonohjaus/.
    """
    return _marked_links(conditional_escape(html))


def _bare_link(match: re.Match[str]) -> str:
    address = match[1]
    # A URL that does not fit on a line breaks at a slash.
    shown = re.sub(r"(?<=[^/:])/(?=.)", "<wbr>/", address)
    return f'<a class="bare-link" href="{address}">{shown}</a>'


@remembered
def _marked_links(html: str) -> SafeString:
    marked = _BARE_LINK.sub(_bare_link, html)
    host = escape(urlsplit(settings.SITE_URL).netloc)
    return mark_safe(_OWN_LINK.sub(rf'<a data-address="{host}\1" ', marked))  # noqa: S308


@register.filter
def required_mark(bound: BoundField) -> SafeString:
    """`{{ field|required_mark }}` after a label. "" for a field with an initial choice, which can't be empty."""
    field = bound.field
    if (field.required and not field.initial) or getattr(field, "is_marked_required", False):
        return format_html(' <span class="field__required">{}</span>', _("(required)"))
    return mark_safe("")


@register.filter
def choice_row(choice: BoundWidget) -> SafeString:
    """`{{ choice|choice_row }}`: a radio button or checkbox whose whole row can be tapped.

    Not a template: a form has many rows, and a template costs ten times as much.
    """
    data = choice.data
    identity = conditional_escape(data["attrs"].get("id"))
    checked = " checked" if data["selected"] else ""
    invalid = ' aria-invalid="true"' if data["type"] == "checkbox" and "aria-invalid" in data["attrs"] else ""
    named = f'name="{conditional_escape(data["name"])}" value="{conditional_escape(str(data["value"]))}"'
    return mark_safe(  # noqa: S308  (each value is escaped)
        f'<label class="choice" for="{identity}">\n'
        f'  <input class="choice__input" type="{data["type"]}" {named} id="{identity}"{checked}{invalid}>\n'
        f'  <span class="choice__label">{conditional_escape(data["label"])}</span>\n'
        "</label>"
    )


@register.filter
def typeset(text: str | None) -> str:
    """`{{ value.heading|typeset }}` for an editor's plain text, never a visitor's.

    The result is marked safe only if the text contains an e-mail address, which is then hidden.
    """
    shown = typeset_plain(text)
    return hide_emails(shown) if "@" in shown else shown


@register.filter
def typeset_plain(text: str | None) -> str:
    """Do the same as typeset() for the plain text of a mail: e-mail addresses are not hidden."""
    return unbroken_text(editors_text(str(text))) if text else ""


@register.filter
def typeset_html(html: str) -> SafeString:
    """Typeset rich text. Only one template uses it: wagtailcore/shared/richtext.html, which renders all rich text."""
    return mark_safe(unbroken_html(editors_html(without_empty_links(html))))  # noqa: S308  (what comes in is escaped)
