"""The contact form: the typed facts that every way of writing shares, and the message."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from intake.choices import ContactPreference, DeliveryMode, SupervisionForm
from intake.forms.fields import TypedEmailField, TypedPhoneField, TypedTextField
from intake.submission import ContactFacts
from intake.typed_text import without_invisible

MESSAGE_LIMIT = 5000


class ContactFactsForm(forms.Form):
    """Who writes, and about what kind of supervision; shared by every form a visitor fills."""

    use_required_attribute = False

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
        help_text=_("The form can be decided together."),
        error_messages={
            "required": _("Choose the form of supervision or ’I don't know yet’."),
            "invalid_choice": _("Choose one of the options."),
        },
        widget=forms.RadioSelect,
    )
    delivery_modes = forms.MultipleChoiceField(
        label=_("Where would we meet?"),
        choices=DeliveryMode.choices,
        help_text=_("Face to face in Satakunta, online in all of Finland. You can choose several."),
        error_messages={
            "required": _("Choose at least one way of meeting."),
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

    # Kept from people and from autofill; a program that fills every field gives itself away.
    extra_line = forms.Field(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    form_token = forms.Field(required=False, widget=forms.HiddenInput)

    # The longest message that the form takes; none where it has no message.
    message_limit = 0

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data=without_invisible(data) if data is not None else None, **kwargs)

    def clean_delivery_modes(self) -> list[str]:
        modes: list[str] = self.cleaned_data["delivery_modes"]
        known = [mode for mode in modes if mode != DeliveryMode.UNDECIDED]
        return known or modes

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        wants_call = cleaned.get("preferred_contact") == ContactPreference.PHONE
        if wants_call and not cleaned.get("phone") and "phone" not in self.errors:
            self.add_error("phone", _("Write your phone number so that Kati can call."))
        return cleaned

    def facts(self) -> ContactFacts:
        """Return what was written. Only for a valid form."""
        cleaned = self.cleaned_data
        return ContactFacts(
            name=cleaned["name"],
            email=cleaned["email"],
            phone=cleaned["phone"],
            organisation=cleaned["organisation"],
            supervision_form=cleaned["supervision_form"],
            delivery_modes=tuple(cleaned["delivery_modes"]),
            preferred_contact=cleaned.get("preferred_contact", ""),
            message=cleaned.get("message", ""),
        )

    @property
    def error_summary(self) -> list[dict[str, str]]:
        """One entry an error, in the order of the fields: {"href": "#id_name", "message": …}."""
        entries = []
        for name in self.fields:
            bound = self[name]
            anchor = f"{bound.auto_id}_0" if bound.use_fieldset else bound.auto_id
            entries += [{"href": f"#{anchor}", "message": str(error)} for error in bound.errors]
        return entries


class ContactForm(ContactFactsForm):
    """The form of the contact page."""

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
