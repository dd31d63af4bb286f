"""Where the alarm stands in the admin. home/wagtail_hooks.py loads this."""

from typing import Any

from django.http import HttpRequest
from wagtail import hooks
from wagtail.admin.ui.components import Component

from home.important_pages import IMPORTANT_PAGES_HOOK
from home.page_alarm.alarms import page_alarms
from home.page_alarm.pages import named_pages

hooks.register(IMPORTANT_PAGES_HOOK, named_pages)


class PageAlarmPanel(Component):
    """Above all else on the first page, and only where something is wrong."""

    name = "page-alarm"
    template_name = "home/page_alarm/panel.html"
    order = 10

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        return {"alarms": page_alarms()}


@hooks.register("construct_homepage_panels", order=200)
def add_alarm(request: HttpRequest, panels: list[Any]) -> None:
    panels.insert(0, PageAlarmPanel())
