"""The mapping of an enquiry: her notes for the first meeting, and the summary on paper."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.admin.enquiry_page import conflict, found, page, saved, say_refused
from intake.admin.mapping_reading import AnswerState, SentMapping, read_mapping
from intake.forms.review import PreparationForm
from intake.models.enquiry import Enquiry
from intake.services.review import ChangedMeanwhile, write_preparation_notes
from intake.views.mapping.pages import facts_group

SUMMARY_TEMPLATE = "intake/mapping/summary.html"


def save_preparation(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Save the supervisor's notes for the first meeting."""
    enquiry = found(instance_pk)
    form = PreparationForm(request.POST)
    _sent(enquiry)
    if not form.is_valid():
        say_refused(request, form)
        return page(request, enquiry, preparation_form=form, status=422)
    notes = form.cleaned_data["preparation_notes"]
    try:
        write_preparation_notes(
            enquiry_id=enquiry.pk,
            version=form.cleaned_data["version"],
            notes=notes,
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        return conflict(request, enquiry, preparation_notes=notes)
    return saved(request, enquiry, form="preparation", words=_("The notes were saved."))


def summary(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Show the mapping for paper, with her notes on a page of their own."""
    return _summary(request, instance_pk, is_copy=False)


def visitors_copy(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Show the same for the one who answered: nothing of hers is in it."""
    return _summary(request, instance_pk, is_copy=True)


def _summary(request: HttpRequest, instance_pk: str, *, is_copy: bool) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    enquiry = found(instance_pk)
    mapping = _sent(enquiry)
    context = {
        "enquiry": enquiry,
        "mapping": mapping,
        "groups": [facts_group(_facts(enquiry)), *_groups(mapping)],
        "is_copy": is_copy,
        "preparation_notes": "" if is_copy else mapping.preparation_notes,
    }
    response = TemplateResponse(request, SUMMARY_TEMPLATE, context)
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "same-origin"
    return response


def _sent(enquiry: Enquiry) -> SentMapping:
    mapping = read_mapping(enquiry, now=timezone.now())
    if not isinstance(mapping, SentMapping):
        raise Http404
    return mapping


def _facts(enquiry: Enquiry) -> dict[str, Any]:
    names = (
        "name",
        "email",
        "phone",
        "organisation",
        "supervision_form",
        "delivery_modes",
        "preferred_contact",
    )
    return {name: getattr(enquiry, name) for name in names}


def _groups(mapping: SentMapping) -> list[dict[str, Any]]:
    """Return the answers for components/answer_list.html; a step of which nothing was asked is left out."""
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
