"""The mapping of an enquiry: shown with its questions to those with permission, and only after it was sent."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from aijuu_site.accounts.models import User
from intake.choices import Kind
from intake.enquiry.removal import remove_due, remove_enquiry
from intake.mapping.models import InitialMapping, MappingLink
from intake.mapping.page import MappingPage
from intake.models import Enquiry, EnquiryStep
from tests.intake.desk.mappings import ANSWERS, begun_alone, sent_after, sent_alone, under_way, with_mapping
from tests.intake.desk.pages import LIST, address, rows, words
from tests.intake.desk.test_deleting import rows_with
from tests.intake.desk.test_desk import counts
from tests.intake.enquiries import received


def question(response: Any, label: str) -> str:
    """Return the text shown under one question."""
    page = response.content.decode()
    part = page.split(f"<h4>{label}</h4>", 1)[1]
    part = re.split(r'<div class="mapping__question|</section>', part)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part)).strip()


def test_mapping_shows_questions_as_they_were_asked(kati: Client, db: None) -> None:
    enquiry = with_mapping(supervision_form="group", delivery_modes=("online",))
    page = kati.get(address("inspect", enquiry))
    assert question(page, "Ryhmän koko") == "14"
    assert "Haluamme tilaa ajatella. Ja rauhaa." in question(page, "Mihin toivot muutosta?")
    assert question(page, "Mitkä teemat?") == "Rajat, roolit Jaksaminen"
    assert question(page, "Missä olette nyt?").startswith("0 asteikolla 0–10")
    text = words(page)
    assert text.count("Miten kysymykset kysyttiin") == 1
    asking = text.split("Miten kysymykset kysyttiin")[1]
    assert "Ryhmän koko Arvio riittää. Vastaa tähän" in asking
    assert "Vastaus oli pakollinen. Numero, 2–30." in asking
    assert "Mitkä teemat?" in asking
    assert "Vaihtoehdot: Rajat, roolit Yhteistyö Jaksaminen" in asking
    assert "0 on ”Kaikki takkuaa” ja 10 on ”Työ sujuu”" in asking
    assert "Ensin lyhyesti siitä, missä mennään." in text
    assert "Hyvä tietää ." in text
    assert "7/7 vastattu." in text


def test_unanswered_and_not_asked_are_distinguished(kati: Client, db: None) -> None:
    enquiry = with_mapping(answers={"size": 4, "change": "Tilaa"}, delivery_modes=("online",))
    page = kati.get(address("inspect", enquiry))
    assert question(page, "Mitkä teemat?").startswith("Ei vastausta")
    assert question(page, "Paikkakunta").startswith("Ei kysytty")
    assert "2/7 vastattu." in words(page)


def test_mapping_shows_question_publication_date(kati: Client, db: None) -> None:
    enquiry = with_mapping()
    text = words(kati.get(address("inspect", enquiry)))
    assert "Kysymykset sellaisina kuin ne julkaistiin 5.10.2026." in text
    assert enquiry.mapping.question_set["version"] not in text


def test_sent_mapping_is_independent_of_the_page(kati: Client, loaded_site: None) -> None:
    enquiry = with_mapping()
    before = words(kati.get(address("inspect", enquiry))).split("Tapaamiseen valmistautuminen")[0]
    MappingPage.objects.get().delete()
    after = words(kati.get(address("inspect", enquiry))).split("Tapaamiseen valmistautuminen")[0]
    assert "Mitkä teemat?" in after
    assert after[after.index("Alkukartoitus Saapunut") :] == before[before.index("Alkukartoitus Saapunut") :]


def test_unusual_answers_are_highlighted(kati: Client, db: None) -> None:
    far = {**ANSWERS, "place": "Tampere"}
    enquiry = with_mapping(answers=far, delivery_modes=("client_premises",))
    box = words(kati.get(address("inspect", enquiry))).split("Poikkeaa tavallisesta")[1][:400]
    for sentence in ("Ryhmän koko 14", "Kasvokkain Satakunnan ulkopuolella: Tampere", "Tuntee Katin", "Tammikuussa"):
        assert sentence in box
    usual = with_mapping(answers={"size": 4, "change": "Tilaa"}, delivery_modes=("online",))
    assert "Poikkeaa tavallisesta" not in words(kati.get(address("inspect", usual)))


def test_mapping_without_message_shows_no_empty_message(kati: Client, db: None) -> None:
    enquiry = sent_alone(name="Yksin Tullut").enquiry
    assert enquiry is not None
    assert enquiry.kind == Kind.MAPPING
    page = kati.get(address("inspect", enquiry))
    assert "enquiry-letter__words" not in page.content.decode()
    text = words(page)
    assert "Tuli alkukartoituksena ilman viestiä." in text
    assert "Yksin Tullut" in text
    assert "Haluamme tilaa ajatella." in text


def test_unsent_mapping_shows_progress_only(kati: Client, enquiry: Enquiry) -> None:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    under_way(enquiry, answers={"change": "Tämä on vielä luonnos", "start": "Keväällä"}, now=now)
    with time_machine.travel(now, tick=False):
        kati.force_login(User.objects.get(email="kati@example.fi"))
        page = words(kati.get(address("inspect", enquiry)))
    assert "2/7 vastattu" in page
    assert "22.12.2026" in page
    assert "luonnos" not in page
    assert "Keväällä" not in page
    assert "Tapaamiseen valmistautuminen" not in page
    assert "luonnos" not in words(kati.get(LIST))


def test_unused_or_expired_mapping_link_is_shown(kati: Client, enquiry: Enquiry, loaded_site: None) -> None:
    under_way(enquiry)
    InitialMapping.objects.update(started_at=None, answers={}, question_set={})
    page = words(kati.get(address("inspect", enquiry)))
    assert "vastauksia ei vielä ole" in page
    InitialMapping.objects.update(started_at=timezone.now(), expires_at=timezone.now() - timedelta(minutes=1))
    page = words(kati.get(address("inspect", enquiry)))
    assert "Kartoitusta ei lähetetty ajoissa" in page
    assert "Lähetä linkki" not in page


def test_list_shows_kind_with_mapping_state(kati: Client, db: None) -> None:
    received(name="Viestijä")
    with_mapping(name="Molemmat")
    under_way(received(name="Kesken"))
    sent_alone(name="Kartoitus")
    begun_alone(name="Lähettämätön")
    assert {row["Nimi"]: row["Tyyppi"] for row in rows(kati.get(LIST))} == {
        "Viestijä": "Viesti",
        "Molemmat": "Viesti ja alkukartoitus",
        "Kesken": "Viesti, alkukartoitus kesken",
        "Kartoitus": "Alkukartoitus",
    }


def test_unsent_mapping_does_not_count_as_enquiry(kati: Client, enquiry: Enquiry) -> None:
    before = counts(kati)
    begun_alone()
    under_way(enquiry)
    assert counts(kati) == before
    sent_alone()
    new = {text: number for text, (number, _url) in counts(kati).items() if "uu" in text}
    assert list(new.values()) == [2]


def test_mapping_arrival_is_in_the_history(kati: Client, enquiry: Enquiry) -> None:
    now = timezone.now()
    kati.post(address("status", enquiry), {"version": 1, "status": "in_review"})
    sent_after(enquiry, now=now + timedelta(hours=2))
    history = words(kati.get(address("inspect", enquiry))).split("Vaiheet")[1]
    assert history.index("Käsittelyssä") < history.index("Alkukartoitus saapunut")


def test_preparation_history_has_no_text_of_notes(kati: Client, enquiry: Enquiry) -> None:
    mapping = sent_after(enquiry)
    enquiry.refresh_from_db()
    posts = [
        (enquiry.version, "Kysy\r\nrajoista\x0b"),
        (enquiry.version + 1, "Kysy\nrajoista"),
        (enquiry.version + 1, " "),
    ]
    for version, notes in posts:
        response = kati.post(address("preparation", enquiry), {"version": version, "preparation_notes": notes})
        assert response.status_code == 302
        mapping.refresh_from_db()
        assert mapping.preparation_notes == ("Kysy\nrajoista" if notes.strip() else "")
    steps = list(EnquiryStep.objects.filter(enquiry=enquiry))
    assert [step.kind for step in steps] == ["preparation_saved", "preparation_emptied"]
    assert {step.changed_by.email for step in steps if step.changed_by} == {"kati@example.fi"}
    assert "Kysy" not in str(list(EnquiryStep.objects.values()))
    assert "Tapaamisen muistiinpanot muutettiin – Kati Levola" in words(kati.get(address("inspect", enquiry)))


def test_stale_tab_notes_return_without_overwriting(kati: Client, enquiry: Enquiry) -> None:
    mapping = sent_after(enquiry)
    enquiry.refresh_from_db()
    first = {"version": enquiry.version, "preparation_notes": "Ensimmäinen"}
    assert kati.post(address("preparation", enquiry), first).status_code == 302
    second = kati.post(address("preparation", enquiry), {**first, "preparation_notes": "Toinen, kirjoitettu vaivalla"})
    assert second.status_code == 409
    assert "Toinen, kirjoitettu vaivalla" in words(second)
    assert second.context["preparation_form"]["version"].value() == enquiry.version + 1
    mapping.refresh_from_db()
    assert mapping.preparation_notes == "Ensimmäinen"


def test_preparation_notes_survive_a_post_without_them(kati: Client, enquiry: Enquiry) -> None:
    mapping = sent_after(enquiry)
    InitialMapping.objects.update(preparation_notes="Kysy rajoista")
    enquiry.refresh_from_db()
    assert kati.post(address("preparation", enquiry), {"version": enquiry.version}).status_code == 302
    mapping.refresh_from_db()
    assert mapping.preparation_notes == "Kysy rajoista"
    refused = kati.post(address("preparation", enquiry), {})
    assert refused.status_code == 422
    assert refused.context["preparation_form"]["preparation_notes"].value() == "Kysy rajoista"


def test_too_long_notes_are_returned_with_error(kati: Client, enquiry: Enquiry) -> None:
    sent_after(enquiry)
    long = "Ä" * 5001
    response = kati.post(address("preparation", enquiry), {"version": 1, "preparation_notes": long})
    assert response.status_code == 422
    assert long in words(response)


def test_notes_need_a_sent_mapping(kati: Client, enquiry: Enquiry) -> None:
    posted = {"version": 1, "preparation_notes": "Liian aikaisin"}
    assert kati.post(address("preparation", enquiry), posted).status_code == 404
    mapping = under_way(enquiry)
    assert kati.post(address("preparation", enquiry), posted).status_code == 404
    assert kati.get(address("preparation", enquiry)).status_code == 302
    mapping.refresh_from_db()
    assert mapping.preparation_notes == ""


def test_read_only_user_cannot_save_notes(reader: Client, enquiry: Enquiry) -> None:
    mapping = sent_after(enquiry)
    InitialMapping.objects.update(preparation_notes="Kysy rajoista")
    page = reader.get(address("inspect", enquiry))
    assert "Kysy rajoista" in words(page)
    assert "id_preparation_notes" not in page.content.decode()
    enquiry.refresh_from_db()
    posted = {"version": enquiry.version, "preparation_notes": "Minun"}
    assert reader.post(address("preparation", enquiry), posted).status_code == 403
    mapping.refresh_from_db()
    assert mapping.preparation_notes == "Kysy rajoista"


@pytest.mark.parametrize("by_the_clock", [False, True])
def test_removing_enquiry_removes_its_sent_mapping(kati: Client, enquiry: Enquiry, by_the_clock: bool) -> None:
    sent_after(enquiry, answers={**ANSWERS, "change": "Ainutlaatuinen toive"})
    InitialMapping.objects.update(preparation_notes="Ainutlaatuinen ajatus")
    assert MappingLink.objects.exists()
    assert rows_with("ainutlaatuinen") == {"intake_initialmapping"}
    if by_the_clock:
        Enquiry.objects.update(
            status="closed", outcome="agreement", closed_at=datetime(2020, 1, 1, tzinfo=UTC), remove_on=date(2020, 7, 1)
        )
        assert remove_due(now=timezone.now()) == 1
    else:
        remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
    assert rows_with("ainutlaatuinen") == set()
    assert not InitialMapping.objects.exists()
    assert not MappingLink.objects.exists()


def test_removing_enquiry_removes_its_unsent_mapping(kati: Client, enquiry: Enquiry) -> None:
    under_way(enquiry)
    assert kati.post(address("delete", enquiry), {"version": enquiry.version}).status_code == 302
    assert not InitialMapping.objects.exists()


def test_mapping_repr_contains_no_typed_text(db: None) -> None:
    mapping = sent_alone(name="Pirkko Salaisuus", answers={**ANSWERS, "change": "Salainen toive"})
    for thing in (mapping, *mapping.links.all(), mapping.enquiry):
        for text in (str(thing), repr(thing)):
            assert "Sala" not in text
            assert "Pirkko" not in text


def test_mapping_text_is_html_escaped(kati: Client, db: None) -> None:
    evil = "<script>alert(1)</script><b onclick=x>&amp;"
    enquiry = with_mapping(answers={**ANSWERS, "change": evil, "start": evil})
    InitialMapping.objects.update(preparation_notes=evil)
    for path in (address("inspect", enquiry), address("yhteenveto", enquiry), address("yhteenveto", enquiry, "kopio")):
        page = kati.get(path).content.decode()
        assert "<script>alert(1)" not in page, path
        assert "<b onclick" not in page, path
        assert "&lt;script&gt;alert(1)" in page, path


def test_mapping_page_ids_are_unique(kati: Client, db: None) -> None:
    page = kati.get(address("inspect", with_mapping())).content.decode()
    ids = re.findall(r'<[a-z][^>]*?\sid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize(
    "change",
    [
        {"placeholder": "myöhemmän version kenttä"},
        {"type": "signature"},
        {"type": None},
        {"choices": None},
        {"condition": {"source": 7}},
        {"limit": "paljon", "need": "kyllä"},
    ],
)
def test_mapping_of_another_release_is_shown(kati: Client, change: dict[str, Any]) -> None:
    enquiry = with_mapping(supervision_form="group", delivery_modes=("online",))
    mapping = InitialMapping.objects.get()
    mapping.question_set["steps"][0]["questions"][0] |= change
    mapping.question_set["colour"] = "blue"
    mapping.save()
    other = received(name="Toinen Lähettäjä")
    page = kati.get(address("inspect", enquiry))
    assert page.status_code == 200
    label = mapping.question_set["steps"][0]["questions"][0]["label"]
    assert label in words(page)
    for file_format in ("csv", "xlsx"):
        assert kati.get(f"{LIST}?export={file_format}").status_code == 200
    csv = kati.get(f"{LIST}?export=csv").getvalue().decode("utf-8-sig")
    assert other.name in csv
    assert label in csv


def test_mapping_with_invalid_question_set_is_shown(kati: Client) -> None:
    enquiry = with_mapping()
    kinds_of_lost: list[object] = [{"steps": 7, "published_on": "x"}, [], {"version": 7}]
    for lost in kinds_of_lost:
        InitialMapping.objects.update(question_set=lost)
        assert kati.get(address("inspect", enquiry)).status_code == 200
        assert kati.get(f"{LIST}?export=csv").status_code == 200
