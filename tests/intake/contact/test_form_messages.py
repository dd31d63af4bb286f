"""Validation errors of the form are in Finnish, beside the field and in a summary, and the typed text is kept."""

import pytest
from bs4 import Tag
from django.test import Client

from intake.models import Enquiry, OutgoingMail
from tests.intake.visiting import ADDRESS, Letter, ShownForm, Visitor, letter, token

CHECK_EMAIL = "Tarkista sähköpostiosoite. Oikea muoto on esimerkiksi nimi@esimerkki.fi."
CHECK_PHONE = "Tarkista puhelinnumero. Oikea muoto on esimerkiksi 050 123 4567."
CHOOSE = "Valitse jokin vaihtoehdoista."
GROUPS = ("supervision_form", "delivery_modes", "preferred_contact")

MISTAKES: list[tuple[str, Letter, str]] = [
    ("name", {"name": ""}, "Kirjoita nimesi."),
    ("name", {"name": " \t\u200b "}, "Kirjoita nimesi."),
    ("email", {"email": ""}, "Kirjoita sähköpostiosoitteesi."),
    ("email", {"email": "maija(at)esimerkki.fi"}, CHECK_EMAIL),
    ("email", {"email": "maija@esimerkki"}, CHECK_EMAIL),
    ("phone", {"phone": "soita töihin"}, CHECK_PHONE),
    ("phone", {"phone": "12"}, CHECK_PHONE),
    ("phone", {"phone": ""}, "Kirjoita puhelinnumerosi, jotta Kati voi soittaa."),
    ("supervision_form", {"supervision_form": "therapy"}, CHOOSE),
    ("delivery_modes", {"delivery_modes": ["online", "moon"]}, CHOOSE),
    ("preferred_contact", {"preferred_contact": ""}, CHOOSE),
    ("preferred_contact", {"preferred_contact": "telepathy"}, CHOOSE),
    ("message", {"message": ""}, "Kirjoita viesti."),
    ("message", {"message": "\r\n \r\n"}, "Kirjoita viesti."),
    ("name", {"name": "x" * 101}, "Lyhennä nimeä: nyt 101 merkkiä, enintään 100."),
    ("organisation", {"organisation": "x" * 151}, "Lyhennä organisaation nimeä: nyt 151 merkkiä, enintään 150."),
    ("email", {"email": "x" * 300 + "@esimerkki.fi"}, "Lyhennä sähköpostiosoitetta: nyt 313 merkkiä, enintään 254."),
    ("phone", {"phone": "0" * 41}, "Lyhennä puhelinnumeroa: nyt 41 merkkiä, enintään 40."),
    ("message", {"message": "x" * 5001}, "Lyhennä viestiä: nyt 5001 merkkiä, enintään 5000."),
]


@pytest.mark.parametrize(("field", "changes", "message"), MISTAKES)
def test_validation_error_is_shown_and_text_kept(visitor: Visitor, field: str, changes: Letter, message: str) -> None:
    answer = visitor.sends(letter(**changes))

    shown = ShownForm.of(answer)
    assert answer.status_code == 422
    assert shown.title.startswith("Virhe: Ota yhteyttä")
    assert shown.errors(field) == [message]
    assert [words for _address, words in shown.summary] == [message]
    kept = {name: value for name, value in letter(**changes).items() if value not in ("", [])}
    unknown = {name for name in GROUPS if field == name}
    for name in kept.keys() - unknown:
        assert str(shown.words[name]).strip() == str(kept[name]).replace("\u200b", "").strip()
    assert not Enquiry.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_unknown_choice_keeps_valid_choices_selected(visitor: Visitor) -> None:
    shown = ShownForm.of(visitor.sends(letter(delivery_modes=["online", "moon"])))
    assert shown.words["delivery_modes"] == ["online"]


def test_empty_form_lists_all_errors_in_order(visitor: Visitor) -> None:
    shown = ShownForm.of(visitor.sends({}))

    assert shown.summary == [
        ("#id_name", "Kirjoita nimesi."),
        ("#id_email", "Kirjoita sähköpostiosoitteesi."),
        ("#id_message", "Kirjoita viesti."),
        ("#id_preferred_contact_0", CHOOSE),
    ]
    heading = shown.element("summary-title").parent
    assert heading is not None
    assert "Lomakkeessa on vielä korjattavaa" in heading.get_text()
    assert "Tarkista nämä 4 kohtaa:" in heading.get_text()
    assert heading.has_attr("autofocus")
    assert heading["tabindex"] == "-1"


def test_error_summary_links_lead_to_focusable_controls(visitor: Visitor) -> None:
    shown = ShownForm.of(visitor.sends({}))
    for address, _words in shown.summary:
        assert shown.element(address.removeprefix("#")).name in ("input", "textarea")


@pytest.mark.parametrize("field", ["name", "email", "phone", "organisation", "message"])
def test_invalid_field_is_linked_to_error_message(visitor: Visitor, field: str) -> None:
    shown = ShownForm.of(visitor.sends(letter(**{field: "x" * 6000})))
    control = shown.element(f"id_{field}")
    assert control["aria-invalid"] == "true"
    assert f"id_{field}_error" in str(control["aria-describedby"]).split()
    label = shown.soup.find("label", attrs={"for": f"id_{field}"})
    assert isinstance(label, Tag)


@pytest.mark.parametrize("field", GROUPS)
def test_wrong_choice_has_an_associated_error_message(visitor: Visitor, field: str) -> None:
    shown = ShownForm.of(visitor.sends(letter(**{field: "moon"})))
    group = shown.element(f"id_{field}")
    assert group.name == "fieldset"
    assert f"id_{field}_error" in str(group["aria-describedby"]).split()
    marked = group if group.get("role") == "radiogroup" else group.find("input")
    assert isinstance(marked, Tag)
    assert marked["aria-invalid"] == "true"


def test_valid_field_is_not_marked_invalid(visitor: Visitor) -> None:
    shown = ShownForm.of(visitor.sends(letter(name="")))
    assert [control["id"] for control in shown.soup.find_all(attrs={"aria-invalid": "true"})] == ["id_name"]


def test_fresh_form_shows_no_errors(visitor: Visitor) -> None:
    shown = visitor.opens()
    assert shown.title == "Ota yhteyttä – Aijuu työnohjaus"
    assert shown.summary == []
    assert not shown.soup.find_all(attrs={"aria-invalid": True})
    assert not shown.soup.find_all(attrs={"autofocus": True})


def test_corrected_form_is_stored(visitor: Visitor) -> None:
    returned = ShownForm.of(visitor.sends(letter(name=""))).values
    assert visitor.sends({**returned, "name": "Maija"}).status_code == 303
    assert Enquiry.objects.get().name == "Maija"


def test_contact_fields_have_autocomplete_attributes(visitor: Visitor) -> None:
    shown = visitor.opens()
    meanings = {name: shown.element(f"id_{name}")["autocomplete"] for name in ("name", "email", "phone")}
    assert meanings == {"name": "name", "email": "email", "phone": "tel"}
    assert shown.element("id_organisation")["autocomplete"] == "organization"


def test_honeypot_is_hidden_from_people_and_autofill(visitor: Visitor) -> None:
    hidden = visitor.opens().element("id_extra_line")
    assert hidden["tabindex"] == "-1"
    assert hidden["autocomplete"] == "off"
    assert hidden.find_parent(attrs={"aria-hidden": "true"})


def test_name_address_and_message_are_enough(visitor: Visitor) -> None:
    shown = visitor.opens()
    marked = [str(label["for"]) for label in shown.soup.select("label:has(.field__required)")]
    assert marked == ["id_name", "id_email", "id_message"]
    # The form as a browser sends it when nothing was chosen.
    form = {**shown.values, "form_token": token(), "name": "Maija", "email": "maija@esimerkki.fi", "message": "Hei!"}
    assert "delivery_modes" not in form
    assert visitor.sends(form).status_code == 303
    enquiry = Enquiry.objects.get()
    assert (enquiry.supervision_form, enquiry.delivery_modes) == ("undecided", ["undecided"])
    assert (enquiry.phone, enquiry.organisation, enquiry.preferred_contact) == ("", "", "email")


def test_unsent_form_of_supervision_is_undecided(visitor: Visitor) -> None:
    visitor.sends(letter(supervision_form="", delivery_modes=[]))
    assert Enquiry.objects.get().supervision_form == "undecided"


def test_undecided_is_dropped_beside_known_delivery_mode(visitor: Visitor) -> None:
    visitor.sends(letter(delivery_modes=["undecided", "online"]))
    assert Enquiry.objects.get().delivery_modes == ["online"]


def test_notices_are_shown_and_stored_with_the_enquiry(visitor: Visitor) -> None:
    page = " ".join(visitor.opens().soup.get_text(" ").split())
    visitor.sends()
    shown = Enquiry.objects.get().shown_texts
    assert "Älä kirjoita lomakkeelle henkilötunnuksia" in shown["warning"]
    assert "Kiireellisessä hädässä soita\u00a0112." in shown["crisis_note"]
    assert "viimeistään 6 kuukauden kuluttua" in shown["privacy"]
    for words in (shown["warning"].partition(". ")[2], shown["crisis_note"], shown["privacy"]):
        assert words.replace("\u00a0", " ") in page


def test_form_allows_only_get_head_and_post(visitor: Visitor, client: Client) -> None:
    assert client.head(ADDRESS).status_code == 200
    assert client.put(ADDRESS).status_code == 405
    assert client.delete(ADDRESS).status_code == 405


def test_preselected_choices_are_not_marked_required(visitor: Visitor) -> None:
    page = visitor.client.get(ADDRESS).content.decode()
    assert "Sähköpostiosoite <span" in page
    assert "Työnohjauksen muoto</legend>" in page
    assert "Mieluisin yhteydenottotapa</legend>" in page
