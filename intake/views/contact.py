"""The pages of the contact page: what stands at its address follows the pause, and a way to write always stays."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from home.pause import FormMode
from home.pause_now import current_pause
from intake.views.form_post import MESSAGE, WAITING, receive_form, show_form


def show_or_receive(page: Any, request: HttpRequest) -> HttpResponse:
    """Answer a GET with what the pause asks for; a POST is a message, whatever stands here now.

    Somebody may have opened the form before the pause began: nothing of that is lost.
    """
    if request.method == "POST":
        return receive_form(page, request, MESSAGE)
    mode = current_pause(request).form_mode
    if mode == FormMode.CONTACT_DETAILS:
        context = page.get_context(request) | page.addresses(request)
        return TemplateResponse(request, "intake/contact_details_page.html", context)
    return show_form(page, request, WAITING if mode == FormMode.WAITING_LIST else MESSAGE)


def message(page: Any, request: HttpRequest) -> HttpResponse:
    """The form for a message, in every state: people have the right to ask about their details."""
    if request.method == "POST":
        return receive_form(page, request, MESSAGE)
    return show_form(page, request, MESSAGE)


def waiting_list(page: Any, request: HttpRequest) -> HttpResponse:
    """Take somebody on the waiting list while it is offered, or was when they may have begun to write.

    The form itself stands at the page's own address while there is one.
    """
    if request.method == "POST":
        return receive_form(page, request, WAITING)
    if current_pause(request).form_mode != FormMode.WAITING_LIST:
        return redirect(page.get_url(request))
    return show_form(page, request, WAITING)
