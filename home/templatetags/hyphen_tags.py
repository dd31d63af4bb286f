"""Where the long words of a heading may break; see home.soft_hyphens."""

from django import template

from home.soft_hyphens import soft_hyphens as with_soft_hyphens

register = template.Library()


@register.filter
def soft_hyphens(text: str | None) -> str:
    """`{{ page.title|typeset|soft_hyphens }}` for plain text in a heading; the result is escaped as any text."""
    return with_soft_hyphens(str(text)) if text else ""
