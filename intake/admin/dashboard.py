"""What waits for the supervisor, on the first page of the admin."""

from typing import Any

from django.utils import timezone
from wagtail.admin.ui.components import Component

from intake.admin.desk import Part, list_address, part_of
from intake.admin.waiting.summary import waiting_summary
from intake.jobs.health import read_health
from intake.models.enquiry import Enquiry


class EnquiryPanel(Component):
    """Counts only, each a way to the list of exactly what was counted; no names."""

    name = "enquiries"
    template_name = "modeladmin/intake/enquiry/dashboard.html"
    order = 50

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        return {
            "health": read_health(now=now),
            "parts": {
                part.value: {"count": part_of(Enquiry.objects.all(), part).count(), "url": list_address(part)}
                for part in Part
            },
            "waiting": waiting_summary(now=now),
        }
