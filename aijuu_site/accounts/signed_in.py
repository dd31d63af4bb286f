"""Whether somebody is still signed in: asked before a form of the admin is sent (static/js/signed-in.js)."""

from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token


def signed_in(request: HttpRequest) -> JsonResponse:
    """Return a token for the form. Wagtail answers 403 to a script without a session."""
    response = JsonResponse({"token": get_token(request)})
    response["Cache-Control"] = "no-store, private"
    return response
