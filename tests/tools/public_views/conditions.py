"""Conditions of the site: the settings of the pause, and the rate limit. Set up in the database through manage.py."""

from enum import StrEnum


class Condition(StrEnum):
    """The condition of the site.

    PAUSED: the initial state, a pause without a date and with the standard text. OVERDUE: the announced day has come.
    UPCOMING: open, a pause is announced. RESUMED: open, with a notice of the return. FULL: open, without free times.
    WAITING_LIST and CONTACT_DETAILS: paused; the contact page shows the list's form or the contact details (in all
    other conditions the message form). OVER_LIMIT: paused, and this address has reached the rate limit.
    """

    PAUSED = "paused"
    DATED = "dated"
    OVERDUE = "overdue"
    UPCOMING = "upcoming"
    RESUMED = "resumed"
    OWN_WORDS = "own-words"
    OPEN = "open"
    FULL = "full"
    WAITING_LIST = "waiting-list"
    CONTACT_DETAILS = "contact-details"
    OVER_LIMIT = "over-limit"


# About 600 characters, a very long notice.
LONG_NOTICE = (
    "<p>Olen opintovapaalla ja täydennän osaamistani, jotta voin jatkossa tukea työyhteisöjä entistä paremmin. "
    "<b>Uusia työnohjauksia en tänä aikana aloita</b>, mutta sovitut tapaamiset pidetään niin kuin on sovittu.</p>"
    "<p>Voit silti kirjoittaa minulle, jos mietit työnohjausta itsellesi tai työyhteisöllesi. Luen viestit kerran "
    "viikossa ja vastaan jokaiseen. Jos asiasi on kiireinen, käänny oman esihenkilösi tai työterveyshuollon "
    "puoleen.</p><p>Kun palaan, kerron siitä täällä ja Aijuun Facebook-sivulla. Kiitos, että jaksat odottaa. "
    "Kuullaan pian, ja voidaan siihen asti hyvin!</p>"
)

_NOTICE = {
    Condition.PAUSED: "active=True, message='', returns_on=None",
    Condition.DATED: "active=True, message='', returns_on=today + timedelta(days=70)",
    Condition.OVERDUE: "active=True, message='', returns_on=today - timedelta(days=1)",
    Condition.UPCOMING: (
        "active=True, message='', begins_on=today + timedelta(days=7), returns_on=today + timedelta(days=70)"
    ),
    Condition.RESUMED: "active=False, message='', returns_on=None, ended_on=today",
    Condition.OWN_WORDS: f"active=True, message={LONG_NOTICE!r}, returns_on=today + timedelta(days=70)",
    Condition.OPEN: "active=False, message='', returns_on=None",
    Condition.FULL: "active=False, full=True, message='', returns_on=None",
    Condition.WAITING_LIST: "active=True, message='', returns_on=None",
    Condition.CONTACT_DETAILS: "active=True, message='', returns_on=None",
    Condition.OVER_LIMIT: "active=True, message='', returns_on=None",
}

_FORM_MODE = {Condition.WAITING_LIST: "waiting_list", Condition.CONTACT_DETAILS: "contact_details"}

_ARRANGE = """
from datetime import timedelta
from django.conf import settings
from django.test import RequestFactory
from django.utils import timezone
from home.models import PauseNotice
from home.pause.rules import calendar_day
from intake.rate_limit import PostingTrace
from intake.rate_limit import address_key
now = timezone.now()
today = calendar_day(now)
usual = dict(full=False, begins_on=None, ended_on=None, opens_by_itself=False, form_mode={form_mode!r})
PauseNotice.objects.update(**(usual | dict({notice})))
here = [address_key(RequestFactory().get("/", REMOTE_ADDR=address)) for address in ("127.0.0.1", "::1")]
PostingTrace.objects.filter(address_key__in=here).delete()
if {over_limit}:
    PostingTrace.objects.bulk_create(
        PostingTrace(address_key=key, posted_at=now) for key in here for _ in range(settings.FORM_RATE_LIMIT)
    )
"""


def arrange_script(condition: Condition) -> str:
    """Return a script for `manage.py shell -c` that sets up `condition`, whatever the previous one was."""
    return _ARRANGE.format(
        notice=_NOTICE[condition],
        form_mode=_FORM_MODE.get(condition, "as_usual"),
        over_limit=condition is Condition.OVER_LIMIT,
    )
