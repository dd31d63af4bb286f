"""Spam rules: a suspicious message is stored with its reasons, and no ordinary message is suspected."""

from datetime import timedelta

import pytest
from django.utils import translation

from intake.choices import Reason
from intake.models import Enquiry, OutgoingMail
from intake.submission import ContactFacts, SpamSigns, reasons_to_suspect
from tests.intake.visiting import Letter, Visitor, letter, page_text, token

LONG_LETTER = (
    "Hei Kati! Olen varhaiskasvatuksen opettaja ja työskentelen kolmen muun kanssa ryhmässä, jossa kevät on ollut "
    "raskas. Löysin sivusi hakukoneella. Ryhmämme kerrotaan täällä: https://www.esimerkki.com/perhekeskus/ryhmat. "
    "Toivomme noin kymmentä tapaamista verkossa tai teillä Porissa. Vastaathan osoitteeseen aino@esimerkki.com tai "
    "paivakoti@esimerkki.com.\n\nTerveisin Aino"
)
HONEST: list[Letter] = [
    {"name": "Åke", "message": "Hej! Kan ni ringa?"},
    {"name": "Bo", "message": "moi"},
    {"name": "Наталья Иванова", "message": "Hei, haluaisin kysyä ryhmätyönohjauksesta. Спасибо!"},
    {"name": "Sergei Šadrin", "message": "Kysyisin ajasta."},
    {"message": LONG_LETTER},
    {"message": "Kaksi linkkiä: https://www.pori.fi/a ja https://www.satakunta.com/b."},
    {"message": "Здравствуйте"},
    {"message": "Hintatarjous? 3 < 5 & hinta = 100 €. Seon täti, seos, Casimir."},
    {"message": "x"},
    {"organisation": "Esimerkki.fi Oy"},
    {"organisation": "www.esimerkki.fi"},
]
SUSPICIOUS: list[tuple[Reason, Letter]] = [
    (Reason.HIDDEN_FIELD, {"extra_line": "https://evil.example"}),
    (Reason.TOO_FAST, {"form_token": "just now"}),
    (Reason.LINK_IN_NAME, {"name": "Win www.evil.example"}),
    (Reason.LINK_IN_NAME, {"organisation": "https://evil.example"}),
    (Reason.MANY_LINKS, {"message": "a.com/x b.net www.c.fi"}),
    (Reason.MANY_LINKS, {"message": "https://a.fi,https://b.fi,https://c.fi"}),
    (Reason.MARKUP, {"message": "<a href=https://x.example>x</a>"}),
    (Reason.MARKUP, {"message": "[url=x]x[/url]"}),
    (Reason.FOREIGN_SCRIPT, {"message": "Предлагаем продвижение вашего сайта недорого"}),
    (Reason.SALES_PHRASES, {"message": "Dear website owner, we do SEO."}),
]


@pytest.mark.parametrize("changes", HONEST)
def test_ordinary_message_is_not_suspected(visitor: Visitor, changes: Letter) -> None:
    assert visitor.sends(letter(**changes)).status_code == 303
    enquiry = Enquiry.objects.get()
    assert enquiry.verdict_reasons == []
    assert enquiry.verdict == "accepted"
    assert set(enquiry.mails.values_list("purpose", flat=True)) == {"notification", "confirmation"}


@pytest.mark.parametrize(("reason", "changes"), SUSPICIOUS)
def test_suspicious_message_is_stored_without_confirmation(visitor: Visitor, reason: Reason, changes: Letter) -> None:
    if "form_token" in changes:
        changes = {"form_token": token(opened=timedelta(0))}
    assert visitor.sends(letter(**changes)).status_code == 303

    enquiry = Enquiry.objects.get()
    assert enquiry.verdict == "quarantined"
    assert reason in enquiry.verdict_reasons
    assert str(reason.label) in enquiry.reason_labels
    mail = OutgoingMail.objects.get()
    assert mail.recipient == "kati.levola@aijuu.fi"
    assert "Roskapostisuodatin epäili viestiä" in mail.text
    assert "Roskapostisuodatin epäili viestiä" in mail.html


def test_suspicious_enquiry_thanks_page_matches_ordinary_one(visitor: Visitor) -> None:
    """Only the promise of a confirmation differs, which is also absent after an earlier one on the same day."""
    answers = [visitor.sends(), visitor.sends(letter(extra_line="x", message="Toinen viesti"))]
    pages = []
    for answer, enquiry in zip(answers, Enquiry.objects.order_by("pk"), strict=True):
        assert answer.status_code == 303
        pages.append(page_text(visitor.client.get(answer["Location"])).replace(enquiry.reference, "…"))
    promised = "Ellei vahvistusta näy sähköpostissasi, tarkista roskapostikansio."
    not_promised = "Tästä ei lähde vahvistusta sähköpostiisi, joten kirjoita viitenumero muistiin."
    assert pages[0].split("Palaa etusivulle")[1] == pages[1].split("Palaa etusivulle")[1]
    assert promised in pages[0]
    assert not_promised in pages[1]
    third = visitor.sends(letter(message="Kolmas viesti"))
    ordinary = page_text(visitor.client.get(third["Location"]))
    assert ordinary.replace(Enquiry.objects.latest("pk").reference, "…").replace(not_promised, "") == pages[1].replace(
        not_promised, ""
    )


def test_all_reasons_are_stored(visitor: Visitor) -> None:
    visitor.sends(letter(extra_line="x", message="[url]", form_token=token(opened=timedelta(0))))
    assert set(Enquiry.objects.get().verdict_reasons) == {Reason.HIDDEN_FIELD, Reason.MARKUP, Reason.TOO_FAST}


def test_quarantined_enquiry_does_not_use_daily_confirmation(visitor: Visitor) -> None:
    visitor.sends(letter(extra_line="x"))
    visitor.sends()
    assert OutgoingMail.objects.filter(purpose="confirmation").count() == 1


# A negative time means that a clock was wrong. Some seconds are the usual difference between two machines.
@pytest.mark.parametrize(
    ("seconds", "is_held"),
    [(-86400, False), (-60.1, False), (-60, True), (-5.0, True), (0.0, True), (1.9, True), (2.0, False), (1e6, False)],
)
def test_only_very_fast_forms_are_too_fast(seconds: float, is_held: bool) -> None:
    facts = ContactFacts(
        name="Maija",
        email="maija@esimerkki.fi",
        supervision_form="group",
        delivery_modes=("online",),
        preferred_contact="email",
    )
    assert reasons_to_suspect(facts, SpamSigns(seconds_open=seconds)) == ([Reason.TOO_FAST] if is_held else [])


def test_every_reason_has_finnish_label() -> None:
    finnish = {str(reason.label) for reason in Reason}
    with translation.override("en"):
        english = {str(reason.label) for reason in Reason}
    assert len(finnish) == len(Reason)
    assert not finnish & english
