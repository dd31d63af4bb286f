"""Example blocks and form fields for the style guide, in all their states."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from wagtail.blocks import StreamValue
from wagtail.images import get_image_model

from home.blocks import BodyStreamBlock
from home.contact_details import ContactDetails
from intake.enquiry.forms import ContactForm
from intake.submission import ShownTerms
from intake.waiting.forms import WaitingForm

LONG_WORD = "Työterveyshuoltohenkilökuntatyönohjaus"
LONG_TEXT = (
    "Työnohjaus on oman työn tutkimista, arviointia ja kehittämistä koulutetun työnohjaajan avulla. "
    "Se on pääasiassa keskustelua, jota voidaan virittää monenlaisilla tehtävillä."
)
_REQUIRED = {"required": _("Answer this question.")}
SCALE = [(str(number), str(number)) for number in range(11)]
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


@dataclass(frozen=True, slots=True)
class BlockState:
    """A block in one state, with the context of the page around it.

    `details` is None for the site's own contact details. `contact_url` is "#", because a new site has no contact page.
    """

    label: str | Promise
    body: StreamValue
    details: ContactDetails | None = None
    contact_url: str = "#"


@dataclass(frozen=True, slots=True)
class BlockExample:
    """A block: its name in the StreamField, its label, its template, and its states."""

    name: str
    label: str | Promise
    template: str
    states: list[BlockState]


def block_examples() -> list[BlockExample]:
    """Return every block of BodyStreamBlock, in order. Raises KeyError for a block without examples."""
    blocks = BodyStreamBlock()
    states: dict[str, list[BlockState]] = {}
    for name, label, value, *around in _states(blocks):
        body = StreamValue(blocks, [(name, blocks.child_blocks[name].normalize(value))])
        states.setdefault(name, []).append(BlockState(label, body, *around))
    return [
        BlockExample(name, block.label, block.meta.template, states[name])
        for name, block in blocks.child_blocks.items()
    ]


def _states(blocks: BodyStreamBlock) -> Iterator[tuple[Any, ...]]:
    usual = {name: block.get_preview_value() for name, block in blocks.child_blocks.items()}
    yield "text", _("With a heading, lists and links"), _full_text()
    yield "text", _("Without a heading"), {"heading": "", "text": f"<p>{LONG_TEXT}</p>"}
    yield "text", _("A long heading"), {"heading": f"{LONG_WORD} verkossa", "text": f"<p>{LONG_TEXT}</p>"}
    yield "text", _("With key facts beside it"), {**usual["text"], "facts": _four_facts()["facts"]}
    yield "text", _("With a drawing beside it"), {**usual["text"], "facts": [], "drawing": "art"}
    yield "text", _("One line set large"), {"heading": "", "line": LONG_TEXT, "text": f"<p>{LONG_TEXT}</p>"}
    for label, image in _pictures():
        yield "text", label, {"heading": LONG_WORD, "text": f"<p>{LONG_TEXT}</p>", "image": image}
        yield "image", label, {"image": image, "caption": LONG_TEXT, "credit": "Kuva: Kati"}
    yield "image", _("Without a caption"), {**usual["image"], "caption": ""}
    yield "benefits", _("With a heading"), usual["benefits"]
    yield "benefits", _("Without a heading, one long item"), {"heading": "", "items": [LONG_TEXT]}
    yield "steps", _("Five stations"), _five_steps()
    yield "steps", _("The fewest stations, without texts"), _two_steps()
    yield "facts", _("Two facts"), usual["facts"]
    yield "facts", _("Four facts, one of them long"), _four_facts()
    yield "faq", _("Closed; a question opens with a press"), usual["faq"]
    yield "faq", _("Without questions: nothing is shown"), {"heading": "Ei kysymyksiä", "questions": []}
    yield "faq", _("Twenty questions"), _twenty_questions()
    yield "quote", _("With who said it"), usual["quote"]
    yield "quote", _("Long, without who said it"), {"text": f"{LONG_TEXT} {LONG_TEXT}", "attribution": ""}
    yield "page_links", _("Pages of the menu"), usual["page_links"]
    yield "call_to_action", _("With a sentence"), usual["call_to_action"]
    yield "call_to_action", _("The link alone"), {"text": "", "label": "Ota yhteyttä", "page": None}
    yield "contact_card", _("All facts filled"), usual["contact_card"], full_details()
    yield "contact_card", _("Few facts filled"), {"heading": "", "text": ""}, few_details(), ""
    yield "contact_card", _("Very long facts"), usual["contact_card"], long_details()


def full_details() -> ContactDetails:
    """Return unsaved contact details with every field filled."""
    return ContactDetails(
        business_name="Aijuu työnohjaus",
        person_name="Kati Esimerkki",
        email="kati@esimerkki.fi",
        phone="+358501234567",
        facebook_url="https://www.facebook.com/esimerkki",
        areas="Satakunta kasvokkain, koko Suomi verkossa",
        places="Työpaikallasi tai Porissa Aijuun järjestämässä tilassa",
        response_time="muutaman arkipäivän kuluessa",
        official_name="Aijuu työnohjaus, tmi Kati Esimerkki",
        business_id="1234567-1",
        postal_address="Esimerkkikatu 1, 28100 Pori",
    )


def few_details() -> ContactDetails:
    """Return unsaved contact details with few fields filled."""
    return ContactDetails(business_name="Aijuu työnohjaus", email="kati@esimerkki.fi")


def long_details() -> ContactDetails:
    """Return unsaved contact details that are too long for a line on a phone."""
    details = full_details()
    details.email = "kati.etunimi-toinennimi.pitkasukunimi-esimerkkinen@tyonohjauspalvelut.esimerkki.fi"
    details.phone = "+358 2 1234 567 890"
    details.areas = f"{LONG_TEXT} {LONG_TEXT}"
    return details


def _pictures() -> Iterator[tuple[str | Promise, Any]]:
    """Yield the newest image of each shape on the site."""
    images = list(get_image_model().objects.order_by("-created_at")[:200])
    shapes = (
        (_("A landscape picture"), lambda image: image.width > image.height),
        (_("A portrait picture"), lambda image: image.width < image.height),
    )
    for label, fits in shapes:
        found = next((image for image in images if fits(image)), None)
        if found is not None:
            yield label, found


def _full_text() -> dict[str, Any]:
    text = (
        f"<p>{LONG_TEXT} <a href='/'>Lue lisää etusivulta</a>.</p>"
        "<h3>Kolmannen tason otsikko</h3><ul><li>selkeämmät tavoitteet</li>"
        "<li><b>lihavoitu</b> ja <i>kursivoitu</i></li></ul>"
        "<h4>Neljännen tason otsikko</h4><ol><li>ensin tämä</li><li>sitten tämä</li></ol>"
    )
    return {"heading": "Oman työn tutkimista", "text": text}


def _five_steps() -> dict[str, Any]:
    titles = ("Yhteydenotto", "Tilanteen kartoittaminen", "Tavoite", "Työnohjauskerrat", "Arviointi")
    return {
        "heading": "Näin työnohjaus etenee",
        "intro": "Aijuun työnohjausprosessi etenee seuraavan kuvion mukaisesti:",
        "steps": [{"title": title, "text": "Tavataan ja etsitään ratkaisuja."} for title in titles],
    }


def _two_steps() -> dict[str, Any]:
    steps = [{"title": title, "text": ""} for title in ("Alku", LONG_WORD)]
    return {"heading": "", "intro": "", "steps": steps}


def _four_facts() -> dict[str, Any]:
    facts = [
        {"value": "3–4", "unit": "viikkoa", "label": "ohjauskertojen välillä"},
        {"value": "45", "unit": "minuuttia", "label": "yksi maksullinen ohjaustunti"},
        {"value": "10–20", "unit": "ohjaustuntia", "label": "tavallisesti koko prosessissa"},
        {"value": "1 234 567 890 kertaa", "unit": LONG_WORD, "label": LONG_TEXT[:110]},
    ]
    return {"heading": "Työnohjaus lukuina", "facts": facts}


def _twenty_questions() -> dict[str, Any]:
    questions = [
        {"question": f"{number}. Mitä työnohjauksessa käytännössä tapahtuu?", "answer": f"<p>{LONG_TEXT}</p>"}
        for number in range(1, 21)
    ]
    return {"heading": "Kaksikymmentä kysymystä", "questions": questions}


class ExampleForm(forms.Form):
    """A form with one field of each kind, with example questions."""

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


def example_forms() -> list[tuple[str | Promise, ExampleForm]]:
    """Return the states of a field, each with the example form in that state. Every form has its own ids."""
    return [
        (_("Empty"), ExampleForm(auto_id="empty_%s")),
        (_("Filled"), ExampleForm(ANSWERS, auto_id="filled_%s")),
        (_("With an error"), ExampleForm({}, auto_id="error_%s")),
    ]


def contact_form_with_errors() -> ContactForm:
    """Return the contact form with errors: an invalid address, a message that is too long, the rest empty."""
    typed = {"email": "kati(at)esimerkki.fi", "message": "Pitkä. " * (ContactForm.message_limit // 7 + 12)}
    form = ContactForm(QueryDict(urlencode(typed)))
    form.full_clean()
    return form


def waiting_form() -> WaitingForm:
    """Return the empty form of the waiting list, with ids that differ from those of the contact form."""
    form = WaitingForm(auto_id="waiting_%s")
    form.carry(ShownTerms(retention_months=6, spam_days=14, waiting_months=4, pause=""))
    return form
