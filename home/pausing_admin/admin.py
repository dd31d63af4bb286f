"""Where the pause stands in the admin. home/wagtail_hooks.py loads this."""

from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, path, reverse_lazy
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from home.models import PauseNotice
from home.pausing_admin.card import PauseCard
from home.pausing_admin.deeds import begin, end, undo
from home.pausing_admin.history import history
from home.pausing_admin.preview import preview
from home.pausing_admin.rights import may_change, may_preview
from home.pausing_admin.settings_page import PauseSettingsView


# Before Wagtail's own, which has a page for any setting at the same address.
@hooks.register("register_admin_urls", order=-1)
def pause_addresses() -> list[URLPattern]:
    return [
        path("tauko/aloita/", begin, name="pause_begin"),
        path("tauko/avaa/", end, name="pause_end"),
        path("tauko/kumoa/", undo, name="pause_undo"),
        path("tauko/esikatselu/", preview, name="pause_preview"),
        path("tauko/historia/", history, name="pause_history"),
        path(
            "settings/home/pausenotice/<int:pk>/",
            PauseSettingsView.as_view(),
            {"app_name": "home", "model_name": "pausenotice"},
        ),
    ]


@hooks.register("construct_homepage_panels", order=-1)
def add_card(request: HttpRequest, panels: list[Any]) -> None:
    if may_change(request.user):
        panels.append(PauseCard())


class PreviewMenuItem(MenuItem):
    """For those who have no card: Kati may let everybody who works here see how a pause will look."""

    def is_shown(self, request: HttpRequest) -> bool:
        return not may_change(request.user) and may_preview(request.user, PauseNotice.load(request))


@hooks.register("register_help_menu_item")
def preview_menu_item() -> MenuItem:
    return PreviewMenuItem(
        _("Preview of the pause"), reverse_lazy("pause_preview"), name="pause-preview", icon_name="view", order=160
    )
