"""What Kati has set and what has happened before a visitor comes. Arranged in the site's database by manage.py."""

from enum import StrEnum


class Condition(StrEnum):
    """PAUSED is how the site starts: on, without a day, in the usual words. OVERDUE: the announced day has come.
    UPCOMING: open, and a pause is announced. RESUMED: open, and the return is told. FULL: at work, without free times.
    WAITING_LIST and CONTACT_DETAILS: paused, and that is what the contact page does; in the others it takes messages.
    OVER_LIMIT: paused, and as many posts as are allowed have come from here."""

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


# About 600 characters: as long as a notice may get before nobody reads it.
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
    """The words for `manage.py shell -c` that bring `condition` about, whichever stood before."""
    return _ARRANGE.format(
        notice=_NOTICE[condition],
        form_mode=_FORM_MODE.get(condition, "as_usual"),
        over_limit=condition is Condition.OVER_LIMIT,
    )
