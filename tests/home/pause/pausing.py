"""Helpers: a stored pause notice, users with permissions, and reading forms."""

from functools import lru_cache
from typing import Any

from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission
from django.test import Client

from home.models import PauseNotice
from tests.accounts import make_user

HOME = "/admin/"


def client_with(*permissions: str, name: str = "joku") -> Client:
    """A signed-in client with access to the admin and the given permissions."""
    user = make_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=["access_admin", *permissions]))
    client = Client()
    client.force_login(user)
    return client


def stored(**fields: Any) -> PauseNotice:
    """Store the notice with `fields` (inactive by default) without recording a change."""
    notice = PauseNotice.load()
    for name, value in {"active": False, **fields}.items():
        setattr(notice, name, value)
    notice.save()
    return notice


@lru_cache(maxsize=8)
def parsed(html: str) -> BeautifulSoup:
    """Parse the page. Callers must not change the result: it is cached and shared."""
    return BeautifulSoup(html, "html.parser")


def text_of(html: str, selector: str) -> str:
    """Return the text of the first element that matches `selector`; "" for none."""
    found = parsed(html).select_one(selector)
    return " ".join(found.get_text(" ").split()) if found else ""


def form_values(html: str, selector: str) -> dict[str, str]:
    """Return what a browser would send for the unchanged form."""
    form = parsed(html).select_one(selector)
    assert form is not None, selector
    sent = {}
    for field in form.select("input[name], select[name], textarea[name]"):
        if field.name == "select":
            chosen = field.select_one("option[selected]") or field.select_one("option")
            sent[field["name"]] = chosen["value"] if chosen else ""
        elif field.get("type") in ("checkbox", "radio"):
            if field.has_attr("checked"):
                sent[field["name"]] = field.get("value", "on")
        else:
            sent[field["name"]] = field.get_text() if field.name == "textarea" else field.get("value", "")
    return sent
