"""How a mapping is shown: to the visitor on its pages, and once it is sent, with the questions as they were asked."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from home.contact_details import ContactDetails
from home.pause.models import current_pause
from home.pause.wording import PauseStatus
from home.text_input import readable_address
from intake.choices import ContactPreference, DeliveryMode, SupervisionForm
from intake.enquiry.form_pages import FormNotices, FormPost, form_notices
from intake.enquiry.forms import ContactFactsForm, MappingFactsForm
from intake.enquiry.models import Enquiry
from intake.mapping.answers import (
    Answers,
    answer_text,
    applicable,
    condition_holds,
    differences,
    is_answered,
    is_far,
    progress,
)
from intake.mapping.mails import LinkMail
from intake.mapping.models import LIFETIME, InitialMapping
from intake.mapping.questions import Ending, Question, QuestionSet, QuestionType, Role, stored_version
from intake.mapping.services import AlreadySent, ChangedSinceChecked, Incomplete
from intake.mapping.step_fields import field_names
from intake.mapping.step_form import StepForm, required_message
from intake.submission import ContactFacts
from intake.typed_text import readable_phone

STEP_TEMPLATE = "intake/mapping/step_page.html"
CHECK_TEMPLATE = "intake/mapping/check_page.html"
ENDED_TEMPLATE = "intake/mapping/ended_page.html"
# Query parameter of ENDED_TEMPLATE with a value of Lost.
LOST = "poistui"
ANSWERS = FormPost(
    content="a mapping",
    not_stored=gettext_lazy("The answers could not be stored. Your words are still on the form – try again."),
    not_stored_call=gettext_lazy(
        "The answers could not be stored. Your words are still on the form – try again or call %(phone)s."
    ),
    refusals={
        # The post comes from an old tab or another device.
        AlreadySent: (
            409,
            gettext_lazy(
                "The mapping has been sent already, so this change was not stored. Write to Kati if something must be "
                "added."
            ),
        ),
        Incomplete: (422, ""),
        ChangedSinceChecked: (
            409,
            gettext_lazy(
                "Your answers were changed meanwhile, in another tab or on another device, so nothing was sent. Here "
                "they are as they are stored now: read them through and send again."
            ),
        ),
    },
)


class Lost(StrEnum):
    """What an early end has removed, for its page: nothing, the answers just sent, or all stored answers too."""

    NOTHING = ""
    SENT = "vastaus"
    ALL = "kaikki"


def ended_url(ending: Ending, *, lost: Lost) -> str:
    """Return the URL of the page of an early end."""
    url = reverse("mapping_ended", args=[ending.key])
    return f"{url}?{LOST}={lost}" if lost else url


def current_notices(request: HttpRequest) -> tuple[FormNotices, PauseStatus, ContactDetails]:
    """Return the current notices, pause and contact details."""
    details = ContactDetails.load(request)
    pause = current_pause(request)
    return form_notices(details=details, pause=pause), pause, details


@dataclass(frozen=True, kw_only=True)
class StepPage:
    """One step as shown on a page.

    `continue_url`: the URL for continuing on another device. `link_mail`: the state of the mail with the link.
    `last_day`: the last day for continuing once this step is stored; None before the mapping begins.
    `draft`: the key under which the script keeps unsent input in the tab (static/js/form.js); "" for none.
    """

    form: MappingFactsForm | StepForm
    title: str
    introduction: str
    step: int
    steps: int
    back: bool
    notice: str = ""
    continue_url: str = ""
    link_mail: LinkMail | None = None
    last_day: date | None = None
    draft: str = ""


def facts_page(
    form: MappingFactsForm,
    *,
    steps: int,
    notice: str = "",
    continue_url: str = "",
    link_mail: LinkMail | None = None,
    last_day: date | None = None,
    draft: str = "",
) -> StepPage:
    """Return the first step, in which the contact facts are asked."""
    return StepPage(
        form=form,
        title=_("Contact details"),
        introduction="",
        step=1,
        steps=steps,
        back=False,
        notice=notice,
        continue_url=continue_url,
        link_mail=link_mail,
        last_day=last_day,
        draft=draft,
    )


def step_context(request: HttpRequest, page: StepPage) -> dict[str, Any]:
    """Return the context of STEP_TEMPLATE."""
    notices, _pause, _details = current_notices(request)
    return {
        "form": page.form,
        "facts_form": page.form if isinstance(page.form, MappingFactsForm) else None,
        "questions_form": page.form if isinstance(page.form, StepForm) else None,
        "step_title": page.title,
        "step_introduction": page.introduction,
        "step": page.step,
        "steps": page.steps,
        "back": page.back,
        "notice": page.notice,
        "continue_url": request.build_absolute_uri(page.continue_url) if page.continue_url else "",
        "link_mail": page.link_mail,
        "last_day": page.last_day,
        "kept_days": LIFETIME.days,
        "draft": page.draft,
        **notices.as_context(),
    }


def answer_groups(
    question_set: QuestionSet,
    facts: dict[str, Any],
    answers: dict[str, Any],
    *,
    step_url: Any = None,
) -> list[dict[str, Any]]:
    """Return the answers for components/answer_list.html, one group for each step, in order.

    `step_url(index)` returns the URL for changing the answers of a step; without it there are no such links.
    """
    index_of = {step.key: index for index, step in enumerate(question_set.steps)}
    groups: dict[str, dict[str, Any]] = {}
    for step, question in applicable(question_set, facts, answers):
        group = groups.setdefault(step.key, {"title": step.title, "answers": []})
        url = step_url(index_of[step.key]) if step_url else ""
        answer = _answer(question, answers.get(question.key), url)
        if question.role == Role.PLACE and is_far(facts, answer["value"]):
            answer["hint"] = _("Outside Satakunta supervision works online.")
        group["answers"].append(answer)
    return list(groups.values())


def _answer(question: Question, value: Any, url: str) -> dict[str, Any]:
    return {
        "label": question.label,
        "help": question.help,
        "value": answer_text(question, value),
        "is_missing": question.is_required and not is_answered(value),
        "is_recommended": question.is_recommended and not is_answered(value),
        "missing_words": required_message(question),
        "change_url": f"{url}?tarkista#{field_anchor(question)}" if url else "",
    }


def field_anchor(question: Question) -> str:
    """Return the HTML id of the first field of a question."""
    return f"id_{field_names(question)[0]}"


def facts_group(
    facts: dict[str, Any], *, title: str = "", form: type[ContactFactsForm] = MappingFactsForm, url: str = ""
) -> dict[str, Any]:
    """Return the facts as a group of answers: those that `form` asks for, in its order and by its labels."""
    modes = [str(DeliveryMode(mode).label) for mode in facts["delivery_modes"] if mode in DeliveryMode.values]
    words = {
        "name": facts["name"],
        "email": readable_address(facts["email"]),
        "phone": readable_phone(facts["phone"]),
        "organisation": facts["organisation"],
        "supervision_form": str(SupervisionForm(facts["supervision_form"]).label),
        "delivery_modes": ", ".join(modes),
        "message": facts.get("message", ""),
    }
    if facts["preferred_contact"]:
        words["preferred_contact"] = str(ContactPreference(facts["preferred_contact"]).label)
    answers = [
        {
            "label": str(field.label),
            "value": words[name],
            "change_url": f"{url}?tarkista#id_{name}" if url else "",
        }
        for name, field in form().fields.items()
        if name in words
    ]
    return {"title": title or _("Contact details"), "answers": answers}


def sent_facts(enquiry: Enquiry) -> dict[str, Any]:
    """Return the facts of an enquiry by the names of intake.submission.ContactFacts."""
    return {field.name: getattr(enquiry, field.name) for field in fields(ContactFacts)}


def all_groups(
    mapping: InitialMapping, question_set: QuestionSet, *, facts_url: str = "", step_url: Any = None
) -> list[Any]:
    """Return all answers of a mapping, first its own contact facts if it has any."""
    groups = answer_groups(question_set, mapping.condition_facts, mapping.answers, step_url=step_url)
    return [facts_group(mapping.facts, url=facts_url), *groups] if mapping.facts else groups


class AnswerState(StrEnum):
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    # Its condition did not hold.
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, kw_only=True)
class AskedQuestion:
    """One question or text. `lines`: the answer, one line for each choice. `choices`: (label, was chosen)."""

    question: Question
    state: AnswerState
    lines: tuple[str, ...] = ()
    choices: tuple[tuple[str, bool], ...] = ()
    # Its condition and limits, in words.
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AskedStep:
    title: str
    introduction: str
    questions: tuple[AskedQuestion, ...]


@dataclass(frozen=True, kw_only=True)
class SentMapping:
    """A sent mapping, for the supervisor."""

    sent_at: datetime
    version: str
    # When its questions were published; None if unknown.
    published_on: date | None
    answered: int
    asked: int
    steps: tuple[AskedStep, ...]
    differences: tuple[str, ...]
    preparation_notes: str


@dataclass(frozen=True, kw_only=True)
class MappingInProgress:
    """The progress of an unsent mapping, for the supervisor. Its answers are not shown before it is sent.

    `is_begun`: whether any step has been stored; before that the questions are unknown.
    """

    is_begun: bool
    answered: int
    asked: int
    last_day: date
    is_expired: bool


def read_mapping(enquiry: Enquiry, *, now: datetime) -> SentMapping | MappingInProgress | None:
    """Return the part of an enquiry's mapping that the supervisor may see; None if the enquiry has no mapping."""
    mapping = getattr(enquiry, "mapping", None)
    if mapping is None:
        return None
    done = mapping.progress
    if not mapping.is_sent:
        return MappingInProgress(
            is_begun=mapping.started_at is not None,
            answered=done.answered,
            asked=done.asked,
            last_day=mapping.last_day,
            is_expired=mapping.expires_at <= now,
        )
    return sent_mapping(mapping)


def sent_mapping(mapping: InitialMapping) -> SentMapping:
    """Return a sent mapping. Raises ValueError for an unsent one."""
    if mapping.sent_at is None:
        raise ValueError("The answers are not sent yet.")
    question_set, facts, answers = mapping.questions, mapping.condition_facts, mapping.answers
    done = progress(question_set, facts, answers)
    return SentMapping(
        sent_at=mapping.sent_at,
        # The stored version: the way to compute a version may have changed since.
        version=stored_version(mapping.question_set),
        published_on=date.fromisoformat(question_set.published_on) if question_set.published_on else None,
        answered=done.answered,
        asked=done.asked,
        steps=tuple(as_asked(question_set, facts, answers)),
        differences=tuple(differences(question_set, facts, answers)),
        preparation_notes=mapping.preparation_notes,
    )


def as_asked(question_set: QuestionSet, facts: Answers, answers: Answers) -> Iterator[AskedStep]:
    """Yield every step with all questions, asked or not, and the information texts that were shown."""
    asked = {question.key for _step, question in applicable(question_set, facts, answers)}
    known = {**facts, **{key: value for key, value in answers.items() if key in asked}}
    for step in question_set.steps:
        questions = tuple(
            _asked_question(question, answers.get(question.key), applies=question.key in asked)
            for question in step.questions
            if question.is_asked or condition_holds(question.condition, known)
        )
        yield AskedStep(title=step.title, introduction=step.introduction, questions=questions)


def _asked_question(question: Question, value: object, *, applies: bool) -> AskedQuestion:
    if not applies:
        return AskedQuestion(question=question, state=AnswerState.NOT_ASKED, rules=tuple(_rules(question)))
    lines = answer_lines(question, value)
    chosen = value if isinstance(value, list) else [value]
    return AskedQuestion(
        question=question,
        state=AnswerState.ANSWERED if lines else AnswerState.UNANSWERED,
        lines=lines,
        choices=tuple((choice.label, choice.key in chosen) for choice in question.choices),
        rules=tuple(_rules(question)),
    )


def answer_lines(question: Question, value: object) -> tuple[str, ...]:
    """Return an answer as lines, one for each choice; () if there is none."""
    if not is_answered(value):
        return ()
    if isinstance(value, list) and question.choices:
        return tuple(choice.label for choice in question.choices if choice.key in value)
    words = answer_text(question, value)
    return (words,) if words else ()


def _rules(question: Question) -> Iterator[str]:
    """Yield the condition and limits of the question, in words."""
    if question.condition is not None:
        yield question.condition.words
    if question.is_required:
        yield _("Had to be answered.")
    if question.is_recommended:
        yield _("An answer was recommended.")
    match question.type:
        case QuestionType.SHORT_TEXT | QuestionType.LONG_TEXT:
            words = ngettext("At most %(limit)d character.", "At most %(limit)d characters.", question.limit)
            yield words % {"limit": question.limit}
        case QuestionType.NUMBER:
            yield _("A number, %(minimum)d–%(maximum)d.") % {"minimum": question.minimum, "maximum": question.maximum}
        case QuestionType.SCALE:
            yield _("On the scale 0 is “%(low)s” and 10 is “%(high)s”.") % {
                "low": question.low_label,
                "high": question.high_label,
            }


def sent_groups(mapping: SentMapping) -> list[dict[str, Any]]:
    """Return the answers of a sent mapping, without steps in which no question was asked."""
    groups = []
    for step in mapping.steps:
        answers = [
            {
                "label": asked.question.label,
                "lines": asked.lines if len(asked.lines) > 1 else (),
                "value": asked.lines[0] if asked.lines else "",
                "hint": _scale_ends(asked.question.low_label, asked.question.high_label) if asked.lines else "",
            }
            for asked in step.questions
            if asked.question.is_asked and asked.state != AnswerState.NOT_ASKED
        ]
        if answers:
            groups.append({"title": step.title, "answers": answers})
    return groups


def _scale_ends(low: str, high: str) -> str:
    return _("0 = %(low)s, 10 = %(high)s") % {"low": low, "high": high} if low or high else ""
