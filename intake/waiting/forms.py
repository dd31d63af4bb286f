"""The forms of the waiting list, and the notices of its public form."""

from dataclasses import replace

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from home.contact_details import ContactDetails
from home.pause.wording import PauseStatus
from intake.choices import SupervisionForm
from intake.enquiry.form_pages import FormNotices, form_notices, with_privacy_link
from intake.enquiry.forms import ContactFactsForm, version_field
from intake.settings import IntakeSettings
from intake.submission import ShownTerms
from intake.typed_text import TypedTextField, clean_lines
from intake.waiting.models import ReturnPlan
from intake.waiting.places import REASON_LIMIT, clean_reason
from intake.waiting.rules import kept_while_waiting

WISH_LIMIT = 1000
GREETING_LIMIT = 1000


class WaitingForm(ContactFactsForm):
    """Contact facts, a wish, and a checkbox for mail on free times, which is not ticked initially."""

    # Not asked: the page says how people on the list are contacted; the rest is discussed when supervision begins.
    preferred_contact = None  # type: ignore[assignment]
    organisation = None  # type: ignore[assignment]
    delivery_modes = None  # type: ignore[assignment]

    field_order = ("name", "email", "wants_mail", "message")

    message = TypedTextField(
        label=gettext_lazy("What do you wish for?"),
        limit=WISH_LIMIT,
        several_lines=True,
        required=False,
        help_text=gettext_lazy("A sentence or two is enough. You can also leave this empty."),
        error_messages={"too_long": gettext_lazy("Shorten the wish: now %(length)d characters, at most %(limit)d.")},
        widget=forms.Textarea(attrs={"rows": 4, "data-limit": WISH_LIMIT}),
    )
    wants_mail = forms.BooleanField(
        label=gettext_lazy("I want e-mail when Aijuu has free times."),
        required=False,
    )

    message_limit = WISH_LIMIT

    def carry(self, terms: ShownTerms) -> None:
        super().carry(terms)
        self.fields["wants_mail"].help_text = _mail_help(terms.waiting_months)


class ReturnPlanForm(forms.ModelForm):
    """The settings of a return plan.

    `shown_digest` identifies the forecast that the page showed. Only a plan with that forecast can be started
    (intake.waiting.plan_page).
    """

    first_form = forms.ChoiceField(
        label=gettext_lazy("Told first"),
        required=False,
        choices=[("", gettext_lazy("In the order of the list")), *SupervisionForm.choices],
        help_text=gettext_lazy("Those who wish for this form come first, each group in the order of the list."),
    )
    greeting = forms.CharField(
        label=gettext_lazy("Own words"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "maxlength": GREETING_LIMIT}),
        help_text=gettext_lazy(
            "Stands at the beginning of the mail. The rest of the mail is shown below. May be left empty."
        ),
    )
    shown_digest = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"id": False}))

    class Meta:
        model = ReturnPlan
        fields = ("per_day", "first_form", "greeting", "answer_days")
        labels = {"per_day": gettext_lazy("Notices a day"), "answer_days": gettext_lazy("Days to answer")}
        help_texts = {
            "per_day": gettext_lazy("As many as you can answer in a day. Notices go out between 9 and 20 o'clock."),
            "answer_days": gettext_lazy(
                "After so many days one reminder is sent, and after as many again the matter is closed."
            ),
        }

    def clean_greeting(self) -> str:
        greeting = clean_lines(self.cleaned_data["greeting"])
        if len(greeting) > GREETING_LIMIT:
            raise ValidationError(
                gettext_lazy("Shorten your words to %(limit)d characters.") % {"limit": GREETING_LIMIT}
            )
        return greeting


class StopForm(forms.Form):
    """The button that stops or resumes the plan; rejected if the plan has changed since."""

    plan = forms.IntegerField(min_value=1, widget=forms.HiddenInput(attrs={"id": False}))
    version = version_field()


class MoveAheadForm(forms.Form):
    """The reason for moving an enquiry to the head of the list. A reason that is too long is shown again in full."""

    version = version_field()
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        strip=False,
        required=False,
        widget=forms.TextInput(attrs={"maxlength": REASON_LIMIT, "autocomplete": "off"}),
        help_text=gettext_lazy(
            "It stands in the list for you to read. Write so that the sender may read this: people have the right to "
            "see their details."
        ),
    )

    def clean_reason(self) -> str:
        return clean_reason(self.cleaned_data["reason"])


def waiting_notices(
    *, details: ContactDetails, pause: PauseStatus, chosen: IntakeSettings | None = None
) -> FormNotices:
    """Return the current notices of the waiting list's form."""
    chosen = chosen or IntakeSettings.load()
    return replace(
        form_notices(details=details, pause=pause, chosen=chosen),
        privacy=with_privacy_link(_waiting_privacy(chosen), details.privacy_url),
        waiting_lead=_(
            "No new work supervision is started right now. You can still leave your contact details on the waiting "
            "list. It binds you to nothing, and does not promise a time."
        ),
        waiting_points=(
            _("When there are free times, those on the list are contacted, mostly in the order in which they joined."),
            _("You can leave the list whenever you like: by the link in the confirmation, or by telling Kati."),
        ),
        consent=f"{WaitingForm.base_fields['wants_mail'].label} {_mail_help(chosen.waiting_months)}",
    )


def _mail_help(months: int) -> str:
    asked = ngettext(
        "You are then also asked by e-mail about once a month whether you are still waiting.",
        "You are then also asked by e-mail about every %(months)d months whether you are still waiting.",
        months,
    ) % {"months": months}
    herself = _("Without e-mail Kati gets in touch with you herself when there are free times.")
    return f"{asked} {herself}"


def _waiting_privacy(chosen: IntakeSettings) -> str:
    use = _("Kati uses your details to keep the waiting list and to get in touch with you.")
    ended = ngettext(
        "When the matter ends in another way, they are removed at the latest %(months)d month after that.",
        "When the matter ends in another way, they are removed at the latest %(months)d months after that.",
        chosen.retention_months,
    ) % {"months": chosen.retention_months}
    return f"{use} {kept_while_waiting(chosen.waiting_months)} {ended}"
