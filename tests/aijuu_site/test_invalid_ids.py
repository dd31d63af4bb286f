"""An admin URL with an invalid id is answered with 404, and an invalid post with 400. Other errors stay errors."""

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, IntegrityError
from django.http import HttpRequest, QueryDict
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.datastructures import MultiValueDict
from wagtail.models import Page

from aijuu_site.accounts.models import User
from aijuu_site.invalid_ids import InvalidIdMiddleware
from home.models import ContactDetails, ContentPage
from tests.accounts import confirmed, make_user

pytestmark = pytest.mark.usefixtures("loaded_site")

HUGE = "9" * 20
TOO_LARGE = str(2**63)
IN_PATH = [
    "/admin/pages/{}/",
    "/admin/pages/{}/edit/",
    "/admin/pages/{}/delete/",
    "/admin/pages/{}/move/",
    "/admin/pages/{}/history/",
    "/admin/pages/4/revisions/{}/revert/",
    "/admin/pages/4/revisions/compare/{}...live/",
    "/admin/choose-page/{}/",
    "/admin/images/{}/",
    "/admin/images/usage/{}/",
    "/admin/images/chooser/chosen/{}/",
    "/admin/documents/edit/{}/",
    "/admin/documents/chooser/chosen/{}/",
    "/admin/users/edit/{}/",
    "/admin/users/history/{}/",
    "/admin/groups/edit/{}/",
    "/admin/sites/edit/{}/",
    "/admin/redirects/{}/",
    "/admin/collections/{}/",
    "/admin/settings/home/contactdetails/{}/",
    "/admin/yhteydenotot/inspect/{}/",
    "/admin/editing-sessions/release/{}/",
]
# Paths whose pattern accepts any text as the id.
OF_TEXT = ["revisions/compare", "chosen", "users", "groups", "sites", "contactdetails", "inspect"]
IN_QUERY = [
    "/admin/pages/?owner={}",
    "/admin/pages/?content_type={}",
    "/admin/pages/?edited_by={}",
    "/admin/pages/?site={}",
    "/admin/pages/?p={}",
    "/admin/pages/?ordering={}",
    "/admin/pages/3/?owner={}",
    "/admin/pages/4/history/?user={}",
    "/admin/images/?collection_id={}",
    "/admin/images/?p={}",
    "/admin/images/chooser/?collection_id={}",
    "/admin/images/chooser/results/?collection_id={}",
    "/admin/images/chooser/chosen-multiple/?id={}",
    "/admin/documents/?collection_id={}",
    "/admin/documents/chooser/chosen-multiple/?id={}",
    "/admin/choose-page/?page_type={}",
    "/admin/choose-page/?target_pages[]={}",
    "/admin/choose-page/chosen-multiple/?id={}",
    "/admin/choose-external-link/?parent_page_id={}",
    "/admin/users/?group={}",
    "/admin/reports/site-history/?user={}",
    "/admin/reports/site-history/?object_type={}",
    "/admin/reports/aging-pages/?last_published_by={}",
    "/admin/reports/locked/?locked_by={}",
    "/admin/reports/workflow/?requested_by={}",
    "/admin/reports/page-types-usage/?page_locale={}",
    "/admin/redirects/?site={}",
    "/admin/yhteydenotot/?status={}",
]
BULK = [
    ("wagtailcore", "page", "publish"),
    ("wagtailcore", "page", "delete"),
    ("home", "picture", "delete"),
    ("home", "picture", "add_to_collection"),
    ("accounts", "user", "delete"),
]
# One URL of each kind. They are tested with further values that fail in the same way as those above.
OF_EACH_KIND = [
    "/admin/pages/{}/edit/",
    "/admin/images/chooser/chosen/{}/",
    "/admin/pages/?owner={}",
    "/admin/pages/?p={}",
    "/admin/images/chooser/chosen-multiple/?id={}",
    "/admin/choose-page/?target_pages[]={}",
    "/admin/reports/site-history/?object_type={}",
]
ASKED = {
    "x": [*(address for address in IN_PATH if any(f"/{kind}/" in address for kind in OF_TEXT)), *IN_QUERY],
    TOO_LARGE: [*IN_PATH, *IN_QUERY],
    "4711": [*IN_PATH, *(address for address in IN_QUERY if "choose" in address), *OF_EACH_KIND],
    "0": [*IN_PATH, *OF_EACH_KIND],
    **dict.fromkeys([HUGE, "-1", "", "1.5", "1,x"], OF_EACH_KIND),
}


@pytest.fixture
def superuser(loaded_site: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_user("Ylla", is_superuser=True, group="Työnohjaaja"))
    return confirmed(client)


@pytest.mark.parametrize("value", ASKED)
def test_invalid_id_in_url_gives_no_server_error(superuser: Client, value: str) -> None:
    answers = {address: superuser.get(address.format(quote(value))).status_code for address in ASKED[value]}
    assert not {address: status for address, status in answers.items() if status >= 500}


@pytest.mark.parametrize(
    ("action", "value"),
    [
        *((action, value) for action in BULK[1:] for value in ("x", TOO_LARGE, "4711")),
        *((BULK[0], value) for value in ASKED),
    ],
    ids=str,
)
def test_bulk_action_with_invalid_id_is_404(superuser: Client, action: tuple[str, str, str], value: str) -> None:
    address = reverse("wagtail_bulk_action", args=action)
    for method in (superuser.get, superuser.post):
        assert method(f"{address}?id={quote(value)}").status_code == 404
    if action[1] == "page":
        for more in ("", "&q=tauko"):
            assert superuser.get(f"{address}?id=all&childOf={quote(value)}{more}").status_code == 404
    assert Page.objects.filter(title="Saavutettavuus").exists()


def test_bulk_action_404_shows_admin_page(superuser: Client) -> None:
    answer = superuser.get(f"/admin/bulk/wagtailcore/page/publish/?id={HUGE}")
    assert answer.status_code == 404
    assert "wagtailadmin/404.html" in [template.name for template in answer.templates]


def test_invalid_id_without_login_redirects_to_login(loaded_site: None) -> None:
    assert Client().get(f"/admin/pages/{HUGE}/edit/").status_code == 302
    assert Client().get(f"/admin/bulk/wagtailcore/page/publish/?id={HUGE}").status_code == 302


# Posts that no page of the admin sends: with an invalid id, or without fields that Wagtail reads.
NO_ID_POSTED = [
    ("/admin/settings/home/contactdetails/{contact}/", {"email": "x", "privacy_page": "{no_id}"}),
    ("/admin/pages/4/edit/", {"body-count": "0", "image": "{no_id}"}),
    ("/admin/pages/4/copy/", {"new_parent_page": "{no_id}"}),
    ("/admin/redirects/add/", {"redirect_page": "{no_id}"}),
    ("/admin/sites/new/", {"root_page": "{no_id}"}),
    ("/admin/users/new/", {"groups": "{no_id}"}),
    ("/admin/pages/4/privacy/", {"restriction_type": "groups", "groups": "{no_id}"}),
    ("/admin/editing-sessions/ping/wagtailcore/page/4/1/", {"revision_id": "{no_id}"}),
]
INCOMPLETE = [
    ("/admin/pages/4/edit/", {}),
    ("/admin/pages/4/edit/", {"body-count": "x"}),
    ("/admin/pages/4/edit/", {"body-count": "9" * 5000}),
    ("/admin/pages/4/edit/", {"body-count": "1"}),
    ("/admin/pages/4/copy/", {"new_title": "Kopio", "new_slug": "kopio"}),
    ("/admin/pages/add/home/contentpage/3/", {"title": "Uusi"}),
]


@pytest.mark.parametrize("value", ["x", TOO_LARGE, "9" * 5000, "4711"])
def test_invalid_id_in_post_gives_no_server_error(superuser: Client, value: str) -> None:
    contact = ContactDetails.load().pk
    answers = {}
    for address, sent in NO_ID_POSTED:
        data = {name: text.format(no_id=value) for name, text in sent.items()}
        answers[address] = superuser.post(address.format(contact=contact), data).status_code
    assert not {address: status for address, status in answers.items() if status not in (200, 400, 404)}


@pytest.mark.parametrize(("address", "sent"), INCOMPLETE)
def test_incomplete_post_is_400(superuser: Client, address: str, sent: dict[str, str]) -> None:
    answer = superuser.post(address, sent)
    assert answer.status_code == 400
    assert "Pyyntöä ei ymmärretty" in answer.text
    assert not Page.objects.filter(title__in=["Uusi", "Kopio"]).exists()


def raised_by(code: str, module: str, request: HttpRequest) -> Exception:
    """Return the error that `code` raises when it runs as a line of `module`."""
    names = {
        "__name__": module,
        "request": request,
        "Page": Page,
        "QueryDict": QueryDict,
        "MultiValueDict": MultiValueDict,
    }
    try:
        exec(code, names)  # noqa: S102 - only the module's name makes the difference.
    except (LookupError, ValueError, OverflowError, ObjectDoesNotExist) as error:
        return error
    raise AssertionError(code)


READS = [
    'request.POST["y"]',
    'int(request.POST["id"])',
    'Page.objects.get(pk=request.POST["id"])',
    'Page.objects.get(pk=request.POST["gone"])',
]


def post_request() -> HttpRequest:
    request = RequestFactory().post("/admin/pages/", {"id": "x", "gone": "4711", "valid": "4"})
    request.user = User(is_superuser=True)
    request.resolver_match = resolve(request.path)
    return request


@pytest.mark.parametrize("code", READS)
def test_wagtail_error_about_posted_value_is_400(code: str) -> None:
    middleware, request = InvalidIdMiddleware(lambda request: pytest.fail("not called")), post_request()
    answer = middleware.process_exception(request, raised_by(code, "wagtail.admin.views.some", request))
    assert answer is not None
    assert answer.status_code == 400
    request.user = AnonymousUser()
    assert middleware.process_exception(request, raised_by(code, "wagtail.admin.views.some", request)) is None


@pytest.mark.parametrize(
    ("code", "module"),
    [
        *((code, f"{package}.views") for code in READS for package in ("aijuu_site", "home", "intake")),
        # Errors about a value that was not post_request.
        ('MultiValueDict()["y"]', "wagtail.admin.views.some"),
        ('{}["y"]', "wagtail.admin.views.some"),
        ('int("y")', "wagtail.admin.views.some"),
        ('Page.objects.get(pk="y")', "wagtail.admin.views.some"),
        ("Page.objects.get(pk=4712)", "wagtail.admin.views.some"),
        ('raise OverflowError("x")', "wagtail.admin.views.some"),
        ('raise ValueError("x")', "wagtail.admin.views.some"),
        ('raise __import__("django").utils.datastructures.MultiValueDictKeyError("y")', "wagtail.admin.views.some"),
    ],
)
def test_own_error_or_error_about_other_value_stays_500(code: str, module: str) -> None:
    middleware, request = InvalidIdMiddleware(lambda request: pytest.fail("not called")), post_request()
    assert middleware.process_exception(request, raised_by(code, module, request)) is None


def get_request(address: str) -> HttpRequest:
    request = RequestFactory().get(address)
    request.user = User(is_superuser=True)
    request.resolver_match = resolve(request.path)
    return request


def looked_up(value: Any) -> ObjectDoesNotExist:
    try:
        Page.objects.get(pk=value)
    except ContentPage.DoesNotExist as error:
        return error
    except Page.DoesNotExist as error:
        return error
    raise AssertionError(value)


NUMBER = "Field 'id' expected a number but got {}."


@pytest.mark.parametrize(
    ("address", "error"),
    [
        # The numbers in the URL are valid, so they did not cause the error.
        ("/admin/pages/4/edit/?id=4", OverflowError("Python int too large to convert to SQLite INTEGER")),
        ("/admin/pages/4/edit/?id=x", OverflowError("Python int too large to convert to SQLite INTEGER")),
        ("/admin/pages/4/edit/?id=x", DataError("value too long for type character varying(255)")),
        (f"/admin/pages/?id={HUGE}", IntegrityError("UNIQUE constraint failed")),
        # The error is about another value than that in the URL.
        ("/admin/pages/?id=x", ValueError(NUMBER.format("'y'"))),
        ("/admin/pages/?id=4", ValueError(NUMBER.format("'4'"))),
        ("/admin/pages/?id=x", ValueError(NUMBER.format("<ContentPage: x>"))),
        ("/admin/pages/?id=x", ValueError("'x'")),
        ("/admin/pages/?id=x", KeyError("x")),
        ("/admin/pages/?id=x", NoReverseMatch("Reverse for 'x' not found. 'x' is not a valid view function.")),
        ("/admin/pages/?id=4", NoReverseMatch("Reverse for 'edit' with arguments '('4',)' not found.")),
        ("/admin/pages/?id=", NoReverseMatch("Reverse for 'edit' with arguments '('',)' not found.")),
        ("/admin/pages/?id=4", ContentPage.DoesNotExist()),
        ("/yksilotyonohjaus/?id=x", ValueError(NUMBER.format("'x'"))),
    ],
    ids=repr,
)
def test_error_about_other_value_than_url_stays_500(address: str, error: Exception) -> None:
    middleware = InvalidIdMiddleware(lambda request: pytest.fail("not called"))
    assert middleware.process_exception(get_request(address), error) is None


def test_missing_row_is_404_only_if_url_has_its_id() -> None:
    middleware = InvalidIdMiddleware(lambda request: pytest.fail("not called"))
    assert middleware.process_exception(get_request("/admin/pages/?childOf=4711"), looked_up(4712)) is None
    assert middleware.process_exception(get_request("/admin/pages/?childOf=4711"), looked_up("4711")) is not None
