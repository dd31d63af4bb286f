"""The form renderer gives the same HTML as Django's own templates, whatever a visitor typed."""

from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from intake.enquiry.forms import FORM_RENDERER, ContactForm, MappingFactsForm
from intake.waiting.forms import WaitingForm
from tests.examples import examples

DJANGO = DjangoTemplates()
TYPED = st.text(max_size=40) | st.sampled_from(['"><script>alert(1)</script>', "\n\nrivi", "{{ 1 }}", "&amp; '"])


def rendered(form: forms.Form, renderer: Any) -> list[str]:
    form.renderer = renderer
    return [bound.as_widget() for bound in form]


@pytest.mark.parametrize("form_class", [ContactForm, MappingFactsForm, WaitingForm])
def test_empty_form_is_rendered_as_by_django(form_class: type[forms.Form]) -> None:
    assert rendered(form_class(), FORM_RENDERER) == rendered(form_class(), DJANGO)


@pytest.mark.parametrize("form_class", [ContactForm, MappingFactsForm, WaitingForm])
@examples(20)
@given(name=TYPED, email=TYPED, message=TYPED)
def test_typed_text_is_escaped_as_by_django(form_class: type[forms.Form], name: str, email: str, message: str) -> None:
    data = QueryDict(mutable=True)
    data.update({"name": name, "email": email, "message": message, "phone": "x", "delivery_modes": "online"})
    assert rendered(form_class(data), FORM_RENDERER) == rendered(form_class(data), DJANGO)


@pytest.mark.parametrize("value", [True, False, 8, "", "<b>", None])
def test_attribute_is_rendered_as_by_django(value: object) -> None:
    for widget in (forms.TextInput, forms.Textarea, forms.EmailInput, forms.HiddenInput):
        attrs = {"data-one": value, "id": "id_x"}
        assert widget(attrs).render("x", "y", renderer=FORM_RENDERER) == widget(attrs).render("x", "y", renderer=DJANGO)
