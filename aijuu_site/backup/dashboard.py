"""The dashboard says when the last backup was made and checked."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from wagtail import hooks
from wagtail.admin.ui.components import Component

from aijuu_site.backup.status import backup_status
from intake.enquiry.models import may_see


class BackupPanel(Component):
    """One sentence for those who may see enquiries; where backups are not set up, for superusers only."""

    name = "backup"
    template_name = "backup/dashboard.html"
    order = 60

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        return {"status": backup_status(now=timezone.now())}


@hooks.register("construct_homepage_panels")
def add_backup_panel(request: HttpRequest, panels: list[Component]) -> None:
    user = request.user
    if user.is_superuser or (may_see(user) and backup_status(now=timezone.now()).is_set_up):  # type: ignore[union-attr]
        panels.append(BackupPanel())
