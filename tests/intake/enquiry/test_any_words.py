"""Any strings in the fields: the form is stored or returned with its text, and never causes a server error."""

import itertools
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as st

from home.text_input import address_as_sent
from intake.choices import ContactPreference, DeliveryMode, SupervisionForm
from intake.mail.delivery import build_message
from intake.models import ContactPage, Enquiry, OutgoingMail
from intake.typed_text import clean_line, clean_lines, without_invisible
from tests.examples import examples
from tests.intake.visiting import Letter, ShownForm, Visitor, letter, token

TEXTS = ("name", "email", "phone", "organisation", "message", "extra_line")

any_text = st.text(max_size=200) | st.text("\r\n\t\x00\u202e \"'<>&;@+=", max_size=20)
any_letter = st.fixed_dictionaries(
    {
        "name": any_text,
        "email": any_text | st.emails() | st.just("maija@esimerkki.fi"),
        "phone": any_text | st.sampled_from(["", "050 123 4567", "+46701234567"]),
        "organisation": any_text,
        "supervision_form": any_text | st.sampled_from(SupervisionForm.values),
        "delivery_modes": st.lists(any_text | st.sampled_from(DeliveryMode.values), max_size=4),
        "preferred_contact": any_text | st.sampled_from(ContactPreference.values),
        "message": any_text | st.text(min_size=5000, max_size=5010),
        "extra_line": st.just("") | any_text,
        "form_token": any_text,
    },
)
# Everything except the free text is valid, so most of these forms are stored.
good_letter = st.fixed_dictionaries(
    {"name": st.text(min_size=1, max_size=60), "organisation": any_text, "message": st.text(min_size=1, max_size=300)}
).map(lambda texts: letter(**texts))

_numbers = itertools.count(1)


@pytest.fixture
def no_limit(settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 10**6


def _shown_again(text: str) -> str:
    data = QueryDict(mutable=True)
    data["text"] = text
    return str(without_invisible(data)["text"])


def _check(words: Letter) -> None:
    # The same text as in an earlier example would be a repeat.
    Enquiry.objects.all().delete()
    answer = Visitor(f"visitor {next(_numbers)}").sends(words)

    if answer.status_code == 303:
        stored = Enquiry.objects.get()
        assert stored.name == clean_line(str(words["name"]))
        assert stored.organisation == clean_line(str(words["organisation"]))
        assert stored.message == clean_lines(str(words["message"]))
        assert stored.email == address_as_sent(str(words["email"]))
        assert stored.mails.filter(purpose="notification").exists()
    else:
        shown = ShownForm.of(answer)
        assert answer.status_code == 422
        assert shown.summary or shown.notice
        assert {name: shown.words[name] for name in TEXTS} == {name: _shown_again(str(words[name])) for name in TEXTS}
        assert not Enquiry.objects.exists()


@pytest.mark.usefixtures("no_limit")
@examples(15)
@given(words=any_letter)
@example(words=letter(form_token=""))
@example(words=letter(message="\n\n</textarea><script>", name="", form_token="x"))
def test_any_form_input_is_stored_or_returned(contact_page: ContactPage, words: Letter) -> None:
    _check(words)


@pytest.mark.usefixtures("no_limit")
@examples(15)
@given(words=good_letter)
@example(words=letter())
def test_valid_facts_form_is_stored_or_returned(contact_page: ContactPage, words: Letter) -> None:
    _check({**words, "form_token": token()})


@pytest.mark.usefixtures("no_limit")
@examples(15)
@given(address=st.emails())
def test_accepted_email_address_yields_valid_mail(contact_page: ContactPage, address: str) -> None:
    answer = Visitor(f"visitor {next(_numbers)}").sends(letter(email=address))
    assert answer.status_code in (303, 422)
    if answer.status_code == 303:
        mail = OutgoingMail.objects.filter(purpose="confirmation").order_by("-pk").first()
        if mail is not None:
            assert build_message(mail, now=timezone.now()).message().as_bytes().count(b"\nTo: ") == 1
