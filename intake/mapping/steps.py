"""The steps of a mapping at its private URL. Only posts change anything."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from home.contact_details import ContactDetails
from home.pause.models import current_pause
from home.shown_values import SEEN, digests_text
from home.text_input import readable_address
from intake.choices import Kind
from intake.enquiry.form_pages import (
    FormPost,
    PostRefused,
    at_most,
    form_notices,
    read_post,
    see_other,
    terms_now,
)
from intake.enquiry.forms import MappingFactsForm
from intake.enquiry.mails import promised_mails
from intake.mapping.answers import digests, missing, recommended
from intake.mapping.links import may_copy
from intake.mapping.mails import link_mail_of, mail_link_again
from intake.mapping.models import condition_facts_of
from intake.mapping.page import ending_for, published_questions
from intake.mapping.presentation import (
    ANSWERS,
    CHECK_TEMPLATE,
    ENDED_TEMPLATE,
    LOST,
    STEP_TEMPLATE,
    Lost,
    StepPage,
    all_groups,
    current_notices,
    ended_url,
    facts_page,
    step_context,
)
from intake.mapping.private_pages import (
    FACTS,
    LATER,
    MappingPath,
    TypedAnswer,
    answers_to,
    private,
    typed_answers,
)
from intake.mapping.questions import Ending
from intake.mapping.services import AlreadySent, discard_mapping, send_mapping, store_answers, store_facts
from intake.mapping.step_form import (
    UNMET,
    StepForm,
    data_with,
    has_free_text,
    is_told,
)
from intake.rate_limit import address_key
from intake.settings import IntakeSettings
from intake.submission import SHOWN_FIELD, ShownTerms, read_terms, signed_terms

# Query parameter of a link from the check page: return there after the change.
TO_CHECK = "tarkista"
LATER_TEMPLATE = "intake/mapping/later_page.html"
_LINK = FormPost(
    content="a link to a mapping",
    not_stored=gettext_lazy("The link could not be sent. Try again in a moment, or keep the address yourself."),
    not_stored_call=gettext_lazy(
        "The link could not be sent. Try again in a moment, keep the address yourself, or call %(phone)s."
    ),
)


@private()
def resume(request: HttpRequest, path: MappingPath) -> HttpResponse:
    """Redirect to the step at which the visitor stopped."""
    return _not_asked(request, path) if request.method == "POST" else redirect(path.resume_url())


@private()
def facts_step(request: HttpRequest, path: MappingPath) -> HttpResponse:
    """Show or store the step of the contact facts."""
    if not path.asks_facts and request.method == "POST":
        reason = _(
            "Your contact details came with your message and can’t be changed here. Tell Kati if they have changed."
        )
        return _not_asked(request, path, reason=reason)
    if not path.asks_facts or (path.mapping.is_sent and request.method != "POST"):
        return see_other(path.resume_url())
    if request.method != "POST":
        return _facts_response(request, path, MappingFactsForm(initial=_facts_as_typed(path.mapping.facts)))
    form = _posted_facts(path, request.POST)

    def store() -> str:
        if path.mapping.is_sent:
            raise AlreadySent
        if not form.is_valid():
            raise PostRefused(422)
        facts = form.facts()
        ending = ending_for(path.question_set, condition_facts_of(facts), {})
        if ending:
            return _end(path, ending)
        store_facts(mapping_id=path.mapping.pk, by_mail=path.by_mail, facts=facts, now=timezone.now())
        path.mapping.refresh_from_db()
        if LATER in request.POST:
            return _mail_link(path)
        return path.check_url() if TO_CHECK in request.GET else path.after(FACTS)

    return ANSWERS.answer(
        request, store=store, show_again=lambda **shown: _facts_response(request, path, form, **shown)
    )


@private()
def question_step(request: HttpRequest, path: MappingPath, number: int) -> HttpResponse:
    """Show or store one step of questions."""
    index = number - 1
    if index not in path.shown or index > path.last:
        return _not_asked(request, path) if request.method == "POST" else see_other(path.resume_url())
    if path.mapping.is_sent and request.method != "POST":
        return redirect(path.done_url())
    if request.method != "POST":
        return _step_response(request, path, index, _step_form(path, index, None))
    form, data = _posted_form(path, index, request.POST)
    # Not empty if another tab or device has changed an answer on which these questions depend.
    left_out = answers_to(form.not_asked, request.POST)
    unmet, already_shown = form.unmet_words, request.POST.get(UNMET, "")
    shows_unmet = not left_out and not is_told(unmet, told=already_shown)
    goes_back, goes_on_later = "back" in request.POST, LATER in request.POST

    def store() -> str:
        if path.mapping.is_sent:
            # Refused before validation: correcting the form would be useless, since nothing is stored any more.
            raise AlreadySent
        if left_out:
            raise PostRefused(422, _not_asked_message())
        if shows_unmet:
            raise PostRefused(422, _unmet_message())
        if not form.is_valid() and not ((goes_back or goes_on_later) and form.only_lacks_answers):
            raise PostRefused(422)
        if not path.mapping.question_set and request.POST.get("version") != path.question_set.version:
            raise PostRefused(
                422, _("The questions were changed just now. Your answers are still here: check them and go on.")
            )
        if not (goes_back or goes_on_later):
            # Answers of later steps are left out: they end the mapping when their own step is posted.
            earlier = {question.key for step in path.question_set.steps[:index] for question in step.questions}
            known = {key: value for key, value in path.mapping.answers.items() if key in earlier}
            ending = ending_for(path.question_set, path.mapping.condition_facts, {**known, **form.answers})
            if ending:
                return _end(path, ending)
        _store_answers(path, form)
        path.mapping.refresh_from_db()
        if goes_on_later:
            return _mail_link(path)
        if goes_back:
            return path.before(index) or path.step_url(index)
        return path.check_url() if TO_CHECK in request.GET else path.after(index)

    def show_again(*, status: int, notice: str) -> HttpResponse:
        if not shows_unmet or status != 422:
            return _step_response(
                request, path, index, form, left_out=left_out, unmet=already_shown, status=status, notice=notice
            )
        # The merged data, which the form shows, and not the post: another page may have stored other words meanwhile.
        words = answers_to(form.unmet, data)
        return _step_response(
            request, path, index, form, left_out=words, unmet=digests_text(unmet), status=status, notice=notice
        )

    return ANSWERS.answer(request, store=store, show_again=show_again)


@private(reads_post=False)
def later(request: HttpRequest, path: MappingPath) -> HttpResponse:
    """Show how to go on later; a post mails the link, if it can be sent now."""
    if path.mapping.is_sent:
        return see_other(path.done_url())
    if request.method != "POST":
        return _later_response(request, path)
    return _LINK.answer(
        request, store=lambda: _mail_link(path), show_again=lambda **shown: _later_response(request, path, **shown)
    )


def _mail_link(path: MappingPath) -> str:
    """Mail the link, if it can be sent now, and return the URL of the page that shows whether it was sent."""
    mail_link_again(mapping_id=path.mapping.pk, now=timezone.now())
    return path.later_url()


def _later_response(request: HttpRequest, path: MappingPath, *, status: int = 200, notice: str = "") -> HttpResponse:
    context = {
        "continue_url": request.build_absolute_uri(reverse("mapping_resume", args=[path.secret])),
        "link_mail": link_mail_of(path.mapping, now=timezone.now()),
        "last_day": path.mapping.last_day,
        "resume_url": path.resume_url(),
        "notice": notice,
    }
    return TemplateResponse(request, LATER_TEMPLATE, context, status=status)


def _store_answers(path: MappingPath, form: StepForm | None) -> None:
    """Store the answers of a step. Without `form`, store only the question set: no question applied to this visitor."""
    store_answers(
        mapping_id=path.mapping.pk,
        by_mail=path.by_mail,
        question_set=path.question_set,
        step_keys=form.shown_keys if form else [],
        answers=form.answers if form else {},
        now=timezone.now(),
    )


def _step_form(path: MappingPath, index: int, data: Any) -> StepForm:
    known = {**path.mapping.condition_facts, **path.mapping.counted_answers}
    steps = path.question_set.steps
    return StepForm(
        data,
        step=steps[index],
        known=known,
        initial_answers=path.mapping.answers,
        is_warned=has_free_text(steps[:index], known),
    )


def _posted_form(path: MappingPath, index: int, data: QueryDict) -> tuple[StepForm, QueryDict]:
    """Return the form of a post and its data, merged with answers stored elsewhere while its page was open."""
    form = _step_form(path, index, data)
    merged = form.data_with(path.mapping.answers, data=data)
    return (_step_form(path, index, merged), merged) if merged else (form, data)


def _not_asked(request: HttpRequest, path: MappingPath, *, reason: str = "") -> HttpResponse:
    """Show the text typed on a step that no longer applies, with the reason; redirect if nothing was typed."""
    typed = typed_answers(request.POST, path.question_set)
    if not typed:
        return see_other(path.resume_url())
    context = {"reason": reason or _not_asked_message(), "typed": typed, "resume_url": path.resume_url()}
    return TemplateResponse(request, "intake/mapping/not_asked_page.html", context, status=409)


def _not_asked_message() -> str:
    return _(
        "An earlier answer has changed, perhaps in another tab or on another device, so these are not asked of you any "
        "more. They were not stored: if you need the words, copy them from here."
    )


def _unmet_message() -> str:
    return _(
        "You wrote to a question that is asked only beside another choice, so these words are not stored. If they "
        "matter, change the choice, or move them to another question. Otherwise press the button again: they are left "
        "out then."
    )


def _step_response(
    request: HttpRequest,
    path: MappingPath,
    index: int,
    form: StepForm,
    *,
    status: int = 200,
    notice: str = "",
    left_out: Sequence[TypedAnswer] = (),
    unmet: str = "",
) -> HttpResponse:
    step, now = path.question_set.steps[index], timezone.now()
    context = step_context(
        request,
        StepPage(
            form=form,
            title=step.title,
            introduction=step.introduction,
            step=path.place(index),
            steps=path.steps,
            back=bool(path.before(index)),
            notice=notice,
            continue_url=path.step_url(index),
            link_mail=link_mail_of(path.mapping, now=now),
            last_day=path.mapping.last_day_once_stored(now),
            draft=path.step_url(index),
        ),
    )
    seen = digests_text(digests(path.mapping.answers, form.keys))
    context |= {"version": path.question_set.version, "seen": seen, "left_out": left_out, "unmet": unmet}
    return TemplateResponse(request, STEP_TEMPLATE, context, status=status)


def _facts_as_typed(facts: dict[str, Any]) -> dict[str, Any]:
    return {**facts, "email": readable_address(facts["email"])}


def _posted_facts(path: MappingPath, data: QueryDict) -> MappingFactsForm:
    """Return the form of a post, merged with facts that were changed elsewhere while its page was open."""
    form = MappingFactsForm(data)
    stored = path.mapping.facts
    # The facts are empty once the mapping was sent.
    if not stored:
        return form
    form.is_valid()
    names = {name: (name,) for name in stored if name in form.fields}
    initial = _facts_as_typed(stored)
    merged = data_with(stored, data=data, posted=form.cleaned_data, names=names, initial=initial)
    return MappingFactsForm(merged) if merged else form


def _facts_response(
    request: HttpRequest, path: MappingPath, form: MappingFactsForm, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    own, now = path.facts_url(), timezone.now()
    page = facts_page(
        form,
        steps=path.steps,
        notice=notice,
        continue_url=own,
        link_mail=link_mail_of(path.mapping, now=now),
        last_day=path.mapping.last_day_once_stored(now),
        draft=own,
    )
    context = step_context(request, page) | {"seen": digests_text(digests(path.mapping.facts, path.mapping.facts))}
    return TemplateResponse(request, STEP_TEMPLATE, context, status=status)


@private(reads_post=False)
def check(request: HttpRequest, path: MappingPath) -> HttpResponse:
    """Show all answers; a post sends them. A repeated post leads to the same enquiry."""
    if request.method != "POST":
        is_over = path.mapping.is_sent or path.ending
        return redirect(path.resume_url()) if is_over else _response(request, path)

    def store() -> str:
        if path.ending:
            return _end(path, path.ending)
        if not path.mapping.question_set and not _lacking(path):
            # A double click may have sent it just now; then send_mapping() does nothing.
            with suppress(AlreadySent):
                _store_answers(path, None)
        send_mapping(
            mapping_id=path.mapping.pk,
            address_key=address_key(request),
            pause=current_pause(request),
            terms=_terms(request),
            checked=request.POST.get(SEEN, "") if read_post(request) else "",
            now=timezone.now(),
        )
        return path.done_url()

    def show_again(*, status: int, notice: str) -> HttpResponse:
        if status == 409:
            # The mapping was changed elsewhere since.
            path.mapping.refresh_from_db()
        return _response(request, path, status=status, notice=notice)

    return ANSWERS.answer(request, store=store, show_again=show_again)


@private(reads_post=False)
def done(request: HttpRequest, path: MappingPath) -> HttpResponse:
    """Confirm that the mapping was received; 404 if it was not sent."""
    if not path.mapping.is_sent or path.mapping.enquiry is None:
        raise Http404
    _notices, _pause, details = current_notices(request)
    enquiry = path.mapping.enquiry
    context = {
        "reference": enquiry.reference,
        "response_time": details.answers_within,
        "added_later": enquiry.kind == Kind.CONTACT,
        "promised": promised_mails(enquiry),
        "copy_url": path.copy_url() if may_copy(path.mapping, by_mail=path.by_mail, now=timezone.now()) else "",
    }
    return TemplateResponse(request, "intake/mapping/done_page.html", context)


def _end(path: MappingPath, ending: Ending) -> str:
    """Remove the mapping, and return the URL of the page of the early end."""
    discard_mapping(mapping_id=path.mapping.pk)
    return ended_url(ending, lost=Lost.ALL if path.mapping.started_at else Lost.SENT)


@require_safe
def ended(request: HttpRequest, key: str) -> HttpResponse:
    """Show the text of an early end as it is published now; 404 with a fixed text if it is not published any more.

    The URL is private, because it reveals an answer.
    """
    question_set = published_questions()
    endings = question_set.endings if question_set else ()
    ending = next((one for one in endings if one.key == key), None)
    context = {"ending": ending, "lost": request.GET.get(LOST, "")}
    return TemplateResponse(request, ENDED_TEMPLATE, context, status=200 if ending else 404)


def _terms(request: HttpRequest) -> ShownTerms | None:
    """Return the retention times and the pause that the posted check page stated; None if unknown, or for a GET."""
    return read_terms(request.POST.get(SHOWN_FIELD, "")) if read_post(request) else None


def _lacking(path: MappingPath) -> int:
    return len(missing(path.question_set, path.mapping.condition_facts, path.mapping.answers))


def _response(request: HttpRequest, path: MappingPath, *, status: int = 200, notice: str = "") -> HttpResponse:
    pause = current_pause(request)
    chosen = at_most(_terms(request), chosen=IntakeSettings.load(request))
    notices = form_notices(details=ContactDetails.load(request), pause=pause, chosen=chosen)
    lacking = _lacking(path)
    shown = path.shown
    context = {
        "groups": all_groups(path.mapping, path.question_set, facts_url=path.facts_url(), step_url=path.step_url),
        "lacking": lacking,
        "recommended": recommended(path.question_set, path.mapping.condition_facts, path.mapping.answers),
        "tried": request.method == "POST" and lacking > 0,
        "notice": notice,
        "seen": path.mapping.checked_digest,
        "shown": signed_terms(terms_now(chosen=chosen, pause=pause)),
        # The beginning of the keys of all steps: sending deletes the input that the tab kept for them.
        "draft": reverse("mapping_resume", args=[path.secret]),
        "back_url": path.step_url(shown[-1]) if shown else path.facts_url(),
        **notices.as_context(),
    }
    return TemplateResponse(request, CHECK_TEMPLATE, context, status=status)
