"""The wording of the notice in each state of the pause."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html import unescape

from django.utils.html import conditional_escape, escape, format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from home.dates import find_days, finnish_day, names_day
from home.pause.rules import (
    CALENDAR,
    FormMode,
    PauseSettings,
    PauseState,
    announced_pause,
    calendar_day,
    form_mode,
    next_edge,
    pause_state,
)


def past_days(html: str, *, now: datetime, since: date | None = None) -> list[str]:
    """Return the dates in `html` that lie before `now` (aware) and after `since`, as they are written.

    Only dates with a year count: "1.2." may mean the next 1 February.
    """
    today = calendar_day(now)
    return [written for written, day in _days_in(html) if (since or date.min) < day < today]


def _days_in(html: str) -> list[tuple[str, date]]:
    return list(find_days(_words(html)))


def _words(html: str) -> str:
    return unescape(strip_tags(html))


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseWords:
    """Kati's own wording of each state as HTML; "" for the default wording."""

    full: str = ""
    upcoming: str = ""
    paused: str = ""
    overdue: str = ""
    resumed: str = ""


@dataclass(frozen=True, slots=True)
class PauseStatus:
    """The state of the pause with its notice.

    `html` and `text` are the notice as safe HTML and as plain text, "" for none. `form_mode` is the mode of the contact
    page. `announced_for` is the day on which an announced pause begins.
    """

    state: PauseState
    html: SafeString
    text: str
    form_mode: FormMode = FormMode.AS_USUAL
    announced_for: date | None = None

    @property
    def is_paused(self) -> bool:
        """Whether the supervisor is away, so that an answer may take longer."""
        return self.state.is_paused

    @property
    def takes_new_clients(self) -> bool:
        """Whether new supervision is started: not in a pause, nor while Aijuu is full."""
        return self.state.takes_new_clients

    @property
    def answer_note(self) -> str:
        """A note beside a promised response time: that a current or announced pause delays the answer; else ""."""
        if self.is_paused:
            return _("Aijuu is on a break, so the answer may take longer.")
        if self.announced_for:
            return _("From %(day)s Aijuu is on a break, and an answer may take longer then.") % {
                "day": finnish_day(self.announced_for)
            }
        return ""

    @property
    def label(self) -> str:
        """The accessible name of the notice."""
        if self.state is PauseState.RESUMED:
            return _("Notice that the break is over")
        if self.state is PauseState.FULL:
            return _("Notice of free times")
        return _("Notice of a coming break") if self.state is PauseState.UPCOMING else _("Notice of a break")

    @property
    def contact_label(self) -> str:
        """The label of a button that leads to the contact page."""
        if self.form_mode == FormMode.WAITING_LIST:
            return _("Join the waiting list")
        if self.form_mode == FormMode.CONTACT_DETAILS:
            return _("Contact details")
        return _("Write to Kati") if self.is_paused else _("Get in touch")

    @property
    def contact_note(self) -> str:
        """The text before the front page's button: whether new supervision is started now, and what one can do."""
        if self.form_mode == FormMode.AS_USUAL:
            if self.is_paused:
                return _("No new work supervision is started right now, but you can write all the same.")
            # While Aijuu is full, the mode is WAITING_LIST.
            return _("New work supervision is started now.")
        return self.contact_sentence

    @property
    def contact_label_short(self) -> str:
        """A shorter label for the header."""
        if self.form_mode == FormMode.WAITING_LIST:
            return _("Waiting list")
        return _("Get in touch") if self.form_mode == FormMode.AS_USUAL else self.contact_label

    @property
    def contact_title(self) -> str:
        """The title of the contact page for search engines; "" where the page's own title is used."""
        return _("Waiting list") if self.form_mode == FormMode.WAITING_LIST else ""

    @property
    def contact_description(self) -> str:
        """The description of the contact page for search engines; "" where the page's own description is used."""
        if self.state is PauseState.FULL:
            return _("Aijuu has no free times right now, but you can join the waiting list.")
        if self.form_mode != FormMode.AS_USUAL:
            return " ".join([_("Aijuu's services are paused."), self.contact_sentence])
        return (
            _("Aijuu is on a break. You can write to Kati, but the answer may take longer.") if self.is_paused else ""
        )

    @property
    def contact_sentence(self) -> str:
        """The sentence that replaces an editor's text before a link to the contact page; "" where the text stays."""
        if self.form_mode == FormMode.WAITING_LIST:
            return _("No new work supervision is started right now, but you can join the waiting list.")
        if self.form_mode == FormMode.CONTACT_DETAILS:
            return _("No new work supervision is started right now. For other things you can get in touch directly.")
        return ""


def next_step(status: PauseStatus, contact_url: str) -> SafeString:
    """Return a sentence on what a visitor can do now, with a link to the contact page.

    "" where there is no notice, no contact page, or where the notice already links to it.
    """
    if not status.html or not contact_url or f'href="{escape(contact_url)}"' in status.html:
        return mark_safe("")
    link = {"link_start": format_html('<a href="{}">', contact_url), "link_end": mark_safe("</a>")}
    return format_html(_next_step_words(status), **link)


def _next_step_words(status: PauseStatus) -> str:
    if status.state is PauseState.UPCOMING:
        return _("Until then you can {link_start}get in touch{link_end} as usual.")
    if status.state is PauseState.RESUMED:
        return _("{link_start}Feel free to get in touch!{link_end}")
    if status.state is PauseState.FULL:
        return _("You can {link_start}join the waiting list{link_end}, or write to Kati about something else.")
    if status.form_mode == FormMode.WAITING_LIST:
        return _("You can {link_start}join the waiting list{link_end}.")
    if status.form_mode == FormMode.CONTACT_DETAILS:
        return _("You can still {link_start}get in touch directly{link_end}.")
    return _("You can still {link_start}write to Kati{link_end}, but the answer may take longer.")


def pause_status(
    settings: PauseSettings, *, words: PauseWords | None = None, facebook_url: str = "", now: datetime
) -> PauseStatus:
    """Return the state at `now` (aware) with its wording."""
    state = pause_state(settings, now)
    html = _notice(state, settings, words or PauseWords(), facebook_url, now)
    return PauseStatus(
        state=state,
        html=html,
        text=_plain_text(html),
        form_mode=form_mode(settings, now),
        announced_for=announced_pause(settings, now),
    )


def next_change(settings: PauseSettings, *, words: PauseWords, now: datetime) -> datetime | None:
    """Return the first moment after `now` (aware) at which pause_status() changes; None if it never does."""
    if pause_state(settings, now) is not PauseState.OVERDUE or words.overdue:
        return next_edge(settings, now)
    # An overdue pause does not end by itself, but Kati's wording of the pause is shown only until a day in it is past.
    first = min((day for _written, day in _days_in(words.paused)), default=date.max)
    if first < calendar_day(now) or first == date.max:
        return None
    return datetime.combine(first + timedelta(days=1), time.min, tzinfo=CALENDAR)


def _notice(
    state: PauseState, settings: PauseSettings, words: PauseWords, facebook_url: str, now: datetime
) -> SafeString:
    returns_on = settings.returns_on
    if state is PauseState.FULL:
        begins_on = announced_pause(settings, now)
        days = [_begin_sentence(begins_on), _return_sentence(returns_on)] if begins_on else []
        return _worded(words.full, days, "", default=[_("Aijuu has no free times right now."), *days])
    if state is PauseState.UPCOMING:
        sentences = [_begin_sentence(settings.begins_on), _return_sentence(returns_on)]
        return _worded(words.upcoming, sentences, "", default=sentences)
    if state is PauseState.PAUSED:
        days = [_return_sentence(returns_on)]
        return _worded(words.paused, days, facebook_url, default=_paused_sentences(returns_on, facebook_url))
    if state is PauseState.OVERDUE:
        own = words.overdue or ("" if _promises_past(words.paused, returns_on, now) else words.paused)
        return _worded(own, [], facebook_url, default=_paused_sentences(None, facebook_url))
    if state is PauseState.RESUMED:
        return _worded(words.resumed, [], "", default=[_("Aijuu has returned from its break.")])
    return mark_safe("")


def _promises_past(html: str, returns_on: date | None, now: datetime) -> bool:
    """Return whether Kati's wording of the pause has a past day. Without its year, only the day of return counts."""
    return bool(past_days(html, now=now)) or (returns_on is not None and names_day(_words(html), returns_on))


def _paused_sentences(announced: date | None, facebook_url: str) -> list[str]:
    if announced is None:
        return [_("Aijuu's services are paused until further notice."), _news_sentence(facebook_url)]
    sentences = [_("Aijuu's services are paused."), _return_sentence(announced)]
    return [*sentences, _news_sentence(facebook_url)] if facebook_url else sentences


def _worded(own: str, days: list[str], facebook_url: str, *, default: list[str]) -> SafeString:
    """Return Kati's own wording, `days` and a link to Facebook unless it has one; `default` where she wrote nothing."""
    if not own:
        return _notice_of(*default)
    sentences = list(days)
    if facebook_url and escape(facebook_url) not in own:
        sentences.append(_news_sentence(facebook_url))
    # Safe: Wagtail's rich text, written by an editor and filtered by its whitelist when it was saved.
    html = mark_safe(own)  # noqa: S308
    return mark_safe(html + _paragraph(*sentences)) if any(sentences) else html  # noqa: S308


def _begin_sentence(day: date | None) -> str:
    return _("Aijuu is on a break from %(day)s.") % {"day": finnish_day(day)} if day else ""


def _return_sentence(day: date | None) -> str:
    return _("New work supervision starts from %(day)s.") % {"day": finnish_day(day)} if day else ""


def _news_sentence(facebook_url: str) -> str:
    if not facebook_url:
        return _("Changes are announced here and on Aijuu's Facebook page.")
    return format_html(
        _("Changes are announced here and on Aijuu's {link_start}Facebook page{link_end}."),
        link_start=format_html('<a href="{}">', facebook_url),
        link_end=mark_safe("</a>"),
    )


def _paragraph(*sentences: str) -> SafeString:
    joined = " ".join(conditional_escape(sentence) for sentence in sentences if sentence)
    return format_html("<p>{}</p>", mark_safe(joined))  # noqa: S308


def _notice_of(first: str, *others: str) -> SafeString:
    """Return the notice as HTML: `first` in a paragraph of its own, then the other sentences in one paragraph."""
    notice = format_html('<p class="pause__first">{}</p>', first)
    return format_html("{}\n{}", notice, _paragraph(*others)) if any(others) else notice


def _plain_text(html: str) -> str:
    spaced = html.replace("</p>", " </p>").replace("<br/>", " ").replace("</li>", " </li>")
    return " ".join(unescape(strip_tags(spaced)).split())
