"""The stage of a login in which somebody without a second step gets one."""

from allauth.account.stages import LoginStage
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from aijuu_site.accounts.second_step.rules import has_step, is_required


class EnrolStage(LoginStage):
    key = "enrol"
    urlname = "second_step_enrol"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if is_required() and not has_step(self.login.user):
            return HttpResponseRedirect(reverse(self.urlname)), True
        return None, True
