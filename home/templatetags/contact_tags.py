"""How templates show e-mail addresses; see home.email_obfuscation."""

from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from home import email_obfuscation

register = template.Library()


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
    """`{{ value.text|hide_emails }}` for rich text: addresses in its text and links become references."""
    return mark_safe(email_obfuscation.hide_emails(conditional_escape(html)))  # noqa: S308
