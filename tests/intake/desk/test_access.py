"""Access control: every address of wagtail-modeladmin, requested by people who are not superusers."""

import re

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse
from wagtail.models import Page

from intake.models import Enquiry
from tests.intake.desk.pages import LIST, address, words
from tests.intake.desk.people import signed_in, user_with

ACTIONS = (
    "inspect", "status", "spam", "accept", "preparation", "link", "waiting-link", "yhteenveto", "delete", "edit",
    "history", "create", "whatever",
)  # fmt: skip
EXPORTS = ("csv", "xlsx", "json")


def every_address(enquiry: Enquiry) -> list[str]:
    """Return the list, every action on an existing enquiry, some on a missing one, and guessable addresses."""
    mail = enquiry.mails.all()[0]
    return [
        LIST,
        *(f"{LIST}?export={kind}" for kind in EXPORTS),
        f"{LIST}?q=Pirkko",
        *(address(action, enquiry) for action in ACTIONS),
        *(f"{LIST}{path}/" for path in ("inspect/999999", "status/999999", "inspect/x", "delete/%20", "create")),
        f"{LIST}mail/{enquiry.pk}/{mail.pk}/",
        f"{LIST}mail/{enquiry.pk}/999/",
        f"{LIST}yhteenveto/{enquiry.pk}/kopio/",
        f"{LIST}{enquiry.pk}/",
    ]


@pytest.mark.once
def test_editor_gets_403_on_enquiry_views(editor: Client, enquiry: Enquiry) -> None:
    before = Enquiry.objects.values().get()
    for path in every_address(enquiry):
        for response in (editor.get(path), editor.post(path, {"version": 1, "status": "in_review", "note": "x"})):
            assert response.status_code == 403, path
            assert "Salaisuus" not in response.content.decode(), path
    assert Enquiry.objects.values().get() == before


def test_editor_sees_no_enquiries_on_other_pages(editor: Client, enquiry: Enquiry) -> None:
    for path in ("/admin/", "/admin/pages/", "/admin/pages/search/?q=Pirkko", "/admin/images/",
                 "/admin/reports/site-history/", "/admin/reports/aging-pages/"):  # fmt: skip
        page = editor.get(path, follow=True).content.decode()
        assert "yhteydenotot" not in page.lower(), path
        assert "Salaisuus" not in page, path
        assert enquiry.reference not in page, path


def test_page_search_links_to_enquiry_search(kati: Client, enquiry: Enquiry) -> None:
    page = kati.get("/admin/pages/search/?q=Pirkko").content.decode()
    link = re.search(
        rf'<a href="({LIST}[^"]*)"[^>]*>\s*(?:<svg.*?</svg>)?\s*Yhteydenotot', page.partition("<main")[2], re.S
    )
    assert link
    assert "Pirkko Salaisuus" in kati.get(link[1]).content.decode()


def test_editor_can_edit_pages(editor: Client, loaded_site: None) -> None:
    page = Page.objects.get(slug="yksilotyonohjaus")
    assert editor.get(f"/admin/pages/{page.pk}/edit/").status_code == 200


def test_supervisor_edits_pages_and_sees_the_enquiries_menu(kati: Client, loaded_site: None) -> None:
    page = Page.objects.get(slug="yksilotyonohjaus")
    edit = kati.get(f"/admin/pages/{page.pk}/edit/")
    assert edit.status_code == 200
    assert "/admin/yhteydenotot/" in edit.content.decode()


@pytest.mark.once
def test_anonymous_is_redirected_to_login_everywhere(enquiry: Enquiry) -> None:
    for path in every_address(enquiry):
        for response in (Client().get(path), Client().post(path, {"version": 1, "status": "in_review"})):
            assert response.status_code == 302, path
            assert response.headers["Location"].startswith("/admin/login/"), path
    enquiry.refresh_from_db()
    assert enquiry.version == 1


@pytest.mark.once
def test_account_without_admin_access_stays_at_login(stranger: Client, enquiry: Enquiry) -> None:
    for path in every_address(enquiry):
        for response in (stranger.get(path), stranger.post(path, {"version": 1, "status": "in_review"})):
            assert response.status_code in (302, 403), path
            assert "Salaisuus" not in response.content.decode(), path
    assert Enquiry.objects.get().version == 1


def test_read_only_user_sees_no_actions(reader: Client, enquiry: Enquiry) -> None:
    assert "Pirkko Salaisuus" in words(reader.get(LIST))
    page = reader.get(address("inspect", enquiry))
    assert "Kukaan muu ei saa lukea tätä." in words(page)
    inside = page.content.decode().split("<main", 1)[-1]
    assert '<form method="post"' not in inside
    assert "/delete/" not in inside
    assert "export=" not in reader.get(LIST).content.decode()


def test_read_only_user_cannot_change_or_export(reader: Client, enquiry: Enquiry) -> None:
    mail = enquiry.mails.all()[0]
    for path in (address("status", enquiry), address("spam", enquiry), address("accept", enquiry),
                 address("delete", enquiry), address("mail", enquiry, mail.pk)):  # fmt: skip
        posted = reader.post(path, {"version": 1, "status": "in_review", "note": "x"})
        assert (posted.status_code, reader.get(path).status_code) == (403, 403), path
    for kind in ("csv", "xlsx"):
        assert reader.get(LIST, {"export": kind}).status_code == 403
    assert Enquiry.objects.get().version == 1


@pytest.mark.once
def test_action_permission_without_view_permission_is_403(enquiry: Enquiry) -> None:
    rights = (f"intake.{action}_enquiry" for action in ("change", "delete", "export"))
    client = signed_in(user_with("wagtailadmin.access_admin", *rights))
    for path in every_address(enquiry):
        assert client.get(path).status_code == 403, path


def test_enquiries_cannot_be_created_or_edited(kati: Client, enquiry: Enquiry) -> None:
    for action in ("create", "edit", "history", "choose_parent"):
        assert kati.get(f"{LIST}{action}/").status_code == 404, action
        assert kati.post(address(action, enquiry), {"name": "Uusi"}).status_code == 404, action
        with pytest.raises(NoReverseMatch):
            reverse(f"yhteydenotot_modeladmin_{action}")


@pytest.mark.every_case
def test_unknown_enquiry_id_is_not_found(kati: Client, enquiry: Enquiry) -> None:
    for path in (
        *(f"{action}/999999" for action in ("inspect", "status", "spam", "accept", "delete")),
        *(f"inspect/{target}" for target in ("0", "999999999999999999", "1' OR '1'='1", "..", "x")),
    ):
        # A GET request for an action redirects to the enquiry.
        assert kati.get(f"{LIST}{path}/", follow=True).status_code == 404, path
        assert kati.post(f"{LIST}{path}/", {"version": 1, "status": "in_review"}).status_code in (404, 405), path
    assert Enquiry.objects.count() == 1


def test_dashboard_counts_enquiries_for_readers_without_names(kati: Client, editor: Client, enquiry: Enquiry) -> None:
    katis_page = words(kati.get("/admin/"))
    assert "1 uusi yhteydenotto" in katis_page
    assert "Salaisuus" not in katis_page
    assert "uusi yhteydenotto" not in words(editor.get("/admin/"))


def test_read_only_user_has_no_pause_card(kati: Client, reader: Client, loaded_site: None) -> None:
    for client, offered in ((kati, True), (reader, False)):
        assert ("pause-card" in client.get("/admin/").text) is offered
