"""The default question set of a new installation."""

import pytest
from django.core.management import call_command

from intake.mapping.question_stream import QuestionStreamBlock
from intake.models import Enquiry, MappingPage
from tests.intake.mapping.answering import Answerer

pytestmark = pytest.mark.usefixtures("loaded_site")


def test_default_question_set_passes_editor_validation() -> None:
    page = MappingPage.objects.get()
    assert page.live
    QuestionStreamBlock().clean(page.questions)


def test_question_keys_are_stable_and_unique() -> None:
    assert MappingPage.objects.get().question_set() == MappingPage.objects.get().question_set()
    keys = [question.key for question in MappingPage.objects.get().question_set().questions()]
    assert len(set(keys)) == len(keys)
    assert all(keys)


def test_reload_keeps_edited_mapping_page() -> None:
    page = MappingPage.objects.get()
    page.intro = "<p>Katin sanat.</p>"
    page.save_revision().publish()
    before = MappingPage.objects.get()
    call_command("load_content", verbosity=0)
    after = MappingPage.objects.get()
    assert after.intro == "<p>Katin sanat.</p>"
    assert after.question_set() == before.question_set()
    assert after.latest_revision_id == before.latest_revision_id


def test_default_mapping_can_be_answered_and_sent() -> None:
    answerer = Answerer()
    answerer.begins()
    for number in (1, 2, 3):
        page = answerer.reads(f"vaihe/{number}")
        words = {"version": page.values["version"]}
        for control in page.soup.select("form[data-enquiry-form] [name^=q_]"):
            words.setdefault(str(control["name"]), str(control.get("value", "")) or "5")
        assert answerer.sends_step(number, words).status_code == 303
    assert answerer.sends().status_code == 303
    enquiry = Enquiry.objects.get()
    assert enquiry.group_size == 5
    assert enquiry.payer == "Työnantaja"
    assert enquiry.mapping.progress.answered == enquiry.mapping.progress.asked
