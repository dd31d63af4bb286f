"""A person's own account page in the admin, without what does nothing here."""

from typing import Any

from wagtail.admin.auth import require_admin_access
from wagtail.admin.views.account import AccountView, AvatarSettingsPanel

from home.pictures.upload import AvatarForm

# Notices of moderation and comments, both of which are off (settings).
_UNUSED = frozenset({"notifications"})


class PicturePanel(AvatarSettingsPanel):
    """Wagtail's stores the file with its metadata, and shows no errors."""

    form_class = AvatarForm
    template_name = "admin/own_picture.html"


class OwnAccountView(AccountView):
    def get_panels(self) -> list[Any]:
        panels = [panel for panel in super().get_panels() if panel.name not in _UNUSED]
        return [
            PicturePanel(panel.request, panel.user, panel.profile) if isinstance(panel, AvatarSettingsPanel) else panel
            for panel in panels
        ]


own_account = require_admin_access(OwnAccountView.as_view())
