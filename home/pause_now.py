"""The state of the practice for one request: what is true now, or what a preview in the admin asks to see."""

from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone

from home.models import ContactDetails, PauseChange, PauseNotice
from home.pause import FormMode, PauseStatus
from home.pause.periods import Held, form_modes
from home.services.pausing import settings_of

_ON_REQUEST = "_pause_status"


def current_pause(request: HttpRequest) -> PauseStatus:
    """The state and its words, the same for the whole request: a page must not change its mind at midnight.

    Read from the database once a request, so that a switch holds from the next page view in every process.
    """
    status = getattr(request, _ON_REQUEST, None)
    if not isinstance(status, PauseStatus):
        details = ContactDetails.load(request)
        status = PauseNotice.load(request).status(now=timezone.now(), facebook_url=details.facebook_url)
        setattr(request, _ON_REQUEST, status)
    return status


def preview_attributes(status: PauseStatus) -> dict[str, PauseStatus]:
    """What a request needs for everything that answers it to see `status`: for previews of what does not hold."""
    return {_ON_REQUEST: status}


def lately_offered(mode: FormMode, *, within: timedelta, now: datetime) -> bool:
    """Return whether the contact page does this now, or has done it at some time `within` so long before."""
    changes = list(PauseChange.objects.filter(changed_at__gte=now - within).order_by("version"))
    history = [Held(settings_of(change.before), None) for change in changes[:1]]
    history += [Held(settings_of(change.after), change.changed_at) for change in changes[:-1]]
    # The notice itself is what the latest change made.
    history.append(Held(PauseNotice.load().settings, changes[-1].changed_at if changes else None))
    return mode in form_modes(history, now - within, now)
