"""Private addresses: mappings under way and places in the waiting list. They hang from no page: moving or removing
one breaks no link."""

from django.urls import path, re_path

from intake.views import private_links
from intake.views.mapping import check, steps
from intake.views.waiting import answer

# Letters, digits, "-" and "_": what secrets.token_urlsafe makes.
urlpatterns = [
    path("<slug:secret>/", steps.resume, name="mapping_resume"),
    path("<slug:secret>/yhteystiedot/", steps.facts_step, name="mapping_facts"),
    path("<slug:secret>/vaihe/<int:number>/", steps.question_step, name="mapping_step"),
    path("<slug:secret>/tarkista/", check.check, name="mapping_check"),
    path("<slug:secret>/perilla/", check.done, name="mapping_done"),
    path("<slug:secret>/odotuslista/", answer.show_or_answer, name="waiting_answer"),
    # Last: what is left below the prefix.
    re_path(r"^(?P<tangled>[\s\S]*)$", private_links.mend, name="private_link"),
]
