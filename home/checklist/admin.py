"""Where the checklist stands in the admin. home/wagtail_hooks.py loads this."""

from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, path, reverse_lazy
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from home.checklist.facts import CHANGE_DETAILS, page_items
from home.checklist.items import ITEMS_HOOK
from home.checklist.panel import ChecklistPanel
from home.checklist.views import mark, whole_list

hooks.register(ITEMS_HOOK, page_items)


@hooks.register("register_admin_urls")
def checklist_addresses() -> list[URLPattern]:
    return [
        path("aloituslista/", whole_list, name="checklist"),
        path("aloituslista/<slug:key>/", mark, name="checklist_mark"),
    ]


# Early, so that what other rooms put first comes above: an enquiry is more urgent than a missing address.
@hooks.register("construct_homepage_panels", order=-1)
def add_checklist(request: HttpRequest, panels: list[Any]) -> None:
    panels.insert(0, ChecklistPanel())


class ChecklistMenuItem(MenuItem):
    """The whole list, for those who have one."""

    def is_shown(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE_DETAILS)  # type: ignore[union-attr]


@hooks.register("register_help_menu_item")
def checklist_menu_item() -> MenuItem:
    return ChecklistMenuItem(
        _("Checklist"), reverse_lazy("checklist"), name="checklist", icon_name="list-ul", order=150
    )
