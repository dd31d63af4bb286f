"""The points that Mozilla's Observatory gives the site behind https."""

from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from django.http import HttpResponseBase
from django.test import Client, override_settings

from tests.aijuu_site.environments import https_settings
from tests.public_visits import visits
from tests.tools.observatory import score

HOST = "www.aijuu-koe.fi"
# The maximum for a page without cookies and third-party scripts that is not on the browsers' HSTS preload list.
MAX_POINTS = 130
Ask = Callable[..., HttpResponseBase]

pytestmark = pytest.mark.usefixtures("loaded_site")


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    values = https_settings(tmp_path, HOST)

    def get(path: str, *, scheme: str = "https") -> HttpResponseBase:
        with override_settings(**values):
            response = Client().get(path, headers={"host": HOST, "x-forwarded-proto": scheme})
        return response  # type: ignore[return-value]

    return get


@pytest.fixture
def redirected_to(ask: Ask) -> str:
    """Return the redirect target of a request over http."""
    return ask("/", scheme="http")["Location"]


def scored(response: HttpResponseBase, redirected_to: str) -> int:
    return score(
        headers={name.lower(): value for name, value in response.items()},
        cookies=SimpleCookie(response.cookies.output(header="")),
        html=response.content.decode(),  # type: ignore[attr-defined]
        host=HOST,
        redirected_to=redirected_to,
    )


def test_every_public_page_gets_130_points(ask: Ask, redirected_to: str) -> None:
    scores = {}
    for visit in visits():
        response = ask(visit.path)
        assert response.status_code == visit.status, visit.name
        scores[visit.name] = scored(response, redirected_to)
    assert len(scores) > 30
    assert set(scores.values()) == {MAX_POINTS}


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [
        ("content-security-policy", "default-src 'self'; frame-ancestors 'none'", 125),
        ("content-security-policy", "default-src 'none'", 125),
        ("content-security-policy", "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'", 80),
        ("content-security-policy", "default-src 'none'; img-src http:; frame-ancestors 'none'", 110),
        ("strict-transport-security", "max-age=15767999", 120),
        ("referrer-policy", "unsafe-url", 120),
        ("x-content-type-options", "", 125),
        ("cross-origin-resource-policy", "cross-origin", 120),
    ],
)
def test_weak_header_costs_points(ask: Ask, redirected_to: str, name: str, value: str, points: int) -> None:
    response = ask("/")
    assert response[name] != value
    response[name] = value
    assert scored(response, redirected_to) == points


@pytest.mark.parametrize(
    ("cookie", "points"),
    [
        ("__Host-sessionid=x; Path=/; Secure; HttpOnly; SameSite=Lax", 135),
        ("sessionid=x; HttpOnly; SameSite=Lax", 120),
        ("sessionid=x; Secure; SameSite=Lax", 70),
        ("csrftoken=x; Secure", 80),
    ],
)
def test_weak_cookie_costs_points(ask: Ask, redirected_to: str, cookie: str, points: int) -> None:
    response = ask("/")
    response.cookies.load(cookie)
    assert scored(response, redirected_to) == points
