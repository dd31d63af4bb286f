"""Who may do what with the pause."""

from django.contrib.auth.models import AnonymousUser, User

from home.models import PauseNotice
from home.models.pause_notice import PreviewAudience

CHANGE_PAUSE = "home.change_pausenotice"


def may_change(user: User | AnonymousUser) -> bool:
    """Whether `user` may change the pause and read its history."""
    return user.has_perm(CHANGE_PAUSE)


def may_preview(user: User | AnonymousUser, notice: PauseNotice) -> bool:
    """Whether `user` may see the site as it is in another state: as Kati has chosen in `notice`."""
    if may_change(user):
        return True
    return notice.preview_audience == PreviewAudience.EVERYBODY and user.has_perm("wagtailadmin.access_admin")
