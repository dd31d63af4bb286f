"""Template context of the mapping pages, and what is said when a post of theirs is not stored."""

from dataclasses import dataclass, fields
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from home.contact_details import ContactDetails
from home.pause.selectors import current_pause
from home.pause.wording import PauseStatus
from home.text_input import readable_address
from intake.choices import ContactPreference, DeliveryMode, SupervisionForm
from intake.enquiry.form_pages import FormNotices, FormPost, form_notices
from intake.enquiry.forms import ContactFactsForm, MappingFactsForm
from intake.enquiry.models import Enquiry
from intake.mapping.answers import answer_text, applicable, is_answered, is_far
from intake.mapping.links import LIFETIME
from intake.mapping.mails import LinkMail
from intake.mapping.models import InitialMapping
from intake.mapping.questions import Ending, Question, QuestionSet, Role
from intake.mapping.reading import AnswerState, SentMapping
from intake.mapping.services import AlreadySent, Incomplete
from intake.mapping.step_form import StepForm, field_names, required_message
from intake.submission import ContactFacts
from intake.typed_text import readable_phone

STEP_TEMPLATE = "intake/mapping/step_page.html"
CHECK_TEMPLATE = "intake/mapping/check_page.html"
ENDED_TEMPLATE = "intake/mapping/ended_page.html"
ANSWERS = FormPost(
    content="a mapping",
    not_stored=gettext_lazy("The answers could not be stored. Your words are still on the form – try again."),
    not_stored_call=gettext_lazy(
        "The answers could not be stored. Your words are still on the form – try again or call %(phone)s."
    ),
    refusals={
        # From an old tab or another device.
        AlreadySent: (
            409,
            gettext_lazy(
                "The mapping has been sent already, so this change was not stored. Write to Kati if something must be "
                "added."
            ),
        ),
        Incomplete: (422, ""),
    },
)


def ended_url(ending: Ending) -> str:
    """Return the URL of the page of an early end."""
    return reverse("mapping_ended", args=[ending.key])


def current_notices(request: HttpRequest) -> tuple[FormNotices, PauseStatus, ContactDetails]:
    """Return the current notices, pause and contact details."""
    details = ContactDetails.load(request)
    pause = current_pause(request)
    return form_notices(details=details, pause=pause), pause, details


@dataclass(frozen=True, kw_only=True)
class StepPage:
    """One step as shown on a page. `continue_url`: the URL to continue on another device; `link_mail`: by mail.

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
    draft: str = ""


def facts_page(
    form: MappingFactsForm,
    *,
    steps: int,
    notice: str = "",
    continue_url: str = "",
    link_mail: LinkMail | None = None,
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


def sent_groups(mapping: SentMapping) -> list[dict[str, Any]]:
    """Return the answers of a sent mapping, without steps of which nothing was asked."""
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


def all_groups(
    mapping: InitialMapping, question_set: QuestionSet, *, facts_url: str = "", step_url: Any = None
) -> list[Any]:
    """Return all answers of a mapping, first its own contact facts if it has any."""
    groups = answer_groups(question_set, mapping.condition_facts, mapping.answers, step_url=step_url)
    return [facts_group(mapping.facts, url=facts_url), *groups] if mapping.facts else groups
