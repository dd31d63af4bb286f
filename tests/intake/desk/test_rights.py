"""The two groups that a migration creates, and what each may change."""

import importlib
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from wagtail.models import GroupPagePermission

from home.models import ContactDetails, PauseNotice
from intake.models import IntakeSettings
from tests.accounts import make_user
from tests.intake.desk.pages import words

SETTINGS = ("home/contactdetails", "home/pausenotice", "home/footermenu", "intake/intakesettings")


def test_only_supervisor_can_open_settings(kati: Client, editor: Client, loaded_site: None) -> None:
    for setting in SETTINGS:
        page = kati.get(f"/admin/settings/{setting}/", follow=True)
        assert page.status_code == 200
        path = page.request["PATH_INFO"]
        for response in (editor.get(path), editor.post(path, {"active": "on", "retention_months": "1"})):
            # Wagtail redirects to the dashboard with a message.
            assert (response.status_code, response.headers.get("Location")) == (302, "/admin/"), setting


def test_the_editor_has_no_settings_in_the_menu(kati: Client, editor: Client, loaded_site: None) -> None:
    katis_page, editors_page = (client.get("/admin/").content.decode() for client in (kati, editor))
    for setting in SETTINGS:
        assert f"/admin/settings/{setting}/" in katis_page
        assert f"/admin/settings/{setting}/" not in editors_page


def saved(client: Client, setting: str, **changes: str | None) -> None:
    """Submit the form of a setting with some fields changed; None unticks a checkbox."""
    page = client.get(f"/admin/settings/{setting}/", follow=True)
    shown = {field.html_name: field.field.widget.format_value(field.value()) or "" for field in page.context["form"]}
    sent = {name: value for name, value in {**shown, **changes}.items() if value is not None}
    response = client.post(page.request["PATH_INFO"], sent)
    assert response.status_code == 302, words(response)


def test_supervisor_can_change_retention_times(kati: Client, db: None) -> None:
    saved(kati, "intake/intakesettings", retention_months="3", spam_days="7")
    settings = IntakeSettings.load()
    assert (settings.retention_months, settings.spam_days) == (3, 7)


def test_invalid_retention_time_is_refused(kati: Client, db: None) -> None:
    path = f"/admin/settings/intake/intakesettings/{IntakeSettings.load().pk}/"
    for months, days in (("0", "14"), ("6", "0"), ("61", "14"), ("x", "14")):
        kati.post(path, {"retention_months": months, "spam_days": days, "notification_email": ""})
        settings = IntakeSettings.load()
        assert (settings.retention_months, settings.spam_days) == (6, 14), (months, days)


def test_supervisor_can_change_contact_details(kati: Client, loaded_site: None) -> None:
    saved(kati, "home/contactdetails", response_time="viikon kuluessa")
    assert ContactDetails.load().response_time == "viikon kuluessa"


def test_supervisor_pause_change_shows_on_site(kati: Client, loaded_site: None) -> None:
    assert "tauolla" in words(Client().get("/"))
    saved(kati, "home/pausenotice", active=None)
    assert not PauseNotice.load().active
    assert "toistaiseksi tauolla" not in words(Client().get("/"))


def test_wagtails_default_groups_are_removed(db: None) -> None:
    assert sorted(Group.objects.values_list("name", flat=True)) == ["Sisällöntuottaja", "Työnohjaaja"]


def test_the_groups_differ_by_enquiries_and_settings_only(db: None) -> None:
    def rights(name: str) -> set[str]:
        return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))

    assert rights("Sisällöntuottaja") == {"access_admin"}
    assert rights("Työnohjaaja") - rights("Sisällöntuottaja") == {
        "change_contactdetails", "change_pausenotice", "change_footermenu", "change_intakesettings",
        "view_enquiry", "change_enquiry", "delete_enquiry", "export_enquiry",
    }  # fmt: skip


def test_creating_groups_again_changes_nothing(db: None) -> None:
    migration = importlib.import_module("intake.migrations.0002_groups")
    apps = MigrationLoader(connection).project_state(("intake", "0002_groups")).apps
    before = (
        set(GroupPagePermission.objects.values_list("group__name", "page_id", "permission__codename")),
        set(Group.objects.values_list("name", "permissions__codename")),
    )
    for _time in range(2):
        migration.make_groups(apps, None)
        after = (
            set(GroupPagePermission.objects.values_list("group__name", "page_id", "permission__codename")),
            set(Group.objects.values_list("name", "permissions__codename")),
        )
        assert after == before


def test_default_group_with_members_is_kept(db: None, django_user_model: Any) -> None:
    moderators = Group.objects.create(name="Moderators")
    make_user("vanha").groups.add(moderators)
    Group.objects.create(name="Editors")
    apps = MigrationLoader(connection).project_state(("intake", "0002_groups")).apps
    importlib.import_module("intake.migrations.0002_groups").make_groups(apps, None)
    assert sorted(Group.objects.values_list("name", flat=True)) == ["Moderators", "Sisällöntuottaja", "Työnohjaaja"]
