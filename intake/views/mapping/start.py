"""The page where a mapping begins, its first step, and the way out before anything is stored."""

import math
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.forms.mapping import MappingFactsForm
from intake.mapping.start_token import new_start_token, read_start_token
from intake.services.mapping import AlreadySent, begin_mapping, new_secret
from intake.services.receiving import TooManyPosts
from intake.spam.source import Source, address_key, source_of
from intake.views.mapping.pages import notices_now, step_context
from intake.views.refusals import answers_not_stored, sent_already, stored, too_many


def show_start(page: Any, request: HttpRequest) -> HttpResponse:
    """Say what the mapping is, and whom it is not for."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    context = page.get_context(request)
    notices, _pause, _details = notices_now(request)
    context |= {
        "begin_url": page.get_url(request) + page.reverse_subpage("begin"),
        "elsewhere_url": page.get_url(request) + page.reverse_subpage("elsewhere") if page.elsewhere_text else "",
        "step_titles": [step.title for step in page.question_set().steps],
        **notices.as_context(),
    }
    return TemplateResponse(request, page.template, context)


def show_elsewhere(page: Any, request: HttpRequest) -> HttpResponse:
    """Say where to turn when supervision is not what is needed. Keeps nothing."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if not page.elsewhere_text:
        raise Http404
    return TemplateResponse(request, page.elsewhere_template, page.get_context(request))


def start_or_show(page: Any, request: HttpRequest) -> HttpResponse:
    """Answer a GET with the first step; a good POST stores it and leads on with 303; any other keeps the words.

    Statuses of a POST that comes back are those of the contact form (intake.views.contact).
    """
    if request.method != "POST":
        form = MappingFactsForm(initial={"form_token": new_start_token(new_secret(), timezone.now())})
        return _response(page, request, form)
    request.encoding = "utf-8"
    try:
        return _begin(page, request)
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        return TemplateResponse(request, "intake/contact_too_long.html", page.get_context(request), status=413)


def _begin(page: Any, request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    start = read_start_token(request.POST.get("form_token", ""))
    form = MappingFactsForm(request.POST if start else _with_new_token(request.POST))
    source = source_of(request)
    if source is Source.FOREIGN:
        notice = _("The form was sent from another site’s page. Your words are still here: check them and send again.")
        return _response(page, request, form, status=403, notice=notice)
    if not form.is_valid():
        return _response(page, request, form, status=422)
    if start is None:
        notice = _("The form had expired. Your words are still here: send the form again.")
        return _response(page, request, form, status=422, notice=notice)
    notices, _pause, details = notices_now(request)
    try:
        begin_mapping(
            secret=start.secret,
            facts=form.facts(),
            question_set=page.question_set(),
            shown=notices.as_shown(),
            hidden_field=bool(str(form.cleaned_data.get("extra_line") or "").strip()),
            source_known=source is Source.OWN,
            address_key=address_key(request),
            now=now,
        )
    except TooManyPosts as refusal:
        response = _response(
            page, request, form, status=429, notice=too_many(refusal.retry_after, details.phone_display)
        )
        response["Retry-After"] = str(math.ceil(refusal.retry_after.total_seconds()))
        return response
    except AlreadySent:
        return _response(page, request, form, status=409, notice=sent_already())
    except DatabaseError as error:
        return _response(page, request, form, status=503, notice=answers_not_stored(error, details.phone_display))
    return stored(request, reverse("mapping_resume", args=[start.secret]))


def _with_new_token(data: QueryDict) -> QueryDict:
    copy = data.copy()
    copy["form_token"] = new_start_token(new_secret(), timezone.now())
    return copy


def _response(
    page: Any, request: HttpRequest, form: MappingFactsForm, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    question_set = page.question_set()
    context = page.get_context(request)
    context |= step_context(
        request,
        form=form,
        title=_("Contact details"),
        introduction="",
        step=1,
        steps=len(question_set.steps) + 1,
        back=False,
        notice=notice,
        draft="mapping",
    )
    return TemplateResponse(request, page.facts_template, context, status=status)
