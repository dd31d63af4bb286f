"""The addresses of the waiting list in the admin, each with the right that it asks for. Anybody else gets 403."""

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, re_path

from intake.admin.guard import guarded, may_act, may_see
from intake.admin.waiting import order, plan, whole_list


def waiting_addresses() -> list[URLPattern]:
    """Return what the hook register_admin_urls takes."""

    def at(route: str, view: Callable[..., HttpResponseBase], allowed: Callable[..., bool], name: str) -> URLPattern:
        return re_path(rf"^odotuslista/{route}$", guarded(view, allowed), name=name)

    enquiry = r"(?P<enquiry_id>[0-9]{1,18})/"
    return [
        at("", whole_list.show, may_see, "waiting_list"),
        at(f"karkeen/{enquiry}", order.to_the_head, may_act, "waiting_move_ahead"),
        at(f"takaisin/{enquiry}", order.back, may_act, "waiting_move_back"),
        at("paluu/", plan.show_or_start, may_see, "return_plan"),
        at("paluu/pysayta/", plan.stop, may_act, "return_plan_stop"),
    ]
