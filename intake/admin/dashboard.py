"""What waits for the supervisor, on the first page of the admin."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from wagtail.admin.ui.components import Component

from home.models import PauseNotice
from intake.choices import MailState, Status, Verdict
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail


class EnquiryPanel(Component):
    """Counts only, each a way to the list; no names."""

    name = "enquiries"
    template_name = "modeladmin/intake/enquiry/dashboard.html"
    order = 50

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        opened = Enquiry.objects.exclude(status=Status.CLOSED)
        request = parent_context.get("request")
        user = request.user if request else AnonymousUser()
        return {
            "new": opened.filter(status=Status.NEW, verdict=Verdict.ACCEPTED).count(),
            "suspicious": opened.filter(verdict=Verdict.QUARANTINED).count(),
            "in_progress": opened.exclude(status=Status.NEW).count(),
            "unsent": OutgoingMail.objects.exclude(state=MailState.SENT).filter(failures__gt=0).count(),
            "pause": PauseNotice.load().status(now=timezone.now()),
            "user_can_change_pause": user.has_perm("home.change_pausenotice"),
        }
