"""The whole checklist, and the buttons of its points. A form each: no script is needed."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from home.checklist.items import all_items
from home.checklist.progress import checklist_for, mark_point
from home.models import ChecklistMark


@require_safe
def whole_list(request: HttpRequest) -> HttpResponse:
    """Show every point with what became of it: the way back of those that were set aside."""
    checklist = checklist_for(request.user)
    if not checklist.points:
        raise PermissionDenied
    return TemplateResponse(request, "home/checklist/list.html", {"checklist": checklist})


@require_POST
def mark(request: HttpRequest, key: str) -> HttpResponse:
    """Mark the point `key` as the button says and go back to where the button was."""
    item = next((item for item in all_items() if item.key == key), None)
    if item is None:
        raise Http404
    if not request.user.has_perm(item.permission):  # type: ignore[union-attr]
        raise PermissionDenied
    state = request.POST.get("state", "")
    try:
        mark_point(item=item, state=state)
    except ValueError:
        return HttpResponseBadRequest()
    said = {
        ChecklistMark.State.SET_ASIDE: _("“%(point)s” was taken off the list. It is still under Help, Checklist."),
        ChecklistMark.State.DONE: _("“%(point)s” was marked done."),
    }.get(state, _("“%(point)s” is on the list again."))  # type: ignore[call-overload]
    messages.success(request, said % {"point": item.title})
    return redirect("checklist" if request.POST.get("from") == "list" else "wagtailadmin_home")
