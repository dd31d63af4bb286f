"""Comparison of two versions of a page: dates and booleans are in Finnish, not as Python prints them."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from home.models import ContentPage, HomePage
from tests.accounts import make_user
from tests.intake.desk.pages import words


@pytest.mark.django_db
def test_version_comparison_is_finnish(client: Client) -> None:
    page = HomePage.objects.get().add_child(instance=ContentPage(title="Hinnasto", slug="hinnasto"))
    page.show_in_menus = True
    page.go_live_at = datetime(2027, 2, 1, 6, 0, tzinfo=UTC)
    page.save_revision()
    client.force_login(make_user(is_superuser=True))
    url = reverse("wagtailadmin_pages:revisions_compare", args=[page.pk, "live", "latest"])
    text = words(client.get(url))
    assert "1.2.2027 klo 8.00" in text
    assert "ei kyllä" in text
    for raw in ("None", "True", "False", "+02:00"):
        assert raw not in text
