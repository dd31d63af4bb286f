"""Helpers for an admin form that is open in two windows: its form data and its validation errors."""

import re
from typing import Any

from bs4 import BeautifulSoup, Tag


def shown(page: Any) -> dict[str, Any]:
    """Return the data that the page's form posts if nothing on it is changed."""
    found: dict[str, Any] = {}
    for field in _form(page).select("[name]:not([name=csrfmiddlewaretoken]):not(template [name])"):
        name, kind = str(field["name"]), field.get("type")
        if field.name == "textarea":
            found[name] = field.get_text().removeprefix("\n")
        elif kind == "checkbox":
            if field.has_attr("checked"):
                found.setdefault(name, []).append(field.get("value", "on"))
        elif field.name == "input" and kind not in ("submit", "password"):
            found[name] = str(field.get("value", ""))
    return found


def errors(page: Any) -> dict[str, str]:
    """Return the validation errors shown at fields: name of the field -> message."""
    found = {}
    for said in _form(page).select(".w-field__errors .error-message"):
        whole = said.find_parent(class_="w-field__wrapper")
        assert whole is not None
        field = whole.select_one("[name]")
        assert field is not None
        found[str(field["name"])] = said.get_text(" ", strip=True)
    return found


def _form(page: Any) -> Tag:
    # Only the form is parsed: the rest of the page would double the time.
    [html] = (form for form in re.findall("<form.*?</form>", page.content.decode(), re.DOTALL) if 'name="seen"' in form)
    form = BeautifulSoup(html, "html.parser").form
    assert form is not None
    return form
