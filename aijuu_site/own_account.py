"""A person's own account page in the admin, without what does nothing here."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from wagtail.admin.auth import require_admin_access
from wagtail.admin.views.account import (
    AccountView,
    AvatarSettingsPanel,
    ChangePasswordPanel,
    NameEmailSettingsPanel,
)

from aijuu_site.accounts.changes import changes_told
from aijuu_site.accounts.forms import OwnNameEmailForm, OwnPasswordForm
from home.pictures.upload import AvatarForm

# Notices of moderation and comments, both of which are off (settings).
_UNUSED = frozenset({"notifications"})


class PicturePanel(AvatarSettingsPanel):
    """Wagtail's stores the file with its metadata, and shows no errors."""

    form_class = AvatarForm
    template_name = "admin/own_picture.html"


class OwnNameEmailPanel(NameEmailSettingsPanel):
    def get_form(self) -> OwnNameEmailForm:
        self.form_class = partial(OwnNameEmailForm, request=self.request)
        return super().get_form()


class OwnPasswordPanel(ChangePasswordPanel):
    def get_form(self) -> OwnPasswordForm:
        self.form_class = partial(OwnPasswordForm, request=self.request)
        return super().get_form()


# In the places of Wagtail's own.
_OURS: dict[str, Any] = {panel.name: panel for panel in (PicturePanel, OwnNameEmailPanel, OwnPasswordPanel)}


class OwnAccountView(AccountView):
    def get_panels(self) -> list[Any]:
        panels = [panel for panel in super().get_panels() if panel.name not in _UNUSED]
        return [
            _OURS[panel.name](panel.request, panel.user, panel.profile) if panel.name in _OURS else panel
            for panel in panels
        ]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        with changes_told(request):
            return super().post(request)


own_account = require_admin_access(OwnAccountView.as_view())
