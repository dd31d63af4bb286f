"""The notices of a form: the warning, the note on emergencies, and the privacy notice."""

from copy import copy
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from home.contact_details import ContactDetails
from home.pause.wording import PauseStatus
from intake.settings import IntakeSettings
from intake.submission import ShownTerms, ShownTexts


@dataclass(frozen=True, kw_only=True)
class FormNotices:
    """The notices of one form. `privacy` is safe HTML, the others are plain text."""

    warning_heading: str
    warning_body: str
    crisis_note: str
    privacy: SafeString
    pause: str
    # The description of the waiting list, and the label of its checkbox for mail on free times; empty on other forms.
    waiting_lead: str = ""
    waiting_points: tuple[str, ...] = ()
    consent: str = ""

    def as_context(self) -> dict[str, Any]:
        return {
            "waiting_lead": self.waiting_lead,
            "waiting_points": self.waiting_points,
            "warning_heading": self.warning_heading,
            "warning_body": self.warning_body,
            "crisis_note": self.crisis_note,
            "privacy_notice": self.privacy,
        }

    def as_shown(self, *, consented: bool = False, terms: ShownTerms | None = None) -> ShownTexts:
        """Return the texts to store; the label of the checkbox only if it was ticked.

        `terms`: what the page of the form said, from which the pause is taken.
        """
        return ShownTexts(
            waiting=" ".join([self.waiting_lead, *self.waiting_points]).strip(),
            consent=self.consent if consented else "",
            warning=f"{self.warning_heading}. {self.warning_body}",
            crisis_note=self.crisis_note,
            privacy=strip_tags(self.privacy),
            pause=self.pause if terms is None else terms.pause,
        )


def terms_now(*, chosen: IntakeSettings, pause: PauseStatus) -> ShownTerms:
    """Return what a page with these settings says."""
    return ShownTerms(
        retention_months=chosen.retention_months,
        spam_days=chosen.spam_days,
        waiting_months=chosen.waiting_months,
        pause=pause.text,
    )


def at_most(terms: ShownTerms | None, *, chosen: IntakeSettings) -> IntakeSettings:
    """Return the settings, not to be saved, with no time that is longer than the page of a form said."""
    if terms is None:
        return chosen
    limited = copy(chosen)
    limited.retention_months = min(chosen.retention_months, terms.retention_months)
    limited.spam_days = min(chosen.spam_days, terms.spam_days)
    limited.waiting_months = min(chosen.waiting_months, terms.waiting_months)
    return limited


def form_notices(*, details: ContactDetails, pause: PauseStatus, chosen: IntakeSettings | None = None) -> FormNotices:
    """Return the current notices."""
    return FormNotices(
        warning_heading=_("Write in general terms"),
        warning_body=_(
            "Do not write personal identity codes, facts about health or other sensitive matters on the form. Do not "
            "name or describe clients, pupils, patients or colleagues so that they can be recognised. Details are "
            "talked about in confidence when you meet. If such facts are there all the same, Kati removes them."
        ),
        crisis_note=_("The form is not read around the clock. In an emergency call 112."),
        privacy=_privacy_notice((chosen or IntakeSettings.load()).retention_months, details.privacy_url),
        pause=pause.text,
    )


def _privacy_notice(months: int, privacy_url: str) -> SafeString:
    text = ngettext(
        "Kati uses your details to answer you and to map the situation. They are removed at the latest %(months)d "
        "month after the matter has ended.",
        "Kati uses your details to answer you and to map the situation. They are removed at the latest %(months)d "
        "months after the matter has ended.",
        months,
    ) % {"months": months}
    return with_privacy_link(text, privacy_url)


def with_privacy_link(text: str, privacy_url: str) -> SafeString:
    if not privacy_url:
        return format_html("<p>{}</p>", text)
    link_start = format_html('<a href="{}">', privacy_url)
    more = format_html(_("Read the {start}privacy notice{end}."), start=link_start, end=mark_safe("</a>"))
    return format_html("<p>{} {}</p>", text, more)
