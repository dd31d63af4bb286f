"""Reading the answers through, sending them, and the page that says they have arrived."""

import math

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from intake.choices import Kind
from intake.mapping.answers import missing
from intake.services.mapping import Incomplete, send_mapping, store_answers
from intake.services.promised import promised_mails
from intake.services.receiving import TooManyPosts
from intake.spam.source import address_key
from intake.views.mapping.pages import CHECK_TEMPLATE, all_groups, notices_now
from intake.views.mapping.private import private
from intake.views.mapping.walk import Walk
from intake.views.refusals import answers_not_stored, stored, too_many


@private
def check(request: HttpRequest, walk: Walk) -> HttpResponse:
    """Show every answer; a post sends them. Sent twice, it is the same enquiry."""
    if request.method != "POST":
        return redirect(walk.done_url()) if walk.mapping.is_sent else _response(request, walk)
    notices, pause, details = notices_now(request)
    try:
        if not walk.mapping.question_set and not _lacking(walk):
            # There was no step to send: nothing applied to this visitor.
            store_answers(
                mapping_id=walk.mapping.pk,
                by_mail=walk.by_mail,
                question_set=walk.question_set,
                step_keys=[],
                answers={},
                shown=notices.as_shown(),
                now=timezone.now(),
            )
        send_mapping(mapping_id=walk.mapping.pk, address_key=address_key(request), pause=pause, now=timezone.now())
    except Incomplete:
        return _response(request, walk, status=422)
    except TooManyPosts as refusal:
        response = _response(request, walk, status=429, notice=too_many(refusal.retry_after, details.phone_display))
        response["Retry-After"] = str(math.ceil(refusal.retry_after.total_seconds()))
        return response
    except DatabaseError as error:
        return _response(request, walk, status=503, notice=answers_not_stored(error, details.phone_display))
    return stored(request, walk.done_url())


@private
def done(request: HttpRequest, walk: Walk) -> HttpResponse:
    """Say that the mapping has arrived; only of one that is in the database."""
    if not walk.mapping.is_sent or walk.mapping.enquiry is None:
        raise Http404
    _notices, _pause, details = notices_now(request)
    enquiry = walk.mapping.enquiry
    context = {
        "reference": enquiry.reference,
        "response_time": details.answers_within,
        "added_later": enquiry.kind == Kind.CONTACT,
        "promised": promised_mails(enquiry),
    }
    return TemplateResponse(request, "intake/mapping/done_page.html", context)


def _lacking(walk: Walk) -> int:
    return len(missing(walk.question_set, walk.mapping.condition_facts, walk.mapping.answers))


def _response(request: HttpRequest, walk: Walk, *, status: int = 200, notice: str = "") -> HttpResponse:
    notices, _pause, _details = notices_now(request)
    lacking = _lacking(walk)
    shown = walk.shown
    context = {
        "groups": all_groups(walk.mapping, walk.question_set, facts_url=walk.facts_url(), step_url=walk.step_url),
        "lacking": lacking,
        "tried": request.method == "POST" and lacking > 0,
        "notice": notice,
        # Sending takes along whatever the tab keeps of the steps.
        "draft": reverse("mapping_resume", args=[walk.secret]),
        "back_url": walk.step_url(shown[-1]) if shown else walk.facts_url(),
        **notices.as_context(),
    }
    return TemplateResponse(request, CHECK_TEMPLATE, context, status=status)
