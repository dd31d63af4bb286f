"""What waits for the supervisor, on the first page of the admin."""

from typing import Any

from django.middleware.csrf import get_token
from django.utils import timezone
from wagtail.admin.ui.components import Component

from intake.admin.desk import Part, list_address, part_of
from intake.admin.guard import may_act
from intake.admin.waiting.summary import waiting_summary
from intake.jobs.health import read_health
from intake.models.enquiry import Enquiry
from intake.services.outbox import unsent_of_no_enquiry


class EnquiryPanel(Component):
    """Counts, each a way to the list of exactly what was counted, and the failed mails about no enquiry; no names."""

    name = "enquiries"
    template_name = "modeladmin/intake/enquiry/dashboard.html"
    order = 50

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        request = parent_context["request"]
        return {
            "health": read_health(now=now),
            # An inclusion of its own: Wagtail renders a panel with this context alone.
            "csrf_token": get_token(request),
            "unsent": [mail for mail in unsent_of_no_enquiry().prefetch_related("attempts") if mail.is_late],
            "user_can_act": may_act(request.user),
            "parts": {
                part.value: {"count": part_of(Enquiry.objects.all(), part).count(), "url": list_address(part)}
                for part in Part
            },
            "waiting": waiting_summary(now=now),
        }
