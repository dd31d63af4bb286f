"""Scheduled publishing times as Kati types them: an unreadable time is refused, never replaced by the current time."""

import json
import re
from datetime import date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from home.admin_forms import MomentFormField
from home.dates import ImplausibleYear, OtherWeekday, parse_moment
from home.models import HomePage
from tests.accounts import make_user

pytestmark = pytest.mark.once

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    "written",
    [
        "28.11.2026 klo 8.00", "28.11.2026 8.00", "28.11.2026 08.00", "28.11.2026 klo 8", "28.11.2026, kello 8:00",
        "la 28.11.2026 klo 8.00", "28. marraskuuta 2026 kello 8.00.", "28.11.26 8.00", "2026-11-28 08:00",
        "28.11.2026\u00a0klo\u00a08.00",
    ],
)  # fmt: skip
def test_finnish_datetime_formats_are_parsed(written: str) -> None:
    assert parse_moment(written, today=TODAY) == datetime(2026, 11, 28, 8, 0)


@pytest.mark.parametrize(
    "written",
    ["28.11.2026", "28. 11. 26", "28.11. 8.00", "28.11.2026 8", "28.11.2026 25.00", "huomenna klo 8", "klo 8"],
)
def test_invalid_or_incomplete_datetime_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"day|moment|hour"):
        parse_moment(written, today=TODAY)


def test_wrong_weekday_or_implausible_year_is_refused() -> None:
    with pytest.raises(OtherWeekday):
        parse_moment("su 28.11.2026 klo 8.00", today=TODAY)
    with pytest.raises(ImplausibleYear):
        parse_moment("28.11.2226 klo 8.00", today=TODAY)


def test_moment_field_uses_finnish_time() -> None:
    assert MomentFormField(required=False).clean("") is None
    moment = MomentFormField().clean("28.7.2027 klo 8.00")
    assert timezone.localtime(moment).isoformat() == "2027-07-28T08:00:00+03:00"
    with pytest.raises(ValidationError, match=r"Kirjoita päivä ja kellonaika, esimerkiksi 1\.2\.2027 klo 8\.00\."):
        MomentFormField().clean("28.7.2027")


def _picker(client: Client, page: Page, name: str) -> dict[str, object]:
    html = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
    found = re.search(rf'initDateTimeChooser\("id_{name}", ({{.*?}})\)', html)
    assert found, page
    config: dict[str, object] = json.loads(found[1])
    return config


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["go_live_at", "expire_at"])
def test_datetime_chooser_keeps_invalid_input_on_blur(client: Client, name: str) -> None:
    client.force_login(make_user(is_superuser=True))
    front = HomePage.objects.get()
    first_of_each_type = {type(page): page for page in (front, *front.get_descendants().specific())}.values()
    for page in first_of_each_type:
        config = _picker(client, page, name)
        assert config["validateOnBlur"] is False, page
        assert config["parentID"] == "#schedule-publishing-dialog", page


@pytest.mark.django_db
def test_page_form_uses_moment_fields() -> None:
    form = HomePage.get_edit_handler().get_form_class()
    assert isinstance(form.base_fields["go_live_at"], MomentFormField)
    assert isinstance(form.base_fields["expire_at"], MomentFormField)
