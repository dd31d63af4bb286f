"""The HTML of the fields that visitors type in, without Django's templates for it, which cost ten times as much."""

from collections.abc import Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

_INPUTS = frozenset(f"django/forms/widgets/{name}.html" for name in ("text", "email", "hidden", "input"))
_TEXTAREA = "django/forms/widgets/textarea.html"


class FormRenderer(DjangoTemplates):
    """Renders inputs and text areas as their templates do, and everything else by its template."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        widget = context.get("widget", {})
        if template_name in _INPUTS:
            value = {} if widget["value"] is None else {"value": widget["value"]}
            start = {"type": widget["type"], "name": widget["name"], **value}
            return format_html("<input{}{}>", _attributes(start), _attributes(widget["attrs"]))
        if template_name == _TEXTAREA:
            # A browser drops the first line break.
            return format_html(
                "<textarea{}{}>\n{}</textarea>",
                _attributes({"name": widget["name"]}),
                _attributes(widget["attrs"]),
                widget["value"] or "",
            )
        rendered: str = super().render(template_name, context, request)
        return rendered


def _attributes(values: Mapping[str, Any]) -> SafeString:
    """Return attributes with a space before each; True is one without a value, and False is none."""
    parts = (
        f" {conditional_escape(name)}" + ("" if value is True else f'="{conditional_escape(value)}"')
        for name, value in values.items()
        if value is not False
    )
    return mark_safe("".join(parts))  # noqa: S308  (each part is escaped)


FORM_RENDERER = FormRenderer()
