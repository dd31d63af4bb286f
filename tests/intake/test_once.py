"""One letter is one enquiry, however many times it is posted; other words are another."""

import pytest

from intake.models import Enquiry, OutgoingMail
from tests.intake.visiting import ADDRESS, ShownForm, Visitor, letter, page_text, token


def test_a_letter_leads_to_a_thanks_page_with_its_reference(visitor: Visitor) -> None:
    sent = visitor.sends()
    assert sent.status_code == 303
    enquiry = Enquiry.objects.get()
    thanks = visitor.client.get(sent["Location"])
    assert thanks.status_code == 200
    text = page_text(thanks)
    assert "Kiitos, viestisi on perillä" in text
    assert f"Viitenumerosi on {enquiry.reference}" in text
    assert "Mitä seuraavaksi tapahtuu?" in text


def test_every_fact_is_stored_as_it_was_written(visitor: Visitor) -> None:
    visitor.sends()
    enquiry = Enquiry.objects.get()
    written = letter(phone="+358501234567")
    del written["extra_line"]
    assert {name: getattr(enquiry, name) for name in written} == written
    assert enquiry.kind == "contact"
    assert enquiry.status == "new"
    assert enquiry.verdict == "accepted"
    assert enquiry.verdict_reasons == []


def test_a_repeat_gives_the_same_answer_and_stores_and_sends_nothing_more(visitor: Visitor) -> None:
    words = letter(form_token=token())
    addresses = {visitor.sends(words)["Location"] for _ in range(4)}
    assert len(addresses) == 1
    assert Enquiry.objects.count() == 1
    assert sorted(OutgoingMail.objects.values_list("purpose", flat=True)) == ["confirmation", "notification"]


def test_a_repeat_with_other_spaces_or_number_format_is_still_a_repeat(visitor: Visitor) -> None:
    opened = token()
    visitor.sends(letter(form_token=opened))
    visitor.sends(letter(form_token=opened, name=" Maija  Meikäläinen\u200b", phone="+358501234567"))
    assert Enquiry.objects.count() == 1


@pytest.mark.parametrize("changes", [{"message": "Unohdin sanoa: ma sopii."}, {"email": "toinen@esimerkki.fi"}])
def test_the_same_form_with_other_words_is_another_enquiry(visitor: Visitor, changes: dict[str, str]) -> None:
    opened = token()
    first = visitor.sends(letter(form_token=opened))["Location"]
    second = visitor.sends(letter(form_token=opened, **changes))["Location"]
    assert first != second
    assert Enquiry.objects.count() == 2
    assert Enquiry.objects.filter(**changes).exists()


def test_the_same_words_from_another_form_are_another_enquiry(visitor: Visitor) -> None:
    visitor.sends()
    visitor.sends()
    assert Enquiry.objects.count() == 2
    assert len(set(Enquiry.objects.values_list("reference", flat=True))) == 2


def test_the_thanks_page_can_be_loaded_again_and_stores_nothing(visitor: Visitor) -> None:
    thanks = visitor.sends()["Location"]
    pages = [page_text(visitor.client.get(thanks)) for _ in range(3)]
    assert pages[0] == pages[1] == pages[2]
    assert Enquiry.objects.count() == 1


def test_going_back_and_sending_again_gives_the_same_reference(visitor: Visitor) -> None:
    form = visitor.opens().values
    filled = {**letter(), "form_token": form["form_token"]}
    first = visitor.sends(filled)["Location"]
    assert visitor.sends(filled)["Location"] == first


def test_a_repeat_from_another_network_is_a_repeat(contact_page: object) -> None:
    words = letter(form_token=token())
    home, phone = Visitor("198.51.100.7"), Visitor("203.0.113.9")
    assert home.sends(words)["Location"] == phone.sends(words)["Location"]


def test_a_removed_enquirys_thanks_page_is_gone(visitor: Visitor) -> None:
    thanks = visitor.sends()["Location"]
    Enquiry.objects.all().delete()
    assert visitor.client.get(thanks).status_code == 404


def test_the_address_of_the_form_stays_when_a_mistake_comes_back(visitor: Visitor) -> None:
    answer = visitor.sends(letter(name=""))
    assert "Location" not in answer
    assert ShownForm.of(answer).soup.find("form", attrs={"action": True}) is None
    assert ADDRESS == "/ota-yhteytta/"
