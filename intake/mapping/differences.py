"""What differs from a typical case, for a glance before the first meeting."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from intake.choices import Area, DeliveryMode, SupervisionForm
from intake.mapping.answers import Answers, answer_words, counted_answers, is_answered
from intake.mapping.questions import YES, QuestionSet, QuestionType, Role
from intake.mapping.satakunta import area_of

# The supervisor's own words: "ihannekoko on 3–6 henkilöä".
IDEAL_GROUP = range(3, 7)


@dataclass(frozen=True, kw_only=True)
class TypedFacts:
    """What the list and the export know of a mapping; empty where it was not asked or not answered."""

    group_size: int | None = None
    place: str = ""
    area: str = ""
    payer: str = ""


def typed_facts(question_set: QuestionSet, facts: Answers, answers: Answers) -> TypedFacts:
    """Return the answers that the supervisor has given a role in the list."""
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
    """Return a sentence for each: the group's size, the distance, an acquaintance, and the wish for a start."""
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
    """Return whether somebody wishes to be met at their workplace outside Satakunta: told as a hint, never refused."""
    return DeliveryMode.CLIENT_PREMISES in (facts.get("delivery_modes") or ()) and area_of(place) == Area.ELSEWHERE


def _by_role(question_set: QuestionSet, facts: Answers, answers: Answers) -> dict[str, tuple[object, str]]:
    counted = counted_answers(question_set, facts, answers)
    return {
        question.role: (counted[question.key], answer_words(question, counted[question.key]))
        for question in question_set.questions()
        if question.role and is_answered(counted.get(question.key)) and question.type != QuestionType.INFORMATION
    }
