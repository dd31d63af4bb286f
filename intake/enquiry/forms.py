"""The forms of an enquiry, and the HTML of the fields that visitors type in."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.forms import BoundField
from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest, QueryDict
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from intake.choices import ContactPreference, DeliveryMode, Outcome, Status, SupervisionForm
from intake.enquiry.form_pages import PostRefused
from intake.enquiry.services import ChangedMeanwhile
from intake.submission import (
    CONTACT_FORM,
    MAPPING_FORM,
    MIN_SECONDS,
    SHOWN_FIELD,
    ContactFacts,
    FormEntry,
    FormOpening,
    ShownTerms,
    SpamSigns,
    new_form_token,
    read_form_token,
    read_terms,
    signed_terms,
)
from intake.typed_text import SupervisorTextField, TypedEmailField, TypedPhoneField, TypedTextField, without_invisible

MESSAGE_LIMIT = 5000
NOTE_LIMIT = 5000
_INPUTS = frozenset(f"django/forms/widgets/{name}.html" for name in ("text", "email", "hidden", "input"))
_TEXTAREA = "django/forms/widgets/textarea.html"


class FormRenderer(DjangoTemplates):
    """Renders inputs and text areas in Python, and everything else by templates.

    The HTML is that of Django's templates, which take ten times as long for inputs and text areas.
    """

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        widget = context.get("widget", {})
        if template_name in _INPUTS:
            value = {} if widget["value"] is None else {"value": widget["value"]}
            start = {"type": widget["type"], "name": widget["name"], **value}
            return format_html("<input{}{}>", _attributes(start), _attributes(widget["attrs"]))
        if template_name == _TEXTAREA:
            # A browser drops a line break at the start of the content, so one is added.
            return format_html(
                "<textarea{}{}>\n{}</textarea>",
                _attributes({"name": widget["name"]}),
                _attributes(widget["attrs"]),
                widget["value"] or "",
            )
        rendered: str = super().render(template_name, context, request)
        return rendered


def _attributes(values: Mapping[str, Any]) -> SafeString:
    """Return HTML attributes, each after a space. True gives an attribute without a value, and False gives none."""
    parts = (
        f" {conditional_escape(name)}" + ("" if value is True else f'="{conditional_escape(value)}"')
        for name, value in values.items()
        if value is not False
    )
    return mark_safe("".join(parts))  # noqa: S308  (each part is escaped)


FORM_RENDERER = FormRenderer()


def summary_entries(bound: BoundField, *, words: Callable[[str], str] = str) -> list[dict[str, str]]:
    """Return the errors of a field for components/error_summary.html: {"href": "#id_name", "message": words(error)}."""
    # A group of radio buttons or checkboxes has no id of its own.
    anchor = f"{bound.auto_id}_0" if bound.use_fieldset else bound.auto_id
    return [{"href": f"#{anchor}", "message": words(str(error))} for error in bound.errors]


class ContactFactsForm(forms.Form):
    """The sender and the kind of supervision; the base of every public form."""

    use_required_attribute = False
    default_renderer = FORM_RENDERER

    name = TypedTextField(
        label=_("Your name"),
        limit=100,
        error_messages={
            "required": _("Write your name."),
            "too_long": _("Shorten the name: now %(length)d characters, at most %(limit)d."),
        },
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = TypedEmailField(
        label=_("E-mail address"),
        help_text=_("The answer comes to this address."),
        error_messages={
            "required": _("Write your e-mail address."),
            "too_long": _("Shorten the e-mail address: now %(length)d characters, at most %(limit)d."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false", "autocapitalize": "none"}),
    )
    phone = TypedPhoneField(
        label=_("Phone number"),
        required=False,
        help_text=_("If it is all right to call."),
        error_messages={"too_long": _("Shorten the phone number: now %(length)d characters, at most %(limit)d.")},
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    organisation = TypedTextField(
        label=_("Organisation"),
        limit=150,
        required=False,
        help_text=_("Leave empty if you write for yourself."),
        error_messages={
            "too_long": _("Shorten the organisation’s name: now %(length)d characters, at most %(limit)d.")
        },
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    supervision_form = forms.ChoiceField(
        label=_("Form of supervision"),
        choices=SupervisionForm.choices,
        required=False,
        initial=SupervisionForm.UNDECIDED,
        help_text=_("The form can be decided together."),
        error_messages={
            "invalid_choice": _("Choose one of the options."),
        },
        widget=forms.RadioSelect,
    )
    delivery_modes = forms.MultipleChoiceField(
        label=_("Where would we meet?"),
        choices=DeliveryMode.choices,
        required=False,
        help_text=_("Face to face in Satakunta, online in all of Finland. You can choose several."),
        error_messages={
            "invalid_choice": _("Choose one of the options."),
            "invalid_list": _("Choose one of the options."),
        },
        widget=forms.CheckboxSelectMultiple,
    )
    preferred_contact = forms.ChoiceField(
        label=_("Preferred way of contact"),
        choices=ContactPreference.choices,
        initial=ContactPreference.EMAIL,
        error_messages={
            "required": _("Choose one of the options."),
            "invalid_choice": _("Choose one of the options."),
        },
        widget=forms.RadioSelect,
    )

    # A honeypot: hidden from people and autofill, but filled in by spam programs.
    extra_line = forms.Field(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    form_token = forms.Field(required=False, widget=forms.HiddenInput)
    # Without autocomplete="off" Firefox restores the earlier value of a hidden field on a reload.
    shown = forms.Field(required=False, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))

    # The longest message that the form accepts; 0 for a form without one.
    message_limit = 0
    token_form = CONTACT_FORM
    expired_notice = _("The form had expired. Your words are still here: send the form again.")

    def __init__(self, data: QueryDict | None = None, *, posted_at: datetime | None = None, **kwargs: Any) -> None:
        """`posted_at`: read the form token of this post, for entry()."""
        words = without_invisible(data) if data is not None else None
        self.posted_at = posted_at
        self.opening: FormOpening | None = None
        self.terms: ShownTerms | None = None
        if data is not None and words is not None and posted_at is not None:
            # Read from the post as it was sent: a token with added invisible characters must not count as valid.
            self.opening = read_form_token(data.get("form_token", ""), form=self.token_form)
            self.terms = read_terms(data.get(SHOWN_FIELD, ""))
            if self.opening is None:
                # Backdated, so that sending it again at once is not suspicious.
                opened_at = posted_at - timedelta(seconds=MIN_SECONDS)
                words["form_token"] = new_form_token(opened_at, form=self.token_form)
        super().__init__(data=words, **kwargs)

    def carry(self, terms: ShownTerms) -> None:
        """Put the terms that the page shows into the form. When it is posted, they are read back into `terms`."""
        values: dict[str, Any] = self.data if self.is_bound else self.initial  # type: ignore[assignment]
        values[SHOWN_FIELD] = signed_terms(terms)

    def clean_supervision_form(self) -> str:
        # A sender who chose nothing does not know yet, or leaves it to the conversation.
        return self.cleaned_data["supervision_form"] or SupervisionForm.UNDECIDED

    def clean_delivery_modes(self) -> list[str]:
        known = [mode for mode in self.cleaned_data["delivery_modes"] if mode != DeliveryMode.UNDECIDED]
        return known or [DeliveryMode.UNDECIDED]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        wants_call = cleaned.get("preferred_contact") == ContactPreference.PHONE
        if wants_call and not cleaned.get("phone") and "phone" not in self.errors:
            self.add_error("phone", _("Write your phone number so that Kati can call."))
        return cleaned

    def entry(self, *, source_known: bool) -> FormEntry:
        """Return the content of the form. Raises PostRefused for an invalid or expired form."""
        if not self.is_valid():
            raise PostRefused(422)
        if self.opening is None or self.posted_at is None:
            raise PostRefused(422, str(self.expired_notice))
        signs = SpamSigns(
            hidden_field=str(self.cleaned_data.get("extra_line") or ""),
            seconds_open=(self.posted_at - self.opening.opened_at).total_seconds(),
            source_known=source_known,
        )
        return FormEntry(facts=self.facts(), opening=self.opening, signs=signs)

    def facts(self) -> ContactFacts:
        """Return the cleaned values. Only for a valid form."""
        cleaned = self.cleaned_data
        return ContactFacts(
            name=cleaned["name"],
            email=cleaned["email"],
            phone=cleaned["phone"],
            organisation=cleaned.get("organisation", ""),
            supervision_form=cleaned["supervision_form"],
            delivery_modes=tuple(cleaned.get("delivery_modes", ())),
            preferred_contact=cleaned.get("preferred_contact", ""),
            message=cleaned.get("message", ""),
        )

    @property
    def error_summary(self) -> list[dict[str, str]]:
        """One entry for each error, in the order of the fields."""
        return [entry for name in self.fields for entry in summary_entries(self[name])] if self.errors else []


class ContactForm(ContactFactsForm):
    """The form of the contact page."""

    # In the order in which people think: who I am, what it is about, then details that help Kati to answer.
    field_order = ("name", "email", "message")

    message = TypedTextField(
        label=_("Message"),
        limit=MESSAGE_LIMIT,
        several_lines=True,
        error_messages={
            "required": _("Write a message."),
            "too_long": _("Shorten the message: now %(length)d characters, at most %(limit)d."),
        },
        widget=forms.Textarea(attrs={"rows": 8, "data-limit": MESSAGE_LIMIT}),
    )

    message_limit = MESSAGE_LIMIT
    expired_notice = _("The form had expired. Your words are still here: send the message again.")


class ConfirmAddressForm(forms.Form):
    """The field on the thank-you page in which the sender confirms the e-mail address."""

    use_required_attribute = False
    default_renderer = FORM_RENDERER

    email = TypedEmailField(
        label=_("E-mail address"),
        help_text=_("Type it once more, as in your message."),
        error_messages={"required": _("Write your e-mail address.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data=without_invisible(data) if data is not None else None, **kwargs)


class MappingFactsForm(ContactFactsForm):
    """The first step of a mapping: the contact facts, without a message."""

    token_form = MAPPING_FORM


def version_field() -> forms.IntegerField:
    """Return a hidden field for the version that the page showed. Without an id: a page may have several."""
    return forms.IntegerField(widget=forms.HiddenInput(attrs={"id": False}))


class HandlingForm(forms.Form):
    """Status, outcome and the supervisor's note, saved together.

    `stored_outcome` is the current outcome: it may still be selected while the enquiry is reopened.
    """

    version = version_field()
    status = forms.ChoiceField(
        label=_("Status"),
        choices=Status.choices,
        help_text=_(
            "When you mark a matter closed, its day of removal is computed by itself. When you put it on the waiting "
            "list, it becomes the last one there, and you contact the sender yourself: without having asked for mail "
            "nobody gets any. Who was there before returns to the old place."
        ),
    )
    outcome = forms.ChoiceField(
        label=_("How did it end?"),
        required=False,
        choices=[("", _("— chosen when the matter is closed —")), *Outcome.choices],
    )
    note = SupervisorTextField(
        label=_("Note"),
        required=False,
        max_length=NOTE_LIMIT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_(
            "Practical matters only. Write so that the sender may read this: "
            "people have the right to see their details."
        ),
    )

    def __init__(self, *args: Any, stored_outcome: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored_outcome = stored_outcome

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        status, outcome = cleaned.get("status"), cleaned.get("outcome")
        if status == Status.CLOSED and not outcome and "outcome" not in self.errors:
            self.add_error("outcome", _("Choose how the matter ended."))
        elif status and status != Status.CLOSED and outcome and outcome != self._stored_outcome:
            self.add_error(
                "outcome", _("You chose how the matter ended. Choose the status “Closed” too, or leave this empty.")
            )
        return cleaned


class PreparationForm(forms.Form):
    """The supervisor's notes for the first meeting."""

    version = version_field()
    preparation_notes = SupervisorTextField(
        label=_("Notes for the first meeting"),
        required=False,
        max_length=NOTE_LIMIT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_(
            "Not printed on the sender's copy, but part of the details that the sender has the right to see on "
            "request. Practical matters only; what is said in supervision does not belong here."
        ),
    )


class VersionForm(forms.Form):
    """The form of a button that acts on an enquiry; rejected if the enquiry has changed since."""

    version = version_field()


def posted_version(data: QueryDict) -> int:
    """Return the version that a posted VersionForm showed. Raises ChangedMeanwhile if it has none."""
    form = VersionForm(data)
    if not form.is_valid():
        raise ChangedMeanwhile
    version: int = form.cleaned_data["version"]
    return version
