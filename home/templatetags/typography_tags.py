"""Where an editor's words go out: see home.editors_words, home.typography and home.references."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from home.editors_words import editors_html, editors_text
from home.references import without_empty_links
from home.typography import unbroken_html, unbroken_text

register = template.Library()


@register.filter
def typeset(text: str | None) -> str:
    """`{{ value.heading|typeset }}` for plain text; the result is escaped as any text. Never for a visitor's words."""
    return unbroken_text(editors_text(str(text))) if text else ""


@register.filter
def typeset_title(text: str | None) -> str:
    """For a window's title, where nothing breaks: it is copied and kept, so no unseen character stands in it."""
    return editors_text(str(text)) if text else ""


@register.filter
def typeset_html(html: SafeString) -> SafeString:
    """For rich text. All of it passes through templates/wagtailcore/shared/richtext.html, so no other template asks."""
    return mark_safe(unbroken_html(editors_html(without_empty_links(html))))  # noqa: S308  (what comes in is escaped)
