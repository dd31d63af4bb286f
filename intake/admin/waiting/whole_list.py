"""The waiting list, from the first to the last."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse

from intake.admin.guard import may_act
from intake.admin.waiting.reading import read_list, shares_by_form, shares_by_place
from intake.choices import SupervisionForm


def show(request: HttpRequest) -> HttpResponse:
    """Show the list, or those of it who wish for one form: `?form=group`. Another word there filters nothing."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    waiters = read_list()
    chosen = request.GET.get("form", "")
    if chosen not in SupervisionForm.values:
        chosen = ""
    context = {
        "waiters": [waiter for waiter in waiters if not chosen or waiter.enquiry.supervision_form == chosen],
        "total": len(waiters),
        "by_hand": sum(1 for waiter in waiters if not waiter.gets_mail and not waiter.is_being_reached),
        "forms": shares_by_form(waiters),
        "places": shares_by_place(waiters),
        "chosen": chosen,
        "user_can_act": may_act(request.user),
    }
    return TemplateResponse(request, "intake/admin/waiting/list.html", context)
