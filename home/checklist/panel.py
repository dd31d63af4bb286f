"""The open points on the first page of the admin."""

from typing import Any

from django.middleware.csrf import get_token
from wagtail.admin.ui.components import Component

from home.checklist.progress import checklist_for


class ChecklistPanel(Component):
    """What is still missing. Empty, and so not there, when nothing is."""

    name = "checklist"
    template_name = "home/checklist/panel.html"
    order = 60

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        request = parent_context["request"]
        checklist = checklist_for(request.user)
        # The token's cookie is only asked for where there is a form to send.
        return {"checklist": checklist, "csrf_token": get_token(request) if checklist.open else ""}
