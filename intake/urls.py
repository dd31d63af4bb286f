"""URLs of private links: mappings in progress, waiting-list places and a visitor's own copy.

They are not below a Wagtail page, so that moving or removing a page breaks no link.
"""

from django.urls import path, re_path

from intake.contact.own_copy import save_copy, show_copy
from intake.mapping.private_pages import repair_link
from intake.mapping.steps import check, done, ended, facts_step, later, question_step, resume
from intake.waiting.private_page import show_or_answer

# The slug converter accepts the characters of secrets.token_urlsafe(): letters, digits, "-" and "_".
urlpatterns = [
    path("<slug:secret>/", resume, name="mapping_resume"),
    path("<slug:secret>/yhteystiedot/", facts_step, name="mapping_facts"),
    path("<slug:secret>/vaihe/<int:number>/", question_step, name="mapping_step"),
    path("<slug:secret>/tarkista/", check, name="mapping_check"),
    path("<slug:secret>/myohemmin/", later, name="mapping_later"),
    path("<slug:secret>/perilla/", done, name="mapping_done"),
    path("<slug:key>/loppu/", ended, name="mapping_ended"),
    path("<slug:secret>/kopio/", show_copy, name="own_copy"),
    path("<slug:secret>/kopio/tiedosto/", save_copy, name="own_copy_file"),
    path("<slug:secret>/odotuslista/", show_or_answer, name="waiting_answer"),
    # Last, because it matches all other paths below the prefix.
    re_path(r"^(?P<damaged>[\s\S]*)$", repair_link, name="private_link"),
]
