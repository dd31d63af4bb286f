"""Questions or their page are changed or removed: begun mappings go on, sent ones keep the questions as asked."""

from typing import Any

import pytest

from intake.mapping.presentation import all_groups
from intake.models import Enquiry, InitialMapping, MappingPage
from tests.intake.mapping.answering import ANSWERS, BEGIN, START, Answerer
from tests.intake.mapping.asking import EVERY_TYPE, as_set, row, step, stream
from tests.intake.mapping.test_sending import STORED
from tests.intake.visiting import page_text


def change(page: MappingPage) -> None:
    page.questions = stream([step("Aivan muuta"), row("short_text", "uusi", label="Uusi kysymys?", need="required")])
    page.save_revision().publish()


def rename(page: MappingPage) -> None:
    page.title, page.slug = "Kartoitus", "kartoitus"
    page.save_revision().publish()


def unpublish(page: MappingPage) -> None:
    page.unpublish()


def delete(page: MappingPage) -> None:
    page.delete()


WAYS = [change, rename, unpublish, delete]


@pytest.mark.parametrize("way", WAYS)
def test_started_mapping_keeps_its_original_questions(begun: Answerer, mapping_page: MappingPage, way: Any) -> None:
    begun.sends_step(1, ANSWERS[0])
    way(mapping_page)
    assert "Mihin toivot muutosta?" in page_text(begun.opens("vaihe/2"))
    begun.answers_all()
    assert begun.sends().status_code == 303
    mapping = Enquiry.objects.get().mapping
    assert mapping.answers == STORED
    assert mapping.questions.steps == as_set(EVERY_TYPE).steps
    assert begun.opens("perilla").status_code == 200


@pytest.mark.parametrize("way", [unpublish, delete])
def test_missing_mapping_page_prevents_starting(answerer: Answerer, mapping_page: MappingPage, way: Any) -> None:
    way(mapping_page)
    assert answerer.client.get(START).status_code == 404
    assert answerer.client.get(BEGIN).status_code == 404
    assert answerer.posts(BEGIN, {}).status_code == 404
    assert not InitialMapping.objects.exists()


def test_new_mapping_gets_changed_questions(answerer: Answerer, mapping_page: MappingPage) -> None:
    change(mapping_page)
    answerer.begins()
    assert "Uusi kysymys?" in page_text(answerer.opens("vaihe/1"))


def test_draft_questions_are_not_asked(answerer: Answerer, mapping_page: MappingPage) -> None:
    mapping_page.questions = stream([step("Luonnos"), row("short_text", "uusi", label="Vielä luonnos?")])
    mapping_page.save_revision()
    answerer.begins()
    assert "Kuka olet?" in page_text(answerer.opens("vaihe/1"))


@pytest.mark.parametrize("way", WAYS)
def test_sent_mapping_keeps_questions_as_asked(answerer: Answerer, mapping_page: MappingPage, way: Any) -> None:
    answerer.sends_all()
    mapping = Enquiry.objects.get().mapping
    stored, read = mapping.question_set, all_groups(mapping, mapping.questions)
    version = as_set(EVERY_TYPE).version
    way(mapping_page)

    mapping = InitialMapping.objects.get()
    assert mapping.question_set == stored
    assert mapping.questions.version == mapping.question_set["version"] == version
    groups = all_groups(mapping, mapping.questions)
    assert groups == read
    assert [group["title"] for group in groups] == ["Tilanteesi", "Toiveesi", "Käytännön asiat"]
    assert [(answer["label"], answer["value"]) for group in groups for answer in group["answers"]] == [
        ("Kuka olet?", "Edustan ryhmää"),
        ("Ryhmän koko", "12"),
        ("Mihin toivot muutosta?", "Lisää tilaa ajatella."),
        ("Teemat", "Jaksaminen, Muu teema"),
        ("Mikä muu?", "Työnjako"),
        ("Missä olet nyt?", "0 asteikolla 0–10"),
        ("Tunnetko Katin?", "Kyllä"),
        ("Mistä tunnet?", "Kurssilta."),
        ("Milloin alku?", "1.2.2027"),
        ("Mikä aika sopii?", "1.3.2027–30.4.2027"),
        ("Maksaja", "Minä itse"),
    ]
    who = next(mapping.questions.questions())
    assert (who.help, who.required_message) == ("Yksi riittää.", "Valitse, kuka olet.")
    assert [choice.label for choice in who.choices] == ["Haen itselleni", "Edustan ryhmää", "Muu"]


def test_question_publication_date_is_stored(answerer: Answerer, mapping_page: MappingPage) -> None:
    mapping_page.save_revision().publish()
    mapping_page.refresh_from_db()
    answerer.begins()
    assert InitialMapping.objects.get().questions.published_on == mapping_page.question_set().published_on != ""


def test_question_keys_survive_saving_the_page(mapping_page: MappingPage) -> None:
    before = MappingPage.objects.get().question_set()
    MappingPage.objects.get().save_revision().publish()
    after = MappingPage.objects.get().question_set()
    assert after.steps == before.steps == as_set(EVERY_TYPE).steps
