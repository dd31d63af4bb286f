"""Wagtail's content checker in the editor, with the checks that matter on this site, in Finnish.

The checker is axe in the browser, and it reads its rules once, when the editor opens. So the preview, which is drawn
anew as she writes, says on its <body> which faults the server found (home.editing_checks), and a rule waits for each.
"""

from typing import Any

from django.http import HttpRequest
from wagtail.admin.userbar import ContentCheckerItem

from home.editing_checks import ALT_MISSING, FAULTS

ATTRIBUTE = "data-faults"
# axe-core's own check with nothing to match holds for every element; in a rule's `none` it means: a fault is here.
_ALWAYS = {"id": "home-always", "evaluate": "matches-definition-evaluate", "options": {"matcher": {}}}
# Of axe-core, beside those that Wagtail asks for.
_NO_ALT_AT_ALL = "image-alt"
# The page falls back to its introduction, so the rendered page never lacks a description; ours looks at the field.
_REPLACED = "empty-meta-description"


class SiteContentChecker(ContentCheckerItem):
    """Wagtail's checks of the rendered page, and ours."""

    def get_axe_run_only(self, request: HttpRequest) -> list[str]:
        theirs = [rule for rule in super().get_axe_run_only(request) if rule != _REPLACED]
        return [*theirs, _NO_ALT_AT_ALL, *(fault.key for fault in FAULTS)]

    def get_axe_custom_rules(self, request: HttpRequest) -> list[dict[str, Any]]:
        theirs = [rule for rule in super().get_axe_custom_rules(request) if rule["id"] != _REPLACED]
        ours = [
            {
                "id": fault.key,
                "impact": "moderate",
                "selector": f"body[{ATTRIBUTE}~='{fault.key}'] {fault.selector}",
                "tags": ["best-practice"],
                "none": [_ALWAYS["id"]],
                "enabled": True,
            }
            for fault in FAULTS
        ]
        return [*theirs, *ours]

    def get_axe_custom_checks(self, request: HttpRequest) -> list[dict[str, Any]]:
        return [*super().get_axe_custom_checks(request), _ALWAYS]

    def get_axe_messages(self, request: HttpRequest) -> dict[str, dict[str, Any]]:
        ours = {fault.key: {"error_name": fault.name, "help_text": fault.help_text} for fault in FAULTS}
        return {**super().get_axe_messages(request), **ours, _NO_ALT_AT_ALL: ours[ALT_MISSING.key]}
