"""The pages of one mapping at its private URL, in order."""

from dataclasses import dataclass

from django.urls import reverse

from intake.choices import Kind
from intake.mapping.answers import ending_of, is_answered, missing, steps_to_show
from intake.mapping.context import ended_url
from intake.mapping.models import InitialMapping
from intake.mapping.questions import Ending, QuestionSet

# The index of the contact facts, before those of the question steps.
FACTS = -1


@dataclass(frozen=True, kw_only=True)
class MappingPath:
    """The pages of one mapping for one visitor, in order, and their URLs.

    `by_mail`: the secret came by mail. `asks_facts`: the contact facts are the first step; a mapping that was started
    after a message already has them.
    """

    secret: str
    by_mail: bool
    mapping: InitialMapping
    question_set: QuestionSet

    @property
    def asks_facts(self) -> bool:
        return self.mapping.source_enquiry is None or self.mapping.source_enquiry.kind == Kind.MAPPING

    @property
    def shown(self) -> list[int]:
        """The indexes of the question steps to show."""
        return steps_to_show(self.question_set, self.mapping.condition_facts, self.mapping.answers)

    @property
    def steps(self) -> int:
        """The number of pages, including the contact facts."""
        return len(self.shown) + self.asks_facts

    def place(self, index: int) -> int:
        """Return the page number of a question step, starting at 1."""
        return self.shown.index(index) + 1 + self.asks_facts

    def facts_url(self) -> str:
        return reverse("mapping_facts", args=[self.secret])

    def step_url(self, index: int) -> str:
        return reverse("mapping_step", args=[self.secret, index + 1])

    def check_url(self) -> str:
        return reverse("mapping_check", args=[self.secret])

    def done_url(self) -> str:
        return reverse("mapping_done", args=[self.secret])

    def later_url(self) -> str:
        return reverse("mapping_later", args=[self.secret])

    def copy_url(self) -> str:
        return reverse("own_copy", args=[self.secret])

    def after(self, index: int) -> str:
        """Return the URL after a question step (-1: the contact facts)."""
        following = [other for other in self.shown if other > index]
        return self.step_url(following[0]) if following else self.check_url()

    def before(self, index: int) -> str:
        """Return the URL before a question step; "" for the first page."""
        earlier = [other for other in self.shown if other < index]
        if earlier:
            return self.step_url(earlier[-1])
        return self.facts_url() if self.asks_facts else ""

    @property
    def ending(self) -> Ending | None:
        """The ending to which a stored answer leads; it was stored on the way back or to go on later."""
        if self.mapping.is_sent:
            return None
        return ending_of(self.question_set, self.mapping.condition_facts, self.mapping.answers)

    @property
    def last(self) -> int:
        """The index of the last step that is asked: the one whose stored answer ends the mapping, if there is one.

        FACTS if a contact fact of the message ends it: then nothing is asked.
        """
        ending = self.ending
        keys = [{question.key for question in step.questions} for step in self.question_set.steps]
        if ending is None:
            return len(keys)
        return next((index for index, own in enumerate(keys) if ending.condition.source in own), FACTS)

    def resume_url(self) -> str:
        """Return the URL to continue at: the first step that lacks a required answer or has no answers.

        Where a stored answer ends the mapping, it is the step of that answer, which can still be changed.
        """
        if self.mapping.is_sent:
            return self.done_url()
        if self.ending:
            return ended_url(self.ending) if self.last == FACTS else self.step_url(self.last)
        asked_for = {
            step.key
            for step, _question in missing(self.question_set, self.mapping.condition_facts, self.mapping.answers)
        }
        for index in self.shown:
            step = self.question_set.steps[index]
            untouched = not any(is_answered(self.mapping.answers.get(question.key)) for question in step.questions)
            if step.key in asked_for or untouched:
                return self.step_url(index)
        return self.check_url()
