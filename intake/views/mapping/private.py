"""Private addresses: who has the link may go on with the mapping, and nothing tells the link to anybody."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from intake.mapping.questions import QuestionSet
from intake.models.mapping import InitialMapping
from intake.models.mapping_page import MappingPage
from intake.services.mapping import find_link
from intake.views.mapping.walk import Walk
from intake.views.words_back import typed_answers

WalkView = Callable[..., HttpResponse]


def private(view: WalkView) -> WalkView:
    """Give `view(request, walk, …)` the mapping of the secret in its address; 404 where there is none.

    No Django token guards the post: the address itself is the secret that a forger would need. What keeps the answers
    out of caches and the address out of logs stands around every answer, refusals too (the middleware).
    """

    @wraps(view)
    @sensitive_variables()
    def find_and_show(request: HttpRequest, secret: str, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            request.encoding = "utf-8"
        try:
            walk = _walk(secret)
            return view(request, walk, **kwargs) if walk else _closed(request)
        except InitialMapping.DoesNotExist:
            # Its time ran out, or the supervisor removed it, since the line above found it.
            return _closed(request)
        except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
            return TemplateResponse(request, "intake/contact_too_long.html", status=413)

    return sensitive_post_parameters()(csrf_exempt(require_http_methods(["GET", "HEAD", "POST"])(find_and_show)))


def _walk(secret: str) -> Walk | None:
    link = find_link(secret, now=timezone.now())
    if link is None:
        return None
    mapping = link.mapping
    question_set = mapping.questions if mapping.question_set else _published()
    return (
        Walk(secret=secret, by_mail=link.by_mail, mapping=mapping, question_set=question_set) if question_set else None
    )


def _published() -> QuestionSet | None:
    page = MappingPage.objects.live().first()
    return page.question_set() if page else None


def _closed(request: HttpRequest) -> HttpResponse:
    """Say that the link leads nowhere any more; what was just typed is shown, so that it can be copied."""
    typed = typed_answers(request.POST) if request.method == "POST" else []
    page = MappingPage.objects.live().first()
    context = {"typed": typed, "begin_url": page.get_url(request) if page else ""}
    return TemplateResponse(request, "intake/mapping/closed_page.html", context, status=404)
