"""The mails that are about no enquiry, the pause's and the accounts': the first page shows which have failed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.admin.guard import guarded, may_act
from intake.services.delivery import send_again
from intake.services.outbox import unsent_of_no_enquiry


def own_mail_addresses() -> list[URLPattern]:
    """Return what the hook register_admin_urls takes."""
    return [path("viestit/<int:mail_id>/uudelleen/", guarded(resend, may_act), name="mail_send_again")]


def resend(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Queue one of them for an attempt at once."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    mail = get_object_or_404(unsent_of_no_enquiry(), pk=mail_id)
    if send_again(mail=mail, now=timezone.now()):
        messages.success(request, _("The mail is being sent again. Load the page in a moment to see how it went."))
    else:
        messages.info(request, _("The mail has been sent already, or is being sent just now."))
    return redirect("wagtailadmin_home")
