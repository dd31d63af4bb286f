"""A form with a field of every kind that the site's forms have; it is shown, never sent."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from intake.forms import ContactForm, WaitingForm

_REQUIRED = {"required": _("Answer this question.")}
SCALE = [(str(number), str(number)) for number in range(11)]


class ExampleForm(forms.Form):
    """One field of each kind. The words are examples, as a mapping form might ask them."""

    use_required_attribute = False

    line = forms.CharField(label="Nimesi", help_text="Se, jolla toivot sinua puhuteltavan.", error_messages=_REQUIRED)
    phone = forms.CharField(label="Puhelinnumero", required=False, widget=forms.TextInput(attrs={"type": "tel"}))
    number = forms.IntegerField(
        label="Kuinka monta teitä on?",
        error_messages=_REQUIRED,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    day = forms.DateField(
        label="Milloin voisitte aloittaa?",
        help_text="Arvio riittää.",
        error_messages=_REQUIRED,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    text = forms.CharField(
        label="Mitä työssäsi tapahtuu juuri nyt?",
        help_text="Enintään 500 merkkiä.",
        error_messages=_REQUIRED,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    one = forms.ChoiceField(
        label="Kuka työnohjausta toivoo?",
        choices=[
            ("self", "Minä itse"),
            ("team", "Ryhmämme yhdessä"),
            ("chief", "Esihenkilö, joka kysyy koko työyhteisön puolesta"),
        ],
        error_messages=_REQUIRED,
        widget=forms.RadioSelect,
    )
    several = forms.MultipleChoiceField(
        label="Missä tapaisimme?",
        choices=[("online", "Verkossa"), ("here", "Työpaikallamme Satakunnassa"), ("pori", "Porissa")],
        help_text="Voit valita useita.",
        error_messages=_REQUIRED,
        widget=forms.CheckboxSelectMultiple,
    )
    yes_no = forms.ChoiceField(
        label="Onko sinulla aiempaa kokemusta työnohjauksesta?",
        choices=[("yes", "Kyllä"), ("no", "Ei")],
        error_messages=_REQUIRED,
        widget=forms.RadioSelect,
    )
    scale = forms.ChoiceField(
        label="Kuinka hyvin jaksat työssäsi?",
        help_text="Valitse luku, joka kuvaa viime viikkoja.",
        choices=SCALE,
        error_messages=_REQUIRED,
        widget=forms.RadioSelect,
    )
    agreed = forms.BooleanField(
        label="Minulle saa lähettää sähköpostia.",
        help_text="Voit perua tämän milloin vain.",
        error_messages=_REQUIRED,
    )
    optional_scale = forms.ChoiceField(
        label="Kuinka hyvin yhteistyö sujuu?",
        choices=[*SCALE, ("", "En osaa sanoa")],
        required=False,
        widget=forms.RadioSelect,
    )


ANSWERS: dict[str, Any] = {
    "line": "Maija Meikäläinen",
    "phone": "050 123 4567",
    "number": "12",
    "day": "2027-01-11",
    "text": "Meillä on uusi tiimi, ja roolit etsivät vielä paikkaansa.",
    "one": "team",
    "several": ["online", "pori"],
    "yes_no": "yes",
    "scale": "7",
    "agreed": "1",
}


def example_forms() -> list[tuple[str | Promise, ExampleForm]]:
    """The states that a field can be in, each with the example form in that state; ids differ from form to form."""
    return [
        (_("Empty"), ExampleForm(auto_id="empty_%s")),
        (_("Filled"), ExampleForm(ANSWERS, auto_id="filled_%s")),
        (_("With an error"), ExampleForm({}, auto_id="error_%s")),
    ]


def contact_form_with_errors() -> ContactForm:
    """The real contact form as it comes back to one who wrote a wrong address and too long a message, and no more."""
    typed = {"email": "kati(at)esimerkki.fi", "message": "Pitkä. " * (ContactForm.message_limit // 7 + 12)}
    form = ContactForm(QueryDict(urlencode(typed)))
    form.full_clean()
    return form


def waiting_form() -> WaitingForm:
    """The form of the waiting list as it opens; its ids differ from the contact form's."""
    return WaitingForm(auto_id="waiting_%s")
