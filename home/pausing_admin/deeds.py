"""The buttons of the pause: each a form with one version in it, no script needed."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from wagtail.admin import messages

from home.models import PauseNotice
from home.pause import PauseState, pause_state
from home.pausing_admin.rights import may_change
from home.pausing_admin.said import said_with_undo
from home.services.pausing import NothingToUndo, PauseChangedMeanwhile, begin_pause, end_pause, undo_last

Deed = Callable[..., PauseNotice]
_CHANGED = _("The pause has been changed elsewhere since you opened this page. Check below how it is now.")
_DONE_ALREADY = _("This had been done already.")


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a pause at once."""
    said = _("Aijuu is on a pause. Visitors see the notice from the next page on.")
    return _do(request, begin_pause, said, wanted=(PauseState.PAUSED, PauseState.OVERDUE))


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End the pause, or call off the announced one."""
    was = pause_state(PauseNotice.load().settings, timezone.now())
    said = (
        _("The announced pause was called off.")
        if was is PauseState.UPCOMING
        else _("Aijuu is open. Visitors see it from the next page on.")
    )
    return _do(request, end_pause, said, wanted=(PauseState.OPEN, PauseState.RESUMED))


@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Put the pause back as it was before the last change."""
    return _do(request, undo_last, _("The change was undone: the pause is again as it was before it."))


def _do(request: HttpRequest, deed: Deed, said: str | Promise, *, wanted: tuple[PauseState, ...] = ()) -> HttpResponse:
    user = request.user
    if not isinstance(user, User) or not may_change(user):
        raise PermissionDenied
    now = timezone.now()
    try:
        deed(version=_version(request), by=user, now=now)
    except PauseChangedMeanwhile:
        # A button pressed twice is no quarrel between two tabs.
        if pause_state(PauseNotice.load().settings, now) in wanted:
            messages.info(request, _DONE_ALREADY)
        else:
            messages.error(request, _CHANGED)
    except NothingToUndo:
        messages.error(request, _("The last change can no longer be undone. Change the settings instead."))
    else:
        messages.success(request, said_with_undo(said))
    if request.POST.get("from") == "settings":
        return redirect("wagtailsettings:edit", "home", "pausenotice")
    return redirect("wagtailadmin_home")


def _version(request: HttpRequest) -> int:
    """The version that the button's page showed; one that no notice has where the form was not ours."""
    typed = request.POST.get("version", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
