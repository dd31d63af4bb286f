"""Is the practice on a pause, and what does the notice say: pure functions of (what Kati has set, now)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from html import unescape
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.html import conditional_escape, escape, format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

# The announced day is a day of the calendar on Kati's wall, wherever the server stands.
CALENDAR = ZoneInfo("Europe/Helsinki")


class PauseState(StrEnum):
    """OPEN: no notice. PAUSED: the notice stands. OVERDUE: it stands, but the day that it announced has come."""

    OPEN = "open"
    PAUSED = "paused"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class PauseStatus:
    """What a page needs to know: the state, and the notice as safe HTML and as plain text ("" when open)."""

    state: PauseState
    html: SafeString
    text: str

    @property
    def is_paused(self) -> bool:
        return self.state is not PauseState.OPEN


def calendar_day(now: datetime) -> date:
    """The Finnish calendar day of an aware moment; ValueError for a naive one."""
    if now.tzinfo is None:
        raise ValueError("calendar_day() needs an aware datetime")
    return now.astimezone(CALENDAR).date()


def pause_state(*, active: bool, returns_on: date | None, now: datetime) -> PauseState:
    """The state at the aware moment `now`. A return is never announced by the clock alone: from the announced day
    on the state is OVERDUE, which reads like a pause without a date, until Kati says otherwise."""
    if not active:
        return PauseState.OPEN
    if returns_on is not None and calendar_day(now) >= returns_on:
        return PauseState.OVERDUE
    return PauseState.PAUSED


def pause_status(
    *, active: bool, message: str, returns_on: date | None, facebook_url: str, now: datetime
) -> PauseStatus:
    """The state and its notice. `message` is Kati's own wording as HTML that is ready to show ("" for the default)."""
    state = pause_state(active=active, returns_on=returns_on, now=now)
    if state is PauseState.OPEN:
        return PauseStatus(state=state, html=mark_safe(""), text="")
    announced = returns_on if state is PauseState.PAUSED else None
    html = _own_wording(message, announced, facebook_url) if message else _default_wording(announced, facebook_url)
    return PauseStatus(state=state, html=html, text=_plain_text(html))


def _default_wording(announced: date | None, facebook_url: str) -> SafeString:
    if announced is None:
        return _paragraph(_("Aijuu's services are paused until further notice."), _news_sentence(facebook_url))
    sentences = [_("Aijuu's services are paused."), _return_sentence(announced)]
    if facebook_url:
        sentences.append(_news_sentence(facebook_url))
    return _paragraph(*sentences)


def _own_wording(message: str, announced: date | None, facebook_url: str) -> SafeString:
    """Kati's words, then the day and the way to Facebook unless her words already have it."""
    sentences = []
    if announced is not None:
        sentences.append(_return_sentence(announced))
    if facebook_url and escape(facebook_url) not in message:
        sentences.append(_news_sentence(facebook_url))
    # Safe: Wagtail's rich text, written by an editor and cleaned by its whitelist on the way in.
    own = mark_safe(message)  # noqa: S308
    return mark_safe(own + _paragraph(*sentences)) if sentences else own  # noqa: S308


def _return_sentence(announced: date) -> str:
    return _("New work supervision starts from %(day)s.") % {"day": date_format(announced, "j.n.Y")}


def _news_sentence(facebook_url: str) -> str:
    if not facebook_url:
        return _("Changes are announced here and on Aijuu's Facebook page.")
    return format_html(
        _("Changes are announced here and on Aijuu's {link_start}Facebook page{link_end}."),
        link_start=format_html('<a href="{}">', facebook_url),
        link_end=mark_safe("</a>"),
    )


def _paragraph(*sentences: str) -> SafeString:
    return format_html("<p>{}</p>", mark_safe(" ".join(conditional_escape(sentence) for sentence in sentences)))  # noqa: S308


def _plain_text(html: str) -> str:
    spaced = html.replace("</p>", " </p>").replace("<br/>", " ").replace("</li>", " </li>")
    return " ".join(unescape(strip_tags(spaced)).split())
