"""The state of the practice for one request: what is true now, or what a preview in the admin asks to see."""

from django.http import HttpRequest
from django.utils import timezone

from home.models import ContactDetails, PauseNotice
from home.pause import PauseStatus

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
