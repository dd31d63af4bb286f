"""Each settings model has its single row from the start, so that reading a page writes nothing."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from wagtail.contrib.settings.models import BaseGenericSetting
from wagtail.contrib.settings.registry import registry

from home.models import PauseNotice

pytestmark = pytest.mark.django_db

WRITES = ("INSERT", "UPDATE", "DELETE")


def generic_settings() -> list[type[BaseGenericSetting]]:
    return [model for model in registry if issubclass(model, BaseGenericSetting)]


def test_every_setting_has_one_row_after_migrating() -> None:
    assert {model.__name__ for model in generic_settings()} == {
        "ContactDetails", "PauseNotice", "FooterMenu", "IntakeSettings",
    }  # fmt: skip
    for model in generic_settings():
        model.objects.all().delete()
    for _once_more in range(2):
        call_command("migrate", verbosity=0)
        assert [model.objects.count() for model in generic_settings()] == [1, 1, 1, 1]


@pytest.mark.usefixtures("loaded_site")
@pytest.mark.parametrize("form_mode", ["as_usual", "waiting_list", "contact_details"])
def test_reading_the_site_writes_nothing(form_mode: str) -> None:
    PauseNotice.objects.update(active=True, form_mode=form_mode)
    visitor = Client()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for path in ("/", "/ota-yhteytta/", "/ota-yhteytta/viesti/", "/ota-yhteytta/odotuslista/", "/alkukartoitus/"):
            for method in (visitor.get, visitor.head):
                assert method(path).status_code in (200, 302)
        visitor.get("/alkukartoitus/aloita/")
        visitor.get("/tietosuoja/")
        visitor.get("/ei-ole/")
        visitor.get("/jatka/ei-ole/odotuslista/")
    assert [query["sql"] for query in queries if query["sql"].startswith(WRITES)] == []
