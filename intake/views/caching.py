"""What a browser may keep of a page with a form: the empty form, and nothing with somebody's words in it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers


def keep_only_empty_form(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let the browser keep the answer of a GET for its Back button, and no cache keep any other answer.

    `no-store` on the empty form makes Firefox and Safari show it anew on Back, without what had been typed into it.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if request.method in ("GET", "HEAD") and response.status_code == 200:
            response["Cache-Control"] = "private, no-cache"
        else:
            add_never_cache_headers(response)
        return response

    return answer
