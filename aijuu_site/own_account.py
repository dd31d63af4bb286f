"""A person's own account page in the admin, without what does nothing here."""

from typing import Any

from wagtail.admin.auth import require_admin_access
from wagtail.admin.views.account import AccountView

# Notices of moderation and comments, both of which are off (settings).
_UNUSED = frozenset({"notifications"})


class OwnAccountView(AccountView):
    def get_panels(self) -> list[Any]:
        return [panel for panel in super().get_panels() if panel.name not in _UNUSED]


own_account = require_admin_access(OwnAccountView.as_view())
