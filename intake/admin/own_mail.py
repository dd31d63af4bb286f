"""The mails to the supervisor that are about no enquiry: she sees on the first page which have failed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.admin.guard import guarded, may_act
from intake.services.delivery import send_again
from intake.services.pause_reminders import unsent_reminders


def own_mail_addresses() -> list[URLPattern]:
    """Return what the hook register_admin_urls takes."""
    return [path("viestit/<int:mail_id>/uudelleen/", guarded(resend, may_act), name="mail_send_again")]


def resend(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Queue a reminder for an attempt at once."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    mail = get_object_or_404(unsent_reminders(), pk=mail_id)
    if send_again(mail=mail, now=timezone.now()):
        messages.success(request, _("The mail is being sent again. Load the page in a moment to see how it went."))
    else:
        messages.info(request, _("The mail has been sent already, or is being sent just now."))
    return redirect("wagtailadmin_home")
