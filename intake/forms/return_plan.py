"""The form in which the supervisor plans how the waiting list is told of the return."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from intake.choices import SupervisionForm
from intake.forms.review import version_field
from intake.models.waiting import ReturnPlan
from intake.typed_text import clean_lines

GREETING_LIMIT = 1000


class ReturnPlanForm(forms.ModelForm):
    """How many a day, who first, own words and the days to answer.

    `seen` is what the page showed when it was made (intake.admin.waiting.planning): only that can be started.
    """

    first_form = forms.ChoiceField(
        label=_("Told first"),
        required=False,
        choices=[("", _("In the order of the list")), *SupervisionForm.choices],
        help_text=_("Those who wish for this form come first, each group in the order of the list."),
    )
    greeting = forms.CharField(
        label=_("Own words"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "maxlength": GREETING_LIMIT}),
        help_text=_("Stands at the beginning of the mail. The rest of the mail is shown below. May be left empty."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"id": False}))

    class Meta:
        model = ReturnPlan
        fields = ("per_day", "first_form", "greeting", "answer_days")
        labels = {"per_day": _("Notices a day"), "answer_days": _("Days to answer")}
        help_texts = {
            "per_day": _("As many as you can answer in a day. Notices go out between 9 and 20 o'clock."),
            "answer_days": _("After so many days one reminder is sent, and after as many again the matter is closed."),
        }

    def clean_greeting(self) -> str:
        greeting = clean_lines(self.cleaned_data["greeting"])
        if len(greeting) > GREETING_LIMIT:
            raise ValidationError(_("Shorten your words to %(limit)d characters.") % {"limit": GREETING_LIMIT})
        return greeting


class StopForm(forms.Form):
    """The button that stops a plan, as it was shown."""

    plan = forms.IntegerField(min_value=1, widget=forms.HiddenInput(attrs={"id": False}))
    version = version_field()
