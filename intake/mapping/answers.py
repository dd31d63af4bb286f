"""Rules for answers: which questions apply, which answers count, their text, and differences from a typical case."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext as _

from home.dates import finnish_day
from intake.choices import Area, DeliveryMode, SupervisionForm
from intake.mapping.questions import YES, Condition, Ending, Question, QuestionSet, QuestionType, Role, Step

# key -> value: text, choice key, list of choice keys, number, or {"from": ISO date, "to": ISO date}.
Answers = Mapping[str, Any]

# The municipalities of Satakunta in 2026, and those merged into them since 2000, which people still mention.
_MUNICIPALITIES = frozenset(
    {
        "eura", "eurajoki", "harjavalta", "huittinen", "jämijärvi", "kankaanpää", "karvia", "kokemäki", "merikarvia",
        "nakkila", "pomarkku", "pori", "rauma", "siikainen", "säkylä", "ulvila",
        "honkajoki", "kiukainen", "kodisjoki", "kullaa", "köyliö", "lavia", "luvia", "noormarkku", "vampula",
    }
)  # fmt: skip
# "Satakunta", "Satakunnassa", "satakuntalainen".
_REGION = "satakun"
_ENDINGS = frozenset(
    {"ssa", "ssä", "sta", "stä", "lla", "llä", "lta", "ltä", "n", "an", "on", "en", "in", "ista", "issa"}
)
_STEMS = {
    "harjavalta": "harjavalla", "huittinen": "huittisi", "jämijärvi": "jämijärve", "kankaanpää": "kankaanpää",
    "kokemäki": "kokemäe", "nakkila": "nakkila", "pomarkku": "pomarku", "siikainen": "siikaisi",
    "eurajoki": "eurajoe", "honkajoki": "honkajoe", "kiukainen": "kiukaisi", "kodisjoki": "kodisjoe",
    "noormarkku": "noormarku",
}  # fmt: skip

# As the supervisor puts it: "ihannekoko on 3–6 henkilöä".
IDEAL_GROUP = range(3, 7)


def is_answered(value: Any) -> bool:
    """Return whether there is an answer; 0 is one."""
    if isinstance(value, dict):
        return any(value.values())
    return value not in (None, "", [], ())


def digests(answers: Answers, keys: Iterable[str]) -> dict[str, str]:
    """Return a digest of each answer to these questions. Equal answers have equal digests."""
    answered = {key: json.dumps(answers[key], sort_keys=True) for key in keys if is_answered(answers.get(key))}
    return {key: sha256(words.encode()).hexdigest()[:16] for key, words in answered.items()}


def condition_holds(condition: Condition | None, answers: Answers) -> bool:
    """Return whether a question with this condition is asked, given the facts and answers."""
    if condition is None:
        return True
    value = answers.get(condition.source)
    chosen = value if isinstance(value, list | tuple) else [value]
    return any(choice in condition.choices for choice in chosen)


def applicable(question_set: QuestionSet, facts: Answers, answers: Answers) -> Iterator[tuple[Step, Question]]:
    """Yield the applicable questions (not the information texts) in order.

    The answer to a question that does not apply is ignored, so questions that depend on it do not apply either.
    """
    so_far = dict(facts)
    for step in question_set.steps:
        for question in step.questions:
            if not question.is_asked or not condition_holds(question.condition, so_far):
                continue
            if is_answered(answers.get(question.key)):
                so_far[question.key] = answers[question.key]
            yield step, question


def counted_answers(question_set: QuestionSet, facts: Answers, answers: Answers) -> dict[str, Any]:
    """Return only the answers to applicable questions."""
    keys = [question.key for _step, question in applicable(question_set, facts, answers)]
    return {key: answers[key] for key in keys if is_answered(answers.get(key))}


@dataclass(frozen=True, kw_only=True)
class Progress:
    answered: int
    asked: int


def progress(question_set: QuestionSet, facts: Answers, answers: Answers) -> Progress:
    """Return how many of the applicable questions are answered."""
    asked = [question for _step, question in applicable(question_set, facts, answers)]
    return Progress(answered=sum(is_answered(answers.get(question.key)) for question in asked), asked=len(asked))


def missing(question_set: QuestionSet, facts: Answers, answers: Answers) -> list[tuple[Step, Question]]:
    """Return the applicable required questions without an answer."""
    return [one for one in _unanswered(question_set, facts, answers) if one[1].is_required]


def recommended(question_set: QuestionSet, facts: Answers, answers: Answers) -> list[tuple[Step, Question]]:
    """Return the applicable recommended questions without an answer."""
    return [one for one in _unanswered(question_set, facts, answers) if one[1].is_recommended]


def _unanswered(question_set: QuestionSet, facts: Answers, answers: Answers) -> list[tuple[Step, Question]]:
    asked = applicable(question_set, facts, answers)
    return [(step, question) for step, question in asked if not is_answered(answers.get(question.key))]


def endings_of(
    question_set: QuestionSet, facts: Answers, answers: Answers, *, published: QuestionSet | None = None
) -> list[Ending]:
    """Return the endings to which an answer leads, in order; [] if the mapping goes on.

    `published`: return only endings that this set has too and to which it leads by these answers, with its texts.
    """
    known = {**facts, **counted_answers(question_set, facts, answers)}
    found = [ending for ending in question_set.endings if condition_holds(ending.condition, known)]
    if published is None:
        return found
    keys = {ending.key for ending in found}
    return [one for one in published.endings if one.key in keys and condition_holds(one.condition, known)]


def steps_to_show(question_set: QuestionSet, facts: Answers, answers: Answers) -> list[int]:
    """Return the indexes of the steps to show to this visitor.

    A step is skipped if all of its questions depend on earlier answers that were not given.
    """
    known = {**facts, **counted_answers(question_set, facts, answers)}
    return [
        index
        for index, step in enumerate(question_set.steps)
        if any(question.is_asked for question in questions_to_show(step, known))
    ]


def questions_to_show(step: Step, known: Answers) -> list[Question]:
    """Return the questions on a step's page: those that apply, and those that an answer on the page can make apply."""
    own = {question.key for question in step.questions}
    elsewhere = {key: value for key, value in known.items() if key not in own}
    shown: list[Question] = []
    for question in step.questions:
        condition = question.condition
        decided_here = condition is not None and any(other.key == condition.source for other in shown)
        if decided_here or condition_holds(condition, elsewhere):
            shown.append(question)
    return shown


def answer_text(question: Question, value: Any) -> str:
    """Return an answer as text; "" if there is none. Line breaks of a long text are kept."""
    if not is_answered(value):
        return ""
    labels = {choice.key: choice.label for choice in question.choices}
    match question.type, value:
        case ((QuestionType.SINGLE_CHOICE | QuestionType.YES_NO), str()):
            return labels.get(value, "")
        case QuestionType.MULTIPLE_CHOICE, list():
            return ", ".join(labels[key] for key in value if isinstance(key, str) and key in labels)
        case QuestionType.SCALE, int():
            return _("%(value)d on a scale of 0–10") % {"value": value}
        case QuestionType.DATE, str():
            return finnish_date(value)
        case QuestionType.PERIOD, {"from": str(), "to": str()}:
            return _period_text(value)
        case _:
            return _unknown_answer_text(value, labels)


def _unknown_answer_text(value: Any, labels: Mapping[str, str]) -> str:
    """Return an answer of an unknown type as text."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return ", ".join(_unknown_answer_text(one, labels) for one in value if is_answered(one))
    return labels.get(value, value) if isinstance(value, str) else str(value)


def finnish_date(iso: str) -> str:
    """Return "2027-02-01" as "1.2.2027"; return anything else unchanged."""
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return iso
    return finnish_day(day)


def _period_text(value: dict[str, str]) -> str:
    start, end = (finnish_date(value[name]) if value.get(name) else "" for name in ("from", "to"))
    if start and end:
        return f"{start}–{end}"
    return _("from %(day)s") % {"day": start} if start else _("by %(day)s") % {"day": end}


def area_of(place: str) -> Area | None:
    """Return whether a typed place is in Satakunta; None for an empty one.

    Several places ("Pori ja Tampere") count as Satakunta if one of them is there, to avoid a wrong hint.
    """
    words = [word.strip(".,;:()").casefold() for word in place.replace("/", " ").replace("-", " ").split()]
    if not any(words):
        return None
    return Area.SATAKUNTA if any(_is_in_satakunta(word) for word in words) else Area.ELSEWHERE


def _is_in_satakunta(word: str) -> bool:
    """Whether a word is a place in Satakunta, in its base form or a local case ("Porissa", "Raumalla")."""
    return word.startswith(_REGION) or any(
        word == name or (word.startswith(stem) and word.removeprefix(stem) in _ENDINGS)
        for name in _MUNICIPALITIES
        for stem in _stems(name)
    )


def _stems(name: str) -> tuple[str, ...]:
    return (name, _STEMS[name]) if name in _STEMS else (name,)


@dataclass(frozen=True, kw_only=True)
class TypedFacts:
    """The facts of a mapping for the list and the export; empty if not asked or not answered."""

    group_size: int | None = None
    place: str = ""
    area: str = ""
    payer: str = ""


def typed_facts(question_set: QuestionSet, facts: Answers, answers: Answers) -> TypedFacts:
    """Return the answers to the questions that have a role."""
    by_role = _by_role(question_set, facts, answers)
    value, _words = by_role.get(Role.GROUP_SIZE, (None, ""))
    place = by_role.get(Role.PLACE, ("", ""))[1]
    area = area_of(place)
    return TypedFacts(
        group_size=value if isinstance(value, int) else None,
        place=place[:200],
        area=area.value if area else "",
        payer=by_role.get(Role.PAYER, ("", ""))[1][:200],
    )


def differences(question_set: QuestionSet, facts: Answers, answers: Answers) -> list[str]:
    """Return sentences on what is not typical: the group size, the distance, an acquaintance, a wish for the start."""
    by_role = _by_role(question_set, facts, answers)
    found = []
    size = by_role.get(Role.GROUP_SIZE, (None, ""))[0]
    if (
        isinstance(size, int)
        and size not in IDEAL_GROUP
        and facts.get("supervision_form") != SupervisionForm.INDIVIDUAL
    ):
        found.append(_("Size of the group %(size)d: the ideal is 3–6.") % {"size": size})
    place = by_role.get(Role.PLACE, ("", ""))[1]
    if is_far(facts, place):
        found.append(_("Face to face outside Satakunta: %(place)s.") % {"place": place})
    if by_role.get(Role.ACQUAINTANCE, ("", ""))[0] == YES:
        found.append(_("Knows Kati already: talk about it before an agreement."))
    start = by_role.get(Role.START, ("", ""))[1]
    if start:
        found.append(_("Wish for the start: %(start)s") % {"start": start})
    return found


def is_far(facts: Answers, place: str) -> bool:
    """Return whether a meeting outside Satakunta is wished for. Shown as a hint; never a reason to refuse."""
    return DeliveryMode.CLIENT_PREMISES in (facts.get("delivery_modes") or ()) and area_of(place) == Area.ELSEWHERE


def _by_role(question_set: QuestionSet, facts: Answers, answers: Answers) -> dict[str, tuple[object, str]]:
    counted = counted_answers(question_set, facts, answers)
    return {
        question.role: (counted[question.key], answer_text(question, counted[question.key]))
        for question in question_set.questions()
        if question.role and is_answered(counted.get(question.key)) and question.type != QuestionType.INFORMATION
    }
