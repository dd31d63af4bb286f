"""Where a visitor is in the mapping: which steps there are for them, what comes next, and what came before."""

from dataclasses import dataclass

from django.urls import reverse

from intake.choices import Kind
from intake.mapping.answers import is_answered, missing, steps_to_show
from intake.mapping.questions import QuestionSet
from intake.models.mapping import InitialMapping


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The way through one mapping, at a private address.

    `by_mail`: the secret came by mail. `asks_facts`: the contact facts are its first step (a mapping begun after a
    message has them already).
    """

    secret: str
    by_mail: bool
    mapping: InitialMapping
    question_set: QuestionSet

    @property
    def asks_facts(self) -> bool:
        return self.mapping.message is None or self.mapping.message.kind == Kind.MAPPING

    @property
    def shown(self) -> list[int]:
        """The indexes of the question steps that have something for this visitor."""
        return steps_to_show(self.question_set, self.mapping.condition_facts, self.mapping.answers)

    @property
    def steps(self) -> int:
        """How many pages there are, the contact facts included."""
        return len(self.shown) + self.asks_facts

    def place(self, index: int) -> int:
        """Return the number of the page of a question step, from 1."""
        return self.shown.index(index) + 1 + self.asks_facts

    def facts_url(self) -> str:
        return reverse("mapping_facts", args=[self.secret])

    def step_url(self, index: int) -> str:
        return reverse("mapping_step", args=[self.secret, index + 1])

    def check_url(self) -> str:
        return reverse("mapping_check", args=[self.secret])

    def done_url(self) -> str:
        return reverse("mapping_done", args=[self.secret])

    def after(self, index: int) -> str:
        """Return the address that follows a question step (-1: the contact facts)."""
        following = [other for other in self.shown if other > index]
        return self.step_url(following[0]) if following else self.check_url()

    def before(self, index: int) -> str:
        """Return the address that precedes a question step; "" for the first page."""
        earlier = [other for other in self.shown if other < index]
        if earlier:
            return self.step_url(earlier[-1])
        return self.facts_url() if self.asks_facts else ""

    def resume_url(self) -> str:
        """Return where to go on: the first step without an answer that is asked for, or without any answer."""
        if self.mapping.is_sent:
            return self.done_url()
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
