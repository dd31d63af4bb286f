"""Private links as they come out of mail programs and messages: with a bracket, a full stop or a line break along."""

import html
import re
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import ResolverMatch, reverse
from django.urls import resolve as resolved
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from home.unseen_characters import without_unseen
from intake.views.words_back import no_form_here

# What our addresses are made of, and what may hang round them.
_TANGLED = re.compile(r"[^\w-]*([\w-]+(?:/[\w-]+)*)[^\w-]*", re.ASCII)


# The pages behind it take posts without Django's token: the secret in the address is what a forger would need.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def mend(request: HttpRequest, tangled: str) -> HttpResponseBase:
    """Lead to the page that the link was meant for; what is posted is received there. 404 with advice where none is."""
    address = _mended(tangled)
    page = _page_at(address)
    if page is None:
        given_back = no_form_here(request, status=404) if request.method == "POST" else None
        return given_back or TemplateResponse(request, "intake/private_link_in_part.html", status=404)
    if request.method == "POST":
        return page.func(request, *page.args, **page.kwargs)
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"{address}?{query}" if query else address)


def _mended(tangled: str) -> str:
    """Return the address without what is no part of one; "" where it can't be told what was meant."""
    seen = without_unseen("".join(html.unescape(unquote(tangled)).split()))
    match = _TANGLED.fullmatch(re.sub("/+", "/", seen))
    return f"{reverse('private_link', args=[''])}{match[1]}/" if match else ""


def _page_at(address: str) -> ResolverMatch | None:
    # The pattern of `mend` takes every address below the prefix; another prefix can't come out of _mended.
    page = resolved(address) if address else None
    return page if page and page.url_name != "private_link" else None
